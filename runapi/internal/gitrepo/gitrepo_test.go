package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// work is a repository that git itself made: git is what this package is proven
// against.
type work struct {
	t   *testing.T
	dir string
}

func newWork(t *testing.T, args ...string) *work {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git here to compare with")
	}
	w := &work{t, t.TempDir()}
	w.git(append([]string{"init", "-q"}, args...)...)
	return w
}

func (w *work) git(args ...string) string {
	w.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=n", "-c", "user.email=e@x", "-c", "core.autocrlf=false", "-c", "protocol.file.allow=always"}, args...)...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "HOME="+w.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (w *work) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *work) commit() string {
	w.git("add", "-A")
	w.git("commit", "-q", "-m", "m")
	return strings.TrimSpace(w.git("rev-parse", "HEAD"))
}

func (w *work) open() *Repo {
	git := filepath.Join(w.dir, ".git")
	r := Open(w.dir, git, git)
	w.t.Cleanup(r.Close)
	return r
}

// numbered is a text of n lines.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "line %d of a file\n", i)
	}
	return b.String()
}

func TestTracked(t *testing.T) {
	for _, version := range []string{"2", "3", "4"} {
		w := newWork(t)
		for _, name := range []string{"a.go", "dir/b.py", "dir/deeper/c", "dir.x", "ü \"q\".txt", "untracked/later"} {
			w.write(name, name)
		}
		w.git("update-index", "--index-version", version)
		w.git("add", "a.go", "dir", "dir.x", "ü \"q\".txt")
		if version == "3" {
			w.write("intent", "x")
			w.git("add", "-N", "intent")
		}
		list, err := w.open().Tracked()
		var got []string
		for _, e := range list {
			got = append(got, e.Path)
		}
		want := []string{"a.go", "dir.x", "dir/b.py", "dir/deeper/c", "ü \"q\".txt"}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("index version %s: got %q, %v, want %q", version, got, err, want)
		}
	}
}

