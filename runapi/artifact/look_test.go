package artifact

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
)

func TestNameOf(t *testing.T) {
	a, err := New("a", "data", Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"x.txt", "sub/y.txt", "other"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{
		a.AddFile("x.txt", FileOptions{Name: "b/x"}), a.AddFile("x.txt", FileOptions{Name: "a/x"}), a.AddDir(t.Context(), "sub", DirOptions{Name: "deep"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{"x.txt": "a/x", filepath.Join(dir, "x.txt"): "a/x", "./sub/../sub/y.txt": "deep/y.txt", "other": ""} {
		if got, ok := a.NameOf(path); got != want || ok != (want != "") {
			t.Errorf("%s is called %q, %v, want %q", path, got, ok, want)
		}
	}
}

// TestManifestJSON: the same bytes in whatever order entries come, read back the
// same, with local paths on demand only.
func TestManifestJSON(t *testing.T) {
	dir := t.TempDir()
	build := func(names ...string) *Artifact {
		a, err := New("a", "data", Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := a.AddFile(path, FileOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		return a
	}
	first, err := build("x", "y").ManifestJSON(ManifestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := build("y", "x").ManifestJSON(ManifestOptions{})
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("got %s and %s, %v, want the same bytes", first, second, err)
	}
	const want = `{"version":1,"storagePolicy":"wandb-storage-policy-v1","storagePolicyConfig":{"storageLayout":"V2"},"contents":{` +
		`"x":{"digest":"nd1Irxsq4dp+chJr8WFRtA==","size":1},"y":{"digest":"QVKQdpRKJpqdcHzK7yRfJQ==","size":1}}}`
	if m, err := artifact.ReadManifest(bytes.NewReader(first)); err != nil || len(m.Entries) != 2 || len(first) != len(want) {
		t.Errorf("got %s, read as %+v, %v", first, m, err)
	}
	local, err := build("x").ManifestJSON(ManifestOptions{IncludeLocal: true})
	if err != nil || !strings.Contains(string(local), `"local_path":`+quoteJSON(filepath.Join(dir, "x"))) || strings.Contains(string(first), dir) {
		t.Errorf("with local paths: %s, %v", local, err)
	}
}

func quoteJSON(s string) string { return `"` + strings.ReplaceAll(s, `\`, `\\`) + `"` }

// TestTrack: references that nobody looks at.
func TestTrack(t *testing.T) {
	a, err := New("a", "data", Options{Handlers: []Handler{Track(), Track("nfs", "lustre")}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	f := func(uri, name, entry string) {
		t.Helper()
		if n, err := a.AddReference(t.Context(), uri, ReferenceOptions{Name: name}); n != 1 || err != nil {
			t.Errorf("%s: %d entries, %v", uri, n, err)
		}
		want[entry] = uri
	}
	f("nfs://store/images", "", "store/images")
	f("lustre:///scratch/x", "data", "data")
	f(path, "", strings.TrimPrefix(filepath.ToSlash(path), "/"))
	m, err := a.Manifest()
	if err != nil || len(m.Entries) != len(want) {
		t.Fatalf("%+v, %v", m, err)
	}
	for _, e := range m.Entries {
		if uri := want[e.Path]; e.Ref != uri || e.Digest != uri || e.Size != -1 {
			t.Errorf("%+v, want %s as it is", e, uri)
		}
	}
	r, err := Track().Open(t.Context(), *m.Find(strings.TrimPrefix(filepath.ToSlash(path), "/")))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if text, err := io.ReadAll(r); string(text) != "text" || err != nil {
		t.Errorf("opened %q, %v", text, err)
	}
	if _, err := Track("nfs").Open(t.Context(), *m.Find("store/images")); err == nil {
		t.Error("a place that is only tracked was opened")
	}
	b, _ := New("b", "data", Options{})
	if _, err := b.AddReference(t.Context(), "/data/x", ReferenceOptions{}); err == nil {
		t.Error("a path was taken as a reference without Track")
	}
}
