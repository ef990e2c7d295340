package runapi

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	wandbartifact "github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
	"github.com/wandb-agent/wandb-agent/runapi/artifact"
)

// weights builds an artifact of one file.
func weights(t *testing.T, text string) *artifact.Artifact {
	t.Helper()
	a, err := artifact.New("weights", "model", artifact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "w.bin")
	write(t, path, text)
	if err := a.AddFile(path, artifact.FileOptions{}); err != nil {
		t.Fatal(err)
	}
	return a
}

// patient is a context that only a broken program outlives.
func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// TestArtifactsOfAnOnlineRun: made, waited for, linked, used by another run and
// downloaded there.
func TestArtifactsOfAnOnlineRun(t *testing.T) {
	p := serve(t)
	maker := start(t, p.online(t))
	l, err := maker.LogArtifact(patient(t), weights(t, "one"), ArtifactOptions{Aliases: []string{"best"}})
	if err != nil {
		t.Fatal(err)
	}
	done, err := l.Wait(patient(t))
	if err != nil || !done.Committed || done.ID == "" {
		t.Fatalf("%+v %v", done, err)
	}
	if n, err := maker.LinkArtifact(patient(t), l, "models/collection", "prod"); err != nil || n < 0 {
		t.Errorf("linked as %d, %v", n, err)
	}
	if err := maker.Finish(0); err != nil {
		t.Error(err)
	}
	user := start(t, p.online(t))
	a, err := user.UseArtifact(patient(t), "weights:best", UseOptions{As: "start"})
	if err != nil || a.ID != done.ID {
		t.Fatalf("used %+v, want %s (%v)", a, done.ID, err)
	}
	if err := user.Finish(0); err != nil {
		t.Error(err)
	}
	if used := p.run(t, user.ID()).Used; len(used) != 1 {
		t.Errorf("the server says it uses %v", used)
	}
	ref, err := wandbartifact.ParseRef("weights:best", server.DefaultEntity, "p")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := wandbartifact.Download(patient(t), user.client, ref, dir, wandbartifact.DownloadOptions{}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "w.bin")); string(text) != "one" {
		t.Errorf("downloaded %q, %v", text, err)
	}
}

// TestArtifactsOfAKeptRun: it is sent with the run, its files may be gone by then.
func TestArtifactsOfAKeptRun(t *testing.T) {
	p := serve(t)
	r := start(t, quiet(t))
	l, err := r.LogArtifact(t.Context(), weights(t, "two"), ArtifactOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Wait(t.Context()); !errors.Is(err, ErrOffline) {
		t.Errorf("wait: %v", err)
	}
	if _, err := r.UseArtifact(t.Context(), "others:latest", UseOptions{}); !errors.Is(err, ErrOffline) {
		t.Errorf("use: %v", err)
	}
	if _, err := r.LinkArtifact(t.Context(), l, "x"); !errors.Is(err, ErrOffline) {
		t.Errorf("link: %v", err)
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	p.send(t, r.Dir())
	if made := p.run(t, r.ID()).Artifacts; len(made) != 1 {
		t.Errorf("the server has %v", made)
	}
}

// TestWaitForAnArtifactEnds: with its context, and with the run.
func TestWaitForAnArtifactEnds(t *testing.T) {
	p := serve(t)
	p.faults.Add(faults.On(faults.Match{Operation: "CreateArtifact"}, faults.Action{Kind: faults.Hang}))
	s := p.online(t)
	s.FinishTimeout = 500 * time.Millisecond
	r := start(t, s)
	l, err := r.LogArtifact(t.Context(), weights(t, "three"), ArtifactOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := l.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("wait: %v", err)
	}
	if err := r.Finish(0); !errors.Is(err, ErrUnsent) {
		t.Errorf("finish: %v", err)
	}
	if _, err := l.Wait(patient(t)); !errors.Is(err, ErrUnsent) {
		t.Errorf("wait after the end: %v", err)
	}
}