// change makes one change of each kind, and returns how many there are.
func (w *work) change() int {
	text := numbered(100)
	text = strings.Replace(text, "line 10 ", "line ten ", 1)
	text = strings.Replace(text, "line 13 of a file\n", "", 1)
	w.write("many", "first\n"+text+"no end")
	w.write("empty", "not any more\n")
	w.write("no end", "b")
	w.write("ü \"q\"", "2\n")
	w.write("new/file", "new\n")
	w.write("untracked", "x")
	w.git("add", "new/file")
	check := func(err error) {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	check(os.Remove(filepath.Join(w.dir, "gone")))
	check(os.Chmod(filepath.Join(w.dir, "mode"), 0o755))
	check(os.Remove(filepath.Join(w.dir, "link")))
	check(os.Symlink("elsewhere", filepath.Join(w.dir, "link")))
	w.git("rm", "-q", "--cached", "unstaged")
	check(os.Remove(filepath.Join(w.dir, "unstaged")))
	w.write("same", "same\n") // touched only
	return 9
}

func (w *work) fill() string {
	w.write("many", numbered(100))
	for _, name := range []string{"gone", "mode", "same", "unstaged", "dir/untouched"} {
		w.write(name, name+"\n")
	}
	w.write("empty", "")
	w.write("no end", "a")
	w.write("ü \"q\"", "1\n")
	if err := os.Symlink("many", filepath.Join(w.dir, "link")); err != nil {
		w.t.Fatal(err)
	}
	return w.commit()
}

// TestPatchBringsTheChangesBack: git apply makes of a clean checkout what the
// working tree was, with objects in files, in packs, and in SHA-256.
func TestPatchBringsTheChangesBack(t *testing.T) {
	for _, kind := range []string{"loose", "packed", "sha256", "worktree"} {
		t.Run(kind, func(t *testing.T) {
			var args []string
			if kind == "sha256" {
				args = []string{"--object-format=sha256"}
			}
			w := newWork(t, args...)
			w.fill()
			w.write("many", numbered(90)+"more\n") // so that packs have deltas
			w.commit()
			w.write("many", numbered(100))
			commit := w.commit()
			if kind == "packed" {
				w.git("repack", "-q", "-a", "-d", "-f", "--depth=50", "--window=50")
			}
			r := w.open()
			if kind == "worktree" {
				main := filepath.Join(w.dir, ".git")
				second := filepath.Join(t.TempDir(), "second")
				w.git("worktree", "add", "-q", "--detach", second)
				w = &work{t, second}
				r = Open(second, filepath.Join(main, "worktrees", "second"), main)
				t.Cleanup(r.Close)
			}
			if changes, err := r.Changes(t.Context(), commit); err != nil || len(changes) > 0 {
				t.Fatalf("a clean tree has changes %q, %v", paths(changes), err)
			}
			want := w.change()
			changes, err := r.Changes(t.Context(), commit)
			if err != nil || len(changes) != want {
				t.Fatalf("%d changes %q, %v, want %d", len(changes), paths(changes), err, want)
			}
			patch, whole := AppendPatch(nil, changes)
			if !whole {
				t.Error("the patch is not whole")
			}
			clean := &work{t, filepath.Join(t.TempDir(), "clean")}
			w.git("worktree", "add", "-q", "--detach", clean.dir, commit)
			if err := os.WriteFile(filepath.Join(clean.dir, "the.patch"), patch, 0o600); err != nil {
				t.Fatal(err)
			}
			clean.git("apply", "--index", "--whitespace=nowarn", "the.patch")
			w.git("add", "-u")
			if a, b := w.git("write-tree"), clean.git("write-tree"); a != b {
				t.Errorf("the patch makes tree %s, want %s\n%s", b, a, patch)
			}
		})
	}
}

func paths(changes []Change) (list []string) {
	for _, c := range changes {
		list = append(list, string(c.Status)+" "+c.Path)
	}
	return list
}

func TestLargeAndBinaryFilesAreNamedOnly(t *testing.T) {
	w := newWork(t)
	w.write("large", strings.Repeat("x\n", maxFile))
	w.write("binary", "a\x00b")
	commit := w.commit()
	w.write("large", strings.Repeat("y\n", maxFile))
	w.write("binary", "a\x00c")
	changes, err := w.open().Changes(t.Context(), commit)
	patch, _ := AppendPatch(nil, changes)
	if err != nil || bytes.Count(patch, []byte("Binary files")) != 2 || len(patch) > 1000 {
		t.Errorf("%d bytes, %v: %.500s", len(patch), err, patch)
	}
}

func TestMissingObjects(t *testing.T) {
	w := newWork(t)
	commit := w.fill()
	if _, err := w.open().Changes(t.Context(), strings.Repeat("0", 40)); !errors.Is(err, ErrNoObject) {
		t.Errorf("no such commit: %v", err)
	}
	if _, err := w.open().Changes(t.Context(), "HEAD"); !errors.Is(err, ErrFormat) {
		t.Errorf("no id: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.open().Changes(ctx, commit); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}

// apply follows the edits of diff.
func apply(a, b [][]byte, edits []edit) (out [][]byte) {
	at := 0
	for _, e := range edits {
		out = append(out, a[at:e.a0]...)
		out = append(out, b[e.b0:e.b1]...)
		at = e.a1
	}
	return append(out, a[at:]...)
}

// FuzzDiff: what diff says makes the new text of the old one.
func FuzzDiff(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nc\nd")
	f.Add("", "x")
	f.Add("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n")
	f.Add(numbered(50), numbered(20)+"x\n"+numbered(40))
	f.Fuzz(func(t *testing.T, old, new string) {
		a, b := lines([]byte(old)), lines([]byte(new))
		if got := bytes.Join(apply(a, b, diff(a, b)), nil); string(got) != new {
			t.Errorf("%q to %q: the edits make %q", old, new, got)
		}
	})
}

// TestDiffOfVeryDifferentTexts ends soon, with one edit.
func TestDiffOfVeryDifferentTexts(t *testing.T) {
	var a, b strings.Builder
	for i := range 20_000 {
		fmt.Fprintln(&a, "old", i)
		fmt.Fprintln(&b, "new", i)
	}
	x, y := lines([]byte(a.String())), lines([]byte(b.String()))
	if edits := diff(x, y); len(edits) != 1 || edits[0] != (edit{0, 20_000, 0, 20_000}) {
		t.Errorf("got %v", edits)
	}
}

// FuzzIndex: whatever is read, paths stay below the working tree.
func FuzzIndex(f *testing.F) {
	f.Add([]byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x00"), false)
	entry := make([]byte, statBytes+20)
	entry = append(entry, 0, 3, 'a', '/', 'b', 0, 0, 0, 0, 0, 0, 0)
	f.Add(append([]byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x01"), entry...), false)
	four := append(make([]byte, statBytes+20), 0, 3, 0, 'a', '/', 'b', 0)
	f.Add(append([]byte("DIRC\x00\x00\x00\x04\x00\x00\x00\x01"), four...), false)
	f.Fuzz(func(t *testing.T, data []byte, sha256 bool) {
		size := 20
		if sha256 {
			size = 32
		}
		entries, err := parseIndex(data, size)
		if err != nil && entries != nil {
			t.Errorf("%v, and %d entries", err, len(entries))
		}
		for _, e := range entries {
			if !filepath.IsLocal(filepath.FromSlash(e.Path)) || len(e.ID) != 2*size {
				t.Errorf("entry %+v", e)
			}
		}
	})
}

// FuzzDelta: no delta makes more than it may, or reads beyond its base.
func FuzzDelta(f *testing.F) {
	f.Add([]byte("base text"), []byte{9, 5, 0x90, 4, 1, 'x'})
	f.Add([]byte("b"), []byte{1, 2, 2, 'o', 'k'})
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		if out, err := applyDelta(base, delta, 1000); err == nil && len(out) > 1000 {
			t.Errorf("%d bytes", len(out))
		}
	})
}

// FuzzTree: entries are names, and nothing else.
func FuzzTree(f *testing.F) {
	f.Add(append([]byte("100644 a\x00"), make([]byte, 20)...))
	f.Add(append([]byte("40000 ..\x00"), make([]byte, 20)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = parseTree(data, 20, func(_ uint32, name, id string) error {
			if !filepath.IsLocal(name) || strings.ContainsAny(name, "/\x00") || len(id) != 40 {
				t.Errorf("entry %q %q", name, id)
			}
			return nil
		})
	})
}

// FuzzLoose: the head of an object says what follows.
func FuzzLoose(f *testing.F) {
	f.Add([]byte("x\x9cK\xca\xc9OR0d\xa8\x00\x00\x0c\xa1\x02\x94"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, body, err := readLoose(bytes.NewReader(data), 1000); err == nil && len(body) > 1032 {
			t.Errorf("%d bytes", len(body))
		}
	})
}

// FuzzPack: an object is found where the index says, or not at all.
func FuzzPack(f *testing.F) {
	f.Add([]byte("\xfftOc\x00\x00\x00\x02"), []byte("PACK"), int64(12))
	f.Fuzz(func(t *testing.T, index, data []byte, at int64) {
		p := &pack{index: memory{bytes.NewReader(index)}, data: memory{bytes.NewReader(data)}, hashBytes: 20}
		if p.check() == nil {
			_, _, _ = p.find(make([]byte, 20))
		}
		r := &Repo{hashBytes: 20, common: t.TempDir(), packs: []*pack{p}, packsOpen: true}
		if _, out, err := r.packed(p, max(at, 0), 1000, 0); err == nil && len(out) > 1000 {
			t.Errorf("%d bytes", len(out))
		}
	})
}

type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }
