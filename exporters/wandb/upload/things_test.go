package upload

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

func filesRecord(names ...string) *wandbpb.Record {
	rec := &wandbpb.FilesRecord{}
	for _, name := range names {
		rec.Files = append(rec.Files, &wandbpb.FilesItem{Path: name, Policy: wandbpb.FilesItem_NOW})
	}
	return &wandbpb.Record{RecordType: &wandbpb.Record_Files{Files: rec}}
}

func alertRecord(title string) *wandbpb.Record {
	return &wandbpb.Record{RecordType: &wandbpb.Record_Alert{Alert: &wandbpb.AlertRecord{Title: title, Text: "t", Level: "WARN", WaitDuration: 60000}}}
}

// artifactRecord is an artifact with one file, which stays the caller's.
func artifactRecord(t testing.TB, name, file string) *wandbpb.Record {
	t.Helper()
	digest, size, err := artifact.SumFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := artifact.NewManifest([]artifact.Entry{{Path: "data/x.bin", Digest: digest, Size: size, LocalPath: file}})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := m.ToRecord("", "")
	if err != nil {
		t.Fatal(err)
	}
	return &wandbpb.Record{RecordType: &wandbpb.Record_Artifact{Artifact: &wandbpb.ArtifactRecord{
		Type: "dataset", Name: name, Digest: m.Digest(), Manifest: rec, Finalize: true, Aliases: []string{"latest"},
		ClientId: strings.Repeat("c", 120) + name, SequenceClientId: strings.Repeat("s", 120) + name,
	}}}
}

// TestThings: files, alerts and artifacts go up with the run; what cannot be is
// counted, and does not keep the run.
func TestThings(t *testing.T) {
	p := newProof(t)
	l := newLog(t, &wandbpb.RunRecord{RunId: "r", Project: "p"})
	file := filepath.Join(t.TempDir(), "x.bin")
	if err := os.WriteFile(file, []byte("some bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(l.dir.FilesDir(), "media", "images"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"media/images/a.png": "png", "empty.txt": "", "config.yaml": "old", "ignored.tmp": "x"} {
		if err := os.WriteFile(filepath.Join(l.dir.FilesDir(), name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l.write(configRecord("lr", "0.5"), &wandbpb.Record{RecordType: &wandbpb.Record_Environment{Environment: &wandbpb.EnvironmentRecord{Os: "Linux", CpuCount: 4}}},
		filesRecord("media/images/a.png", "empty.txt", "config.yaml", "gone.txt", "../../etc/passwd", "ignored.tmp"),
		alertRecord("one"), alertRecord("two"), artifactRecord(t, "data", file))
	l.rows(0, 3)
	l.exit(0)
	var done []string
	rep, err := p.send(l.dir, Options{Ignore: []string{"*.tmp"}, OnArtifact: func(id string, r artifact.Result, err error) {
		done = append(done, id)
		if err != nil || !r.Committed {
			t.Errorf("artifact: %+v, %v", r, err)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	run := p.run("r")
	var names []string
	for _, f := range run.Files {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	if want := []string{"config.yaml", "empty.txt", "media/images/a.png", "wandb-metadata.json", "wandb-summary.json"}; !slices.Equal(names, want) {
		t.Errorf("files: got %v, want %v", names, want)
	}
	if text, err := p.File("local", "p", "r", "config.yaml"); err != nil || !strings.Contains(string(text), "value: 0.5") {
		t.Errorf("config.yaml is not made of the log: %s, %v", text, err)
	}
	if len(run.Alerts) != 2 || len(run.Artifacts) != 1 || len(done) != 1 {
		t.Errorf("%d alerts, %d artifacts, %v done; want 2, 1, 1", len(run.Alerts), len(run.Artifacts), done)
	}
	if rep.Alerts != (Tally{2, 2, 0}) || rep.Artifacts != (Tally{1, 1, 0}) || rep.Files.Dropped != 2 || rep.Files.Pending() != 0 {
		t.Errorf("account: alerts %+v, artifacts %+v, files %+v", rep.Alerts, rep.Artifacts, rep.Files)
	}
}

// TestThingsOnce: an upload that was cut off repeats neither alerts nor
// artifacts, and sends a file once.
func TestThingsOnce(t *testing.T) {
	p := newProof(t)
	l := newLog(t, &wandbpb.RunRecord{RunId: "r", Project: "p"})
	file := filepath.Join(t.TempDir(), "x.bin")
	if err := os.WriteFile(file, []byte("some bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.write(alertRecord("one"), artifactRecord(t, "data", file))
	l.rows(0, 10)
	ctx, cancel := context.WithCancel(deadline(t))
	u, err := New(Options{Dir: l.dir, Client: p.client(""), Live: true, Transmit: time.Millisecond, Poll: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := u.Run(ctx)
		ended <- err
	}()
	until(t, "alert and artifact", func() bool {
		a := u.Account()
		return a.Alerts.Sent == 1 && a.Artifacts.Sent == 1 && a.Rows.Sent == 10
	})
	cancel()
	if err := <-ended; !errors.Is(err, ErrUnsent) {
		t.Errorf("cut off: got %v, want ErrUnsent", err)
	}
	l.rows(10, 5)
	l.exit(0)
	rep, err := p.send(l.dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	run := p.run("r")
	if len(run.Alerts) != 1 || len(run.Artifacts) != 1 || len(run.History) != 15 || rep.Alerts != (Tally{1, 1, 0}) || rep.Artifacts != (Tally{1, 1, 0}) {
		t.Errorf("%d alerts, %d artifacts, %d rows; want 1, 1, 15; %+v", len(run.Alerts), len(run.Artifacts), len(run.History), rep.Account)
	}
}
