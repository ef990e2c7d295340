package runlog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNewDir(t *testing.T) {
	root := t.TempDir()
	start := time.Date(2026, 3, 4, 5, 6, 7, 0, time.Local)
	var made []string
	for range 3 {
		d, err := NewDir(DirOptions{WandbDir: root, RunID: "id1", Start: start})
		check(t, err)
		made = append(made, filepath.Base(d.Path))
		for _, sub := range []string{"", "files", "logs"} {
			st, err := os.Stat(filepath.Join(d.Path, sub))
			check(t, err)
			if st.Mode().Perm() != 0o700 {
				t.Errorf("%s/%s: got mode %v, want 0700", d.Path, sub, st.Mode())
			}
		}
		if link, _ := os.Readlink(filepath.Join(root, "latest-run")); link != filepath.Base(d.Path) {
			t.Errorf("latest-run: got %q, want the relative name %q", link, filepath.Base(d.Path))
		}
	}
	want := "offline-run-20260304_050607-id1"
	if got := strings.Join(made, " "); got != want+" "+want+"-1 "+want+"-2" {
		t.Errorf("got %s", got)
	}
	d, err := NewDir(DirOptions{WandbDir: root, RunID: "id1", Start: start, Online: true})
	check(t, err)
	if got := filepath.Base(d.Path); got != "run-20260304_050607-id1" {
		t.Errorf("online: got %s", got)
	}
	if left, _ := filepath.Glob(filepath.Join(root, "latest-run.*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestLogModeAndPaths(t *testing.T) {
	d := newDir(t)
	check(t, create(t, d.LogPath()).Close())
	st, err := os.Stat(d.LogPath())
	check(t, err)
	if st.Mode().Perm() != 0o600 {
		t.Errorf("log: got mode %v, want 0600", st.Mode())
	}
	for got, want := range map[string]string{
		d.LogPath(): "run-abc.wandb", d.PartPath("w1"): "run-abc.w1.part", d.OpenStepsPath(): "run-abc.open",
	} {
		if filepath.Base(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestOpenDir(t *testing.T) {
	d := newDir(t)
	check(t, create(t, d.LogPath()).Close())
	for _, path := range []string{d.Path, d.LogPath(), filepath.Dir(d.Path), d.Path + "/"} {
		got, err := OpenDir(path)
		check(t, err)
		if got.RunID != "abc" || filepath.Base(got.Path) != filepath.Base(d.Path) {
			t.Errorf("OpenDir(%s): got %+v", path, got)
		}
	}
	empty := t.TempDir()
	for _, path := range []string{empty, filepath.Join(empty, "missing"), d.FilesDir()} {
		if got, err := OpenDir(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("OpenDir(%s): got %v, %v, want an error that names it", path, got, err)
		}
	}
}

func TestWandbDir(t *testing.T) {
	root := t.TempDir()
	if dir, err := WandbDir(root); err != nil || dir != filepath.Join(root, "wandb") {
		t.Errorf("got %s, %v", dir, err)
	}
	check(t, os.Mkdir(filepath.Join(root, ".wandb"), 0o700))
	if dir, err := WandbDir(root); err != nil || dir != filepath.Join(root, ".wandb") {
		t.Errorf("got %s, %v", dir, err)
	}
	file := filepath.Join(root, "file")
	check(t, os.WriteFile(file, nil, 0o600))
	_, err := WandbDir(file) // fails for root too
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "WANDB_DIR") {
		t.Errorf("got %v, want an error that names the path and the remedy", err)
	}
	if os.Getuid() != 0 {
		check(t, os.Chmod(filepath.Join(root, ".wandb"), 0o500))
		if _, err := WandbDir(root); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("read-only directory: got %v", err)
		}
	}
}

func TestIDs(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewID()
		if len(id) != 8 || strings.Trim(id, idAlphabet) != "" || seen[id] {
			t.Fatalf("got %q", id)
		}
		seen[id] = true
		check(t, CheckID(id))
	}
	for _, id := range []string{"", " a", "a ", "a/b", "a:b", "a;b", "a,b", "a#b", "a?b", "a'b", `a\b`, "a\x00", strings.Repeat("a", 65), "a\xff"} {
		if CheckID(id) == nil {
			t.Errorf("%q: want an error", id)
		}
	}
	for _, id := range []string{"a", "A-b_c.1", "läuft", "a b"} {
		check(t, CheckID(id))
	}
}

// TestRunWithoutLog: a run that only another writer's part is left of is found
// and read.
func TestRunWithoutLog(t *testing.T) {
	d := &Dir{Path: t.TempDir(), RunID: "a.b"}
	w, err := Create(d.PartPath("exec"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Output(false, 1, []byte("text\n")), w.Close()); err != nil {
		t.Fatal(err)
	}
	found, err := OpenDir(d.Path)
	if err != nil || *found != *d {
		t.Fatalf("OpenDir: got %+v, %v, want %+v", found, err, d)
	}
	run, err := Load(found)
	if err != nil || len(run.Console) != 1 || run.Console[0].Text != "text\n" || !run.Crashed {
		t.Errorf("Load: got %+v, %v", run, err)
	}
}
