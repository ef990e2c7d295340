//go:build unix

package runapi

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

func runPaths(files []SavedFile) (names []string) {
	for _, f := range files {
		names = append(names, f.RunPath)
	}
	return names
}

// TestSaveNames begins with the five mappings of the reference documents.
func TestSaveNames(t *testing.T) {
	s := quiet(t)
	t.Chdir(s.Dir)
	docs := filepath.Join(s.Dir, "Users/username/Documents")
	for _, name := range []string{
		"these/are/myfiles/a", "these/are/myfiles/b", "these/are/myfiles/.env", "these/are/myfiles/sub/c",
		"files/1/saveme.txt", "files/2/saveme.txt", "files/2/other.txt",
		"Users/username/Documents/run123/x.txt", "Users/username/Documents/run123/y.bin", "odd[1]*.txt", "oddi.txt", ".hidden/.x",
	} {
		write(t, name, name)
	}
	r := start(t, s)
	f := func(pattern string, o SaveOptions, want ...string) {
		t.Helper()
		files, err := r.Save(pattern, o)
		if err != nil || !slices.Equal(runPaths(files), want) {
			t.Errorf("save %q %+v: got %v and %v, want %q", pattern, o, files, err, want)
		}
		for _, file := range files {
			at := filepath.Join(r.FilesDir(), filepath.FromSlash(file.RunPath))
			if a, b := stat(t, file.Source), stat(t, at); !os.SameFile(a, b) {
				t.Errorf("%s is not what %s leads to", at, file.Source)
			}
		}
	}
	f("these/are/myfiles/*", SaveOptions{}, "these/are/myfiles/a", "these/are/myfiles/b")
	f("these/are/myfiles/*", SaveOptions{Base: "these"}, "are/myfiles/a", "are/myfiles/b")
	f(docs+"/run123/*.txt", SaveOptions{}, "run123/x.txt")
	f(docs+"/run123/*.txt", SaveOptions{Base: filepath.Join(s.Dir, "Users")}, "username/Documents/run123/x.txt")
	f("files/*/saveme.txt", SaveOptions{}, "files/1/saveme.txt", "files/2/saveme.txt")

	f(docs+"/*/x.txt", SaveOptions{}, "run123/x.txt")
	f(filepath.Join(s.Dir, "f*/1/saveme.txt"), SaveOptions{}, "1/saveme.txt")
	f("these/../these/are/./myfiles/a", SaveOptions{Base: "./these/are/"}, "myfiles/a")
	f("odd[1]*.txt", SaveOptions{Literal: true}, "odd[1]*.txt")
	f(filepath.Join(s.Dir, "odd[1]*.txt"), SaveOptions{Literal: true}, filepath.Base(s.Dir)+"/odd[1]*.txt")
	f("odd[i]*.txt", SaveOptions{}, "oddi.txt")
	f(".hidden/.*", SaveOptions{}, ".hidden/.x")
	f(filepath.Join(s.Dir, "oddi.txt"), SaveOptions{Base: "/"}, filepath.ToSlash(s.Dir)[1:]+"/oddi.txt")
	f("nothing*", SaveOptions{})
	f("", SaveOptions{})
}

func stat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// TestSaveOfFilesInTheRun: what a program writes into the run's files keeps its
// name there.
func TestSaveOfFilesInTheRun(t *testing.T) {
	s := quiet(t)
	t.Chdir(s.Dir)
	write(t, "model.bin", "outside")
	r := start(t, s)
	write(t, filepath.Join(r.FilesDir(), "model.h5"), "inside")
	for _, pattern := range []string{"model.*", filepath.Join(r.FilesDir(), "model.h5")} {
		files, err := r.Save(pattern, SaveOptions{Policy: SaveNow})
		want := []string{"model.bin", "model.h5"}
		if filepath.IsAbs(pattern) {
			want = want[1:]
		}
		if err != nil || !slices.Equal(runPaths(files), want) {
			t.Errorf("save %q: got %v and %v, want %q", pattern, files, err, want)
		}
	}
}

func TestSaveWatchTakesFilesThatAppear(t *testing.T) {
	s := quiet(t)
	t.Chdir(s.Dir)
	write(t, "ckpt/1.pt", "1")
	r := start(t, s)
	if files, err := r.Save("ckpt/*.pt", SaveOptions{Policy: SaveNow, Watch: true}); err != nil || len(files) != 1 {
		t.Fatalf("got %v, %v", files, err)
	}
	write(t, "ckpt/2.pt", "2")
	look := func() {
		t.Helper()
		if err := r.restage(false); err != nil {
			t.Fatal(err)
		}
	}
	saved := func() []string {
		return logged(t, r.Dir(), func(rec *wandbpb.Record) (text string) {
			for _, item := range rec.GetFiles().GetFiles() {
				if item.GetType() == wandbpb.FilesItem_OTHER {
					text += item.GetPath()
				}
			}
			return text
		})
	}
	look()
	write(t, "ckpt/2.pt", "2 and more") // it is still being written
	if err := os.Chtimes("ckpt/2.pt", time.Now(), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	look()
	if got, want := saved(), []string{"ckpt/1.pt"}; !slices.Equal(got, want) {
		t.Errorf("while a file grows: got %q, want %q", got, want)
	}
	look()
	if got, want := saved(), []string{"ckpt/1.pt", "ckpt/2.pt"}; !slices.Equal(got, want) {
		t.Errorf("after it was done: got %q, want %q", got, want)
	}
	write(t, "ckpt/3.pt", "3")
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	if got, want := saved(), []string{"ckpt/1.pt", "ckpt/2.pt", "ckpt/3.pt"}; !slices.Equal(got, want) {
		t.Errorf("after Finish: got %q, want %q", got, want)
	}
}
