package artifact

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
)

const helloSum = "sZRqySSS0jR8YjW00mERhA=="

// build makes an artifact, and files to put into it.
func build(t *testing.T, o Options, files map[string]string) (a *Artifact, dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := New("name", "type", o)
	if err != nil {
		t.Fatal(err)
	}
	return a, dir
}

// list returns the paths of a, with the content of their files.
func list(t *testing.T, a *Artifact) string {
	t.Helper()
	m, err := a.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range m.Entries {
		b.WriteString(e.Path + "=")
		if e.LocalPath != "" {
			text, err := os.ReadFile(e.LocalPath)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(text)
		}
		b.WriteString(e.Ref + " ")
	}
	return b.String()
}

// TestGoldenDigest: the digest that the official clients compute.
func TestGoldenDigest(t *testing.T) {
	a, dir := build(t, Options{}, map[string]string{"a.txt": "hello\n", "empty": ""})
	check := func(want string) {
		t.Helper()
		if got, err := a.Digest(); got != want || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	check("64e7c61456b10382e2f3b571ac24b659")
	if err := errors.Join(a.AddFile(dir+"/empty", FileOptions{Name: "b/empty"}), a.AddFile(dir+"/a.txt", FileOptions{})); err != nil {
		t.Fatal(err)
	}
	check("11e94137dd9ed0998d85e143759a8949")
	if n, err := a.Remove("b"); n != 1 || err != nil {
		t.Errorf("remove: got %d, %v", n, err)
	}
	if err := a.AddReader(strings.NewReader(""), FileOptions{Name: "b/empty"}); err != nil {
		t.Fatal(err)
	}
	check("11e94137dd9ed0998d85e143759a8949")
	if err := a.Discard(); err != nil {
		t.Error(err)
	}
}

// TestPolicies: what is sent after the file was written to, replaced, deleted.
func TestPolicies(t *testing.T) {
	write := func(name string) error { return os.WriteFile(name, []byte("other"), 0o600) }
	replace := func(name string) error { return errors.Join(os.Remove(name), write(name)) }
	f := func(p Policy, change func(string) error, staging bool, wantRecord bool, want string) {
		t.Helper()
		run := t.TempDir()
		o := Options{}
		if staging {
			o.Staging = filepath.Join(run, "staging")
		}
		a, dir := build(t, o, map[string]string{"f": "hello\n"})
		if err := a.AddFile(dir+"/f", FileOptions{Policy: p}); err != nil {
			t.Fatal(err)
		}
		if err := change(dir + "/f"); err != nil {
			t.Fatal(err)
		}
		rec, err := a.Record(t.Context(), RecordOptions{Staging: filepath.Join(run, "staging")})
		if !wantRecord {
			if !errors.Is(err, artifact.ErrChanged) && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("policy %d: got %v, want %v", p, err, artifact.ErrChanged)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		e := rec.Manifest.Contents[0]
		if text, err := os.ReadFile(e.LocalPath); string(text) != want || err != nil || e.Digest != helloSum {
			t.Errorf("policy %d: got %q, %v, want %q", p, text, err, want)
		}
		if staged := strings.HasPrefix(e.LocalPath, run); staged != (p != Immutable) {
			t.Errorf("policy %d: the file is sent from %s", p, e.LocalPath)
		}
	}
	f(Mutable, write, true, true, "hello\n")
	f(Mutable, os.Remove, true, true, "hello\n")
	f(Mutable, write, false, false, "")
	f(Mutable, os.Remove, false, false, "")
	f(Linked, replace, true, true, "hello\n")
	f(Linked, os.Remove, true, true, "hello\n")
	f(Immutable, func(string) error { return nil }, true, true, "hello\n")
}

// TestLinkedTakesNoSpace: a linked file is the same file.
func TestLinkedTakesNoSpace(t *testing.T) {
	a, dir := build(t, Options{Staging: filepath.Join(t.TempDir(), "s")}, map[string]string{"f": "hello\n"})
	if err := a.AddFile(dir+"/f", FileOptions{Policy: Linked}); err != nil {
		t.Fatal(err)
	}
	m, _ := a.Manifest()
	one, err1 := os.Stat(dir + "/f")
	two, err2 := os.Stat(m.Entries[0].LocalPath)
	if err := errors.Join(err1, err2); err != nil || !os.SameFile(one, two) {
		t.Errorf("two files: %v", err)
	}
}

func TestAddDir(t *testing.T) {
	a, dir := build(t, Options{Staging: filepath.Join(t.TempDir(), "s")}, map[string]string{"x": "1", "d/y": "2", "d/e/z": "3"})
	if err := errors.Join(os.Symlink(dir, dir+"/d/loop"), os.Symlink(dir+"/x", dir+"/d/link"), os.Symlink("e", dir+"/d/f")); err != nil {
		t.Fatal(err)
	}
	if err := a.AddDir(t.Context(), dir, DirOptions{Name: "top"}); err != nil {
		t.Fatal(err)
	}
	if got, want := list(t, a), "top/d/e/z=3 top/d/f/z=3 top/d/link=1 top/d/y=2 top/x=1 "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := syscall.Mkfifo(dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{a.AddDir(t.Context(), dir, DirOptions{}), a.AddFile(dir+"/fifo", FileOptions{}), a.AddFile(dir, FileOptions{})} {
		if !errors.Is(err, artifact.ErrNotRegular) {
			t.Errorf("got %v, want %v", err, artifact.ErrNotRegular)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.AddDir(ctx, dir, DirOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestAddTwice(t *testing.T) {
	a, dir := build(t, Options{}, map[string]string{"f": "1", "g": "2"})
	if err := a.AddFile(dir+"/f", FileOptions{Name: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := a.AddFile(dir+"/g", FileOptions{Name: "x"}); !errors.Is(err, ErrExists) {
		t.Errorf("got %v, want %v", err, ErrExists)
	}
	if err := errors.Join(a.AddFile(dir+"/f", FileOptions{Name: "x"}), a.AddFile(dir+"/g", FileOptions{Name: "x", Overwrite: true})); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"../x", "/x", "a\x00"} {
		if err := a.AddFile(dir+"/f", FileOptions{Name: name}); !errors.Is(err, artifact.ErrBadName) {
			t.Errorf("%q: got %v, want %v", name, err, artifact.ErrBadName)
		}
	}
	if _, err := a.Record(t.Context(), RecordOptions{Staging: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	_, again := a.Record(t.Context(), RecordOptions{})
	_, removed := a.Remove("x")
	for _, err := range []error{again, removed, a.AddFile(dir+"/f", FileOptions{})} {
		if !errors.Is(err, ErrRecorded) {
			t.Errorf("got %v, want %v", err, ErrRecorded)
		}
	}
}

// TestNothingStaysStaged: files of entries that are replaced or removed go.
func TestNothingStaysStaged(t *testing.T) {
	staging := filepath.Join(t.TempDir(), "s")
	a, dir := build(t, Options{Staging: staging}, map[string]string{"f": "1", "g": "2"})
	err := errors.Join(a.AddFile(dir+"/f", FileOptions{Name: "x"}), a.AddFile(dir+"/f", FileOptions{Name: "x"}),
		a.AddFile(dir+"/g", FileOptions{Name: "x", Overwrite: true}), a.AddReader(strings.NewReader("3"), FileOptions{Name: "d/y"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.AddFile(dir+"/f", FileOptions{Name: "x"}); !errors.Is(err, ErrExists) {
		t.Errorf("got %v, want %v", err, ErrExists)
	}
	if n, err := a.Remove("d"); n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if left, err := os.ReadDir(staging); len(left) != 1 || err != nil {
		t.Errorf("%d staged files, %v, want 1", len(left), err)
	}
}

func TestReferences(t *testing.T) {
	a, dir := build(t, Options{}, map[string]string{"f": "hello\n", "d/g": ""})
	other, _ := build(t, Options{}, nil)
	if err := other.AddReader(strings.NewReader("hello\n"), FileOptions{Name: "w"}); err != nil {
		t.Fatal(err)
	}
	defer other.Discard()
	add := func(uri string, o ReferenceOptions, want int) {
		t.Helper()
		if n, err := a.AddReference(t.Context(), uri, o); n != want || (err == nil) != (want > 0) {
			t.Errorf("%s: got %d, %v, want %d", uri, n, err, want)
		}
	}
	add("file://"+dir, ReferenceOptions{Name: "all"}, 2)
	add("file://"+dir+"/f", ReferenceOptions{}, 1)
	add("file://"+dir, ReferenceOptions{MaxObjects: 1}, 0)
	add("file://"+dir+"/none", ReferenceOptions{}, 0)
	add("http://host/page?sig=1", ReferenceOptions{Name: "page", NoChecksum: true}, 1)
	add("x-mine://thing", ReferenceOptions{Name: "thing"}, 1)
	add("x-mine://thing", ReferenceOptions{}, 0)
	add("s3://bucket/key", ReferenceOptions{Name: "s3"}, 0)
	add("/plain", ReferenceOptions{}, 0)
	if err := a.AddEntry(other, "w", "weights"); err != nil {
		t.Fatal(err)
	}
	want := "all/d/g=file://" + dir + "/d/g all/f=file://" + dir + "/f f=file://" + dir + "/f page=http://host/page?sig=1 " +
		"thing=x-mine://thing weights=wandb-client-artifact://" + other.ClientID() + "/w "
	if got := list(t, a); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	m, _ := a.Manifest()
	if e := m.Find("f"); e.Digest != helloSum || e.Size != 6 {
		t.Errorf("got %+v", e)
	}
	if e := m.Find("weights"); e.Digest != helloSum || e.Size != 0 {
		t.Errorf("got %+v", e)
	}
}

func TestRecord(t *testing.T) {
	base := &artifact.Manifest{Layout: "V2", Entries: []artifact.Entry{{Path: "old", Digest: "x", BirthArtifactID: "b", LocalPath: "/gone"}}}
	a, _ := build(t, Options{
		Aliases: []string{"best"}, Tags: []string{"t"}, TTL: time.Hour, Base: &Base{"QTox", base}, Incremental: true,
		Metadata: map[string]any{"k": 1}, Description: "d",
	}, nil)
	rec, err := a.Record(t.Context(), RecordOptions{Entity: "e", Project: "p", RunID: "r", Aliases: []string{"best", "v"}, Tags: []string{"u"}, NoFinalize: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(rec.Aliases, ","); got != "best,v,latest" {
		t.Errorf("aliases: got %s", got)
	}
	if rec.TtlDurationSeconds != 3600 || rec.Metadata != `{"k":1}` || rec.BaseId != "QTox" || !rec.IncrementalBeta1 || rec.Finalize || len(rec.Tags) != 2 {
		t.Errorf("got %v", rec)
	}
	if e := rec.Manifest.Contents; len(e) != 1 || e[0].BirthArtifactId != "b" || e[0].LocalPath != "" {
		t.Errorf("entries: got %v", e)
	}
	if len(rec.ClientId) != 128 || len(rec.SequenceClientId) != 128 || rec.ClientId == rec.SequenceClientId {
		t.Errorf("ids: got %q and %q", rec.ClientId, rec.SequenceClientId)
	}
}

func TestNewRefuses(t *testing.T) {
	f := func(name, typ string, o Options) {
		t.Helper()
		if _, err := New(name, typ, o); err == nil {
			t.Errorf("%q, %q, %+v: no error", name, typ, o)
		}
	}
	f("a/b", "t", Options{})
	f("a", "job", Options{})
	f("a", "t", Options{Aliases: []string{"v1"}})
	f("a", "t", Options{Tags: []string{"a/b"}})
	f("a", "t", Options{TTL: time.Millisecond})
	f("a", "t", Options{Metadata: map[string]any{"f": func() {}}})
	f("a", "t", Options{Incremental: true, DistributedID: "x"})
}
