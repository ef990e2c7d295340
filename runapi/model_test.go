package runapi

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	wandbartifact "github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
	"github.com/wandb-agent/wandb-agent/runapi/artifact"
)

// made waits until the server has a version.
func made(t *testing.T, l *LoggedArtifact, err error) wandbartifact.Result {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	done, err := l.Wait(patient(t))
	if err != nil || done.ID == "" {
		t.Fatalf("%+v %v", done, err)
	}
	return done
}

func TestLogArtifactPath(t *testing.T) {
	p := serve(t)
	work := t.TempDir()
	t.Chdir(work)
	write(t, "data/a.txt", "a")
	write(t, "data/sub/b.txt", "b")
	write(t, "one file.bin", "one")
	s := p.online(t)
	s.ID = "r1"
	r := start(t, s)
	f := func(path string, o PathOptions, name, typ string, entries ...string) {
		t.Helper()
		l, err := r.LogArtifactPath(patient(t), path, o)
		made(t, l, err)
		a, err := r.UseArtifact(patient(t), name, UseOptions{Type: typ})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		m, err := a.Manifest(patient(t))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range m.Entries {
			got = append(got, e.Path)
		}
		if !slices.Equal(got, entries) {
			t.Errorf("%s: entries %q, want %q", path, got, entries)
		}
	}
	f("data", PathOptions{Name: "images", Type: "dataset", Options: artifact.Options{Aliases: []string{"best"}}}, "images:best", "dataset", "a.txt", "sub/b.txt")
	f("data/", PathOptions{}, "run-r1-data:latest", "unspecified", "a.txt", "sub/b.txt")
	f("one file.bin", PathOptions{}, "run-r1-one_file.bin:v0", "unspecified", "one file.bin")
	f("file://"+filepath.ToSlash(work)+"/data", PathOptions{Name: "ref"}, "ref", "", "a.txt", "sub/b.txt")
	f("nfs://store/images", PathOptions{Options: artifact.Options{Handlers: []artifact.Handler{artifact.Track("nfs")}}}, "run-r1-images", "", "store/images")
	if _, err := r.LogArtifactPath(t.Context(), "gone", PathOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a path without anything: %v", err)
	}
	if _, err := r.LogArtifactPath(t.Context(), "data", PathOptions{Name: "a/b"}); !errors.Is(err, ErrBadName) {
		t.Errorf("a bad name: %v", err)
	}
	if _, err := r.UseArtifact(patient(t), "images", UseOptions{Type: "model"}); !errors.Is(err, wandbartifact.ErrType) {
		t.Errorf("another type: %v", err)
	}
}

