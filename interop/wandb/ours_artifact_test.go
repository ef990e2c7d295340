package wandb_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/wandb-agent/wandb-agent/runapi"
	"github.com/wandb-agent/wandb-agent/runapi/artifact"
)

func ourAPI(ctx context.Context, _ []string) error {
	run, err := begin(ctx, runapi.Settings{ID: "api", Name: "read me", Tags: []string{"a"}, Notes: "n", Group: "g", Config: row{"lr": 0.1, "net": row{"act": "relu"}}})
	if err != nil {
		return err
	}
	var errs []error
	for i := range 5 {
		errs = append(errs, run.Log(row{"loss": 1 / float64(i+1), "deep": row{"x": i}}))
	}
	errs = append(errs, run.Summary().Set("best", 0.2), os.WriteFile("kept.txt", []byte("kept\n"), 0o600))
	_, err = run.Save("kept.txt", runapi.SaveOptions{Policy: runapi.SaveNow})
	return errors.Join(append(errs, err, run.Finish(0))...)
}

func ourShared(ctx context.Context, args []string) error {
	label := "primary"
	if len(args) > 0 {
		label = args[0]
	}
	primary := label == "primary"
	run, err := begin(ctx, runapi.Settings{Mode: runapi.ModeShared, Label: label, Secondary: !primary, LeaveRunning: !primary})
	if err != nil {
		return err
	}
	var errs []error
	if primary {
		errs = append(errs, run.Config().Set("lr", 0.1))
	}
	for i := range 3 {
		errs = append(errs, run.Log(row{label + "/x": i}))
	}
	if primary {
		second := exec.CommandContext(ctx, os.Args[0], "second")
		out, err := second.CombinedOutput()
		if err != nil {
			errs = append(errs, fmt.Errorf("second writer: %w: %s", err, out))
		}
	}
	time.Sleep(time.Second) // system metrics are measured twice a second
	return errors.Join(append(errs, run.Finish(0))...)
}

// made is an artifact that a program makes.
type made struct {
	name    string
	opts    artifact.Options
	files   map[string]string // name in the artifact: file
	dirs    map[string]string
	refs    map[string]string // name in the artifact: URI
	aliases []string
	tags    []string
}

func (m made) log(ctx context.Context, run *runapi.Run) (*runapi.LoggedArtifact, error) {
	a, err := artifact.New(m.name, "dataset", m.opts)
	if err != nil {
		return nil, err
	}
	var errs []error
	for name, file := range m.files {
		errs = append(errs, a.AddFile(file, artifact.FileOptions{Name: name}))
	}
	for name, dir := range m.dirs {
		errs = append(errs, a.AddDir(ctx, dir, artifact.DirOptions{Name: name}))
	}
	for name, uri := range m.refs {
		_, err := a.AddReference(ctx, uri, artifact.ReferenceOptions{Name: name})
		errs = append(errs, err)
	}
	l, err := run.LogArtifact(ctx, a, runapi.ArtifactOptions{Aliases: m.aliases, Tags: m.tags})
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	_, err = l.Wait(ctx)
	return l, err
}

func ourArtifacts(ctx context.Context, _ []string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	base, err := os.MkdirTemp("", "artifacts")
	if err != nil {
		return err
	}
	defer os.RemoveAll(base)
	errs := []error{os.MkdirAll(filepath.Join(base, "dir", "sub"), 0o700)}
	at := func(name string) string { return filepath.Join(base, name) }
	for name, text := range map[string]string{"one.txt": "one\n", "dir/two.txt": "two\n", "dir/sub/three.txt": "three\n", "made.txt": "made\n"} {
		errs = append(errs, os.WriteFile(at(name), []byte(text), 0o600))
	}
	far := httptest.NewServer(http.FileServer(http.Dir(base)))
	defer far.Close()
	run, err := begin(ctx, runapi.Settings{ID: "artifact"})
	if err != nil {
		return err
	}
	errs = append(errs, run.Log(row{"x": 1}))
	var first *runapi.LoggedArtifact
	new := map[string]string{"one.txt": at("one.txt"), "new.txt": at("dir/two.txt")}
	for i, m := range []made{
		{name: "data", opts: artifact.Options{Description: "d", Metadata: row{"rows": 3, "nested": row{"a": []any{1, nil}}}},
			files: map[string]string{"one.txt": at("one.txt"), "made.txt": at("made.txt")}, dirs: map[string]string{"all": at("dir")},
			aliases: []string{"best"}, tags: []string{"t1"}},
		{name: "elsewhere", refs: map[string]string{"far.txt": far.URL + "/one.txt", "near.txt": "file://" + at("one.txt")}},
		{name: "data", opts: artifact.Options{Metadata: row{"rows": 4}}, files: new},
		{name: "data", opts: artifact.Options{Incremental: true}, files: map[string]string{"added.txt": at("dir/sub/three.txt")}},
		{name: "data", opts: artifact.Options{Metadata: row{"rows": 4}}, files: new, aliases: []string{"again"}},
	} {
		l, err := m.log(ctx, run)
		if err != nil {
			return fmt.Errorf("artifact %d: %w", i, err)
		}
		if i == 0 {
			first = l
		}
	}
	_, err = run.LinkArtifact(ctx, first, "collected/best-data", "prod")
	errs = append(errs, err, run.Finish(0))
	run, err = begin(ctx, runapi.Settings{ID: "artifact-use"})
	if err != nil {
		return err
	}
	errs = append(errs, run.Log(row{"x": 1}))
	for _, ref := range strings.Fields("data:best elsewhere:v0 data:v2") {
		_, err := run.UseArtifact(ctx, ref, runapi.UseOptions{})
		errs = append(errs, err)
	}
	return errors.Join(append(errs, run.Finish(0))...)
}
