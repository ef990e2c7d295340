package runapi

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

// textOf reads and closes what Restore returned.
func textOf(t *testing.T, f *os.File, err error) string {
	t.Helper()
	if err != nil {
		t.Error(err)
		return ""
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func TestRestore(t *testing.T) {
	p := serve(t)
	s := p.online(t)
	s.ID = "r1"
	r := start(t, s)
	write(t, filepath.Join(r.FilesDir(), "deep/model.h5"), "weights")
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	o := RestoreOptions{Run: server.DefaultEntity + "/p/r1", Root: work, Settings: s}
	get := func(o RestoreOptions, want string) {
		t.Helper()
		f, err := Restore(patient(t), "deep/model.h5", o)
		if got := textOf(t, f, err); got != want {
			t.Errorf("restored %q, want %q", got, want)
		}
	}
	get(o, "weights")
	write(t, filepath.Join(work, "deep/model.h5"), "mine")
	lost := o
	lost.Settings.BaseURL = "http://127.0.0.1:1"
	get(lost, "mine") // what is there needs no server
	o.Replace, o.Run = true, "p/r1"
	get(o, "weights")
	o.Run = "r1"
	get(o, "weights")

	// From another run: into its files.
	s.ID = "r2"
	second := start(t, s)
	f, err := second.Restore(patient(t), "deep/model.h5", RestoreOptions{Run: "p/r1"})
	if got := textOf(t, f, err); got != "weights" {
		t.Errorf("restored %q", got)
	}
	if got := content(t, second, "deep/model.h5"); got != "weights" {
		t.Errorf("its files hold %q", got)
	}
	t.Chdir(t.TempDir())
	o.Root = ""
	get(o, "weights")
	if _, err := os.Stat("deep/model.h5"); err != nil {
		t.Error(err)
	}
}

func TestRestoreErrors(t *testing.T) {
	p := serve(t)
	s := p.online(t)
	s.ID = "r1"
	if err := start(t, s).Finish(0); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	f := func(name, run string, want error) {
		t.Helper()
		file, err := Restore(patient(t), name, RestoreOptions{Run: run, Root: dir, Settings: s})
		if file != nil || !errors.Is(err, want) {
			t.Errorf("%s of %q: %v, want %v", name, run, err, want)
		}
		comm := (*CommError)(nil)
		if is := errors.As(err, &comm); is {
			t.Errorf("%s of %q: %v is a *CommError", name, run, err)
		}
	}
	f("x", "", ErrNoRun)
	f("x", server.DefaultEntity+"/p/r1", fs.ErrNotExist)
	f("x", server.DefaultEntity+"/p/nobody", fs.ErrNotExist)
	f("../x", "p/r1", ErrBadName)
	f("/etc/passwd", "p/r1", ErrBadName)
	f("x", "a/b/c/d", ErrBadName)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("it left %v, %v", entries, err)
	}
	kept := start(t, quiet(t))
	if _, err := kept.Restore(t.Context(), "x", RestoreOptions{}); !errors.Is(err, ErrOffline) {
		t.Errorf("of a kept run: %v", err)
	}
	if _, err := (*Run)(nil).Restore(t.Context(), "x", RestoreOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no run: %v", err)
	}
	set := s
	set.BaseURL = "http://127.0.0.1:1"
	ctx, cancel := contextFor(t)
	defer cancel()
	_, err := Restore(ctx, "x", RestoreOptions{Run: server.DefaultEntity + "/p/r1", Root: dir, Settings: set})
	if comm := (*CommError)(nil); !errors.As(err, &comm) {
		t.Errorf("a server that is not there: %v", err)
	}
}

// contextFor ends soon: a server that is not there is asked again and again.
func contextFor(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), 300*time.Millisecond)
}

// TestRestoreCode: the diff that one run saved comes back with its commit, and git
// takes it.
func TestRestoreCode(t *testing.T) {
	p := serve(t)
	dir, commit := repository(t, map[string]string{"a.go": "one\n"})
	write(t, "a.go", "two\n")
	s := p.online(t)
	s.ID, s.DisableGit, s.SaveCode, s.Program, s.Args = "r1", false, true, "train", []string{"-lr", "0.1"}
	if err := start(t, s).Finish(0); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	o := RestoreOptions{Run: "p/r1", Root: out, Settings: s}
	code, err := RestoreCode(patient(t), o)
	want := Code{Commit: commit, Remote: "https://***@example.com/r.git", Program: "train", Args: []string{"-lr", "0.1"}, Patch: filepath.Join(out, patchFile)}
	if err != nil || !reflect.DeepEqual(code, want) {
		t.Fatalf("got %+v, %v, want %+v", code, err, want)
	}
	write(t, "a.go", "one\n")
	apply := exec.Command("git", "apply", code.Patch)
	apply.Dir = dir
	if text, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v: %s", err, text)
	}
	if text, err := os.ReadFile("a.go"); err != nil || string(text) != "two\n" {
		t.Errorf("the patch makes %q, %v", text, err)
	}
	if _, err := RestoreCode(patient(t), o); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a patch that is there: %v", err)
	}
	o.Run = "p/nobody"
	if _, err := RestoreCode(patient(t), o); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a run that is not there: %v", err)
	}
}