// TestUseAnArtifact: by version, alias and digest; files opened one by one; an
// entry referred to by another artifact.
func TestUseAnArtifact(t *testing.T) {
	p := serve(t)
	r := start(t, p.online(t))
	l, err := r.LogArtifact(patient(t), weights(t, "one"), ArtifactOptions{Aliases: []string{"best"}})
	done := made(t, l, err)
	for _, ref := range []string{"weights", "weights:v0", "weights:best", "p/weights:latest", server.DefaultEntity + "/p/weights:v0", "weights:" + done.Digest} {
		u, err := r.UseArtifact(patient(t), ref, UseOptions{As: "start"})
		if err != nil || u.ID != done.ID {
			t.Errorf("use %s: %+v, %v", ref, u, err)
		}
	}
	u, err := r.UseArtifact(patient(t), "weights:best", UseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := server.DefaultEntity + "/p/weights:v0"; u.Ref() != want {
		t.Errorf("it is called %s, want %s", u.Ref(), want)
	}
	checkOpen(t, u, "one")
	b, err := artifact.New("more", "model", artifact.Options{Handlers: []artifact.Handler{u.References()}})
	if err == nil {
		_, err = b.AddReference(patient(t), u.EntryURI("w.bin"), artifact.ReferenceOptions{Name: "old.bin"})
	}
	if err != nil {
		t.Fatal(err)
	}
	l, err = r.LogArtifact(patient(t), b, ArtifactOptions{})
	made(t, l, err)
	dir := t.TempDir()
	if u, err = r.UseArtifact(patient(t), "more", UseOptions{}); err == nil {
		_, err = u.Download(patient(t), dir, wandbartifact.DownloadOptions{})
	}
	if text, bad := os.ReadFile(filepath.Join(dir, "old.bin")); err != nil || string(text) != "one" {
		t.Errorf("the entry of another version: %q, %v, %v", text, err, bad)
	}
	if _, err := r.UseArtifact(patient(t), "nobody:v1", UseOptions{}); api.Classify(err, api.GraphQL) != api.NotFound {
		t.Errorf("a version that is not there: %v", err)
	}
}

func checkOpen(t *testing.T, u *UsedArtifact, want string) {
	t.Helper()
	f, err := u.Open(patient(t), "w.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text, err := io.ReadAll(f); string(text) != want || err != nil {
		t.Errorf("opened %q, %v, want %q", text, err, want)
	}
	if _, err := u.Open(patient(t), "other"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an entry that is not there: %v", err)
	}
}

// TestUseOfAKeptVersion: a version that waits in the same run can be read at once,
// and the server learns of it when the run is sent.
func TestUseOfAKeptVersion(t *testing.T) {
	p := serve(t)
	r := start(t, quiet(t))
	if _, err := r.LogModel(t.Context(), writeIn(t, "w.bin", "kept"), ModelOptions{Name: "weights", Aliases: []string{"best"}}); err != nil {
		t.Fatal(err)
	}
	u, err := r.UseArtifact(t.Context(), "weights:best", UseOptions{Type: "model"})
	if err != nil {
		t.Fatal(err)
	}
	checkOpen(t, u, "kept")
	path, err := r.UseModel(t.Context(), "weights:"+u.Digest, filepath.Join(t.TempDir(), "m"))
	if text, bad := os.ReadFile(path); err != nil || string(text) != "kept" {
		t.Errorf("%s holds %q: %v, %v", path, text, err, bad)
	}
	if _, err := r.UseArtifact(t.Context(), "weights:v7", UseOptions{}); !errors.Is(err, ErrOffline) {
		t.Errorf("a version that nobody made: %v", err)
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	p.send(t, r.Dir())
	run := p.run(t, r.ID())
	if len(run.Artifacts) != 1 || len(run.Used) != 1 {
		t.Errorf("the server has %v made and %v used, want one of each", run.Artifacts, run.Used)
	}
}

func writeIn(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	write(t, path, text)
	return path
}

func TestModels(t *testing.T) {
	p := serve(t)
	r := start(t, p.online(t))
	l, err := r.LogModel(patient(t), writeIn(t, "w.bin", "one"), ModelOptions{Name: "net", Aliases: []string{"best"}})
	made(t, l, err)
	dir := t.TempDir()
	path, err := r.UseModel(patient(t), "net:best", dir)
	if err != nil || path != filepath.Join(dir, "w.bin") {
		t.Errorf("a model of one file is %s, %v", path, err)
	}
	two := t.TempDir()
	write(t, filepath.Join(two, "a"), "a")
	write(t, filepath.Join(two, "sub/b"), "b")
	l, err = r.LogModel(patient(t), two, ModelOptions{Name: "net"})
	made(t, l, err)
	if path, err := r.UseModel(patient(t), "net:v1", dir); err != nil || path != dir {
		t.Errorf("a model of two files is %s, %v, want %s", path, err, dir)
	}
	l, err = r.LogArtifactPath(patient(t), two, PathOptions{Name: "words", Type: "dataset"})
	made(t, l, err)
	used := len(p.run(t, r.ID()).Used)
	for ref, want := range map[string]error{"words:latest": ErrNotAModel, "net": ErrBadName} {
		if _, err := r.UseModel(patient(t), ref, dir); !errors.Is(err, want) {
			t.Errorf("use model %s: %v, want %v", ref, err, want)
		}
	}
	if now := len(p.run(t, r.ID()).Used); now != used {
		t.Errorf("the server was told of %d versions that were refused", now-used)
	}
	for _, name := range []string{"a b", "e/p/net", "net:v1", strings.Repeat("n", 129)} {
		if _, err := r.LogModel(patient(t), two, ModelOptions{Name: name}); !errors.Is(err, ErrBadName) {
			t.Errorf("log model %q: %v", name, err)
		}
	}
}

// TestLinkModel: a registered model is made, its newest version is latest there,
// and aliases stay inside.
func TestLinkModel(t *testing.T) {
	p := serve(t)
	r := start(t, p.online(t))
	f := func(text string, want int, aliases ...string) {
		t.Helper()
		n, err := r.LinkModel(patient(t), writeIn(t, "w.bin", text), "best-net", ModelOptions{Name: "net", Aliases: aliases})
		if err != nil || n != want {
			t.Errorf("linked %q as %d, %v, want %d", text, n, err, want)
		}
	}
	f("one", 0, "staging")
	f("two", 1, "production")
	f("two", 1)
	ask := func(ref, entry string) {
		t.Helper()
		u, err := r.UseArtifact(patient(t), ref, UseOptions{Type: "model"})
		if err != nil {
			t.Errorf("%s: %v", ref, err)
			return
		}
		f, err := u.Open(patient(t), "w.bin")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if text, _ := io.ReadAll(f); string(text) != entry {
			t.Errorf("%s holds %q, want %q", ref, text, entry)
		}
	}
	ask("model-registry/best-net:staging", "one")
	ask("model-registry/best-net:production", "two")
	ask("model-registry/best-net:latest", "two")
	ask("net:latest", "two")
	if _, err := r.UseArtifact(patient(t), "net:production", UseOptions{}); api.Classify(err, api.GraphQL) != api.NotFound {
		t.Errorf("an alias of the registered model outside of it: %v", err)
	}
	l, err := r.LogArtifactPath(patient(t), writeIn(t, "x", "x"), PathOptions{Name: "words", Type: "dataset"})
	made(t, l, err)
	path := writeIn(t, "w.bin", "three")
	for _, test := range []struct {
		registered, name string
		want             error
	}{
		{"e/p/best-net", "net", ErrBadName}, {"", "net", ErrBadName}, {"best-net", "e/p/net", ErrBadName}, {"best-net", "words", ErrNotAModel},
	} {
		if _, err := r.LinkModel(patient(t), path, test.registered, ModelOptions{Name: test.name}); !errors.Is(err, test.want) {
			t.Errorf("link %s to %s: %v, want %v", test.name, test.registered, err, test.want)
		}
	}
}

// TestLinkedVersions is the rule of latest and of aliases, one row a link.
func TestLinkedVersions(t *testing.T) {
	p := serve(t)
	r := start(t, p.online(t))
	versions := map[string]Version{}
	for _, name := range []string{"a", "b"} {
		l, err := r.LogArtifact(patient(t), weights(t, name), ArtifactOptions{})
		made(t, l, err)
		versions[name] = l
	}
	u, err := r.UseArtifact(patient(t), "weights:v0", UseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	versions["a, used"] = u
	for _, test := range []struct {
		version, target string
		aliases         []string
		number          int
		where, latest   string // collection to ask, and which version latest is
	}{
		{"a", "shelf", nil, 0, "p/shelf", "a"},
		{"b", "other/shelf", []string{"prod"}, 0, "other/shelf", "b"},
		{"b", "shelf", nil, 1, "p/shelf", "b"},
		{"a, used", server.DefaultEntity + "/other/shelf", []string{"prod"}, 1, "other/shelf", "a"},
	} {
		n, err := r.LinkArtifact(patient(t), versions[test.version], test.target, test.aliases...)
		if err != nil || n != test.number {
			t.Errorf("%s to %s: version %d, %v, want %d", test.version, test.target, n, err, test.number)
			continue
		}
		for _, alias := range append(test.aliases, "latest") {
			u, err := r.UseArtifact(patient(t), test.where+":"+alias, UseOptions{})
			if err != nil {
				t.Errorf("%s:%s: %v", test.where, alias, err)
				continue
			}
			checkOpen(t, u, test.latest)
		}
	}
	if _, err := r.UseArtifact(patient(t), "weights:prod", UseOptions{}); err == nil {
		t.Error("an alias of a link is one of the artifact too")
	}
	for _, target := range []string{"a/b/c/d", "", "p/", "/x"} {
		if _, err := r.LinkArtifact(patient(t), u, target); !errors.Is(err, ErrBadName) {
			t.Errorf("link to %q: %v", target, err)
		}
	}
}

// TestSharedArtifact: two runs of a group make one version; what comes after its
// end makes the next.
func TestSharedArtifact(t *testing.T) {
	p := serve(t)
	add := func(r *Run, text string, finish bool) wandbartifact.Result {
		t.Helper()
		a, err := artifact.New("parts", "dataset", artifact.Options{})
		if err == nil {
			err = a.AddFile(writeIn(t, text+".txt", text), artifact.FileOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
		log := r.UpsertArtifact
		if finish {
			log = r.FinishArtifact
		}
		l, err := log(patient(t), a, ArtifactOptions{})
		return made(t, l, err)
	}
	s := p.online(t)
	s.Group = "g"
	one, two := start(t, s), start(t, s)
	if done := add(one, "a", false); done.Committed {
		t.Error("a part alone is a version already")
	}
	if done := add(two, "b", true); !done.Committed {
		t.Error("the last part made no version")
	}
	u, err := one.UseArtifact(patient(t), "parts:v0", UseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := u.Manifest(patient(t)); err != nil || len(m.Entries) != 2 {
		t.Errorf("the version has %+v, %v, want both files", m, err)
	}
	add(one, "c", true)
	if u, err = one.UseArtifact(patient(t), "parts:latest", UseOptions{}); err != nil || u.VersionIndex != 1 {
		t.Errorf("after the end: %+v, %v, want version 1", u, err)
	}
	lone := start(t, p.online(t))
	if _, err := lone.UpsertArtifact(t.Context(), weights(t, "x"), ArtifactOptions{}); !errors.Is(err, ErrNoGroup) {
		t.Errorf("without a group: %v", err)
	}
}
