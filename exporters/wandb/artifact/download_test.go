package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// served uploads an artifact called a to a new server.
func served(t *testing.T, files map[string]string, more ...Entry) *fakeServer {
	t.Helper()
	s := newFakeServer(t)
	mustUpload(t, s, record(t, t.TempDir(), "a", files, more...), Options{})
	return s
}

var latest = Ref{"e", "p", "a", "latest"}

func mustDownload(t *testing.T, s *fakeServer, dir string, o DownloadOptions) Report {
	t.Helper()
	rep, err := Download(t.Context(), s.client, latest, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// tree returns the files below dir with their content.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		text, err := os.ReadFile(name)
		fmt.Fprintf(&b, "%s=%s ", rel, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDownload: what is right stays, what is wrong is replaced, what is foreign
// is left alone.
func TestDownload(t *testing.T) {
	s, dir := served(t, map[string]string{"x": "1", "d/e/y": "2", "empty": ""}), filepath.Join(t.TempDir(), "new")
	var told []Progress
	rep := mustDownload(t, s, dir, DownloadOptions{Progress: func(p Progress) { told = append(told, p) }})
	if rep.Files != 3 || rep.Bytes != 2 || len(told) != 3 || told[2] != (Progress{3, 3, 2, 2}) {
		t.Errorf("got %+v, %+v", rep, told)
	}
	if got, want := tree(t, dir), "d/e/y=2 empty= x=1 "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := errors.Join(os.WriteFile(dir+"/x", []byte("9"), 0o600), os.WriteFile(dir+"/mine", nil, 0o600), os.Remove(dir+"/empty"), os.Symlink("/etc/passwd", dir+"/empty")); err != nil {
		t.Fatal(err)
	}
	if rep := mustDownload(t, s, dir, DownloadOptions{}); rep.Kept != 1 || rep.Files != 2 {
		t.Errorf("again: got %+v", rep)
	}
	if got, want := tree(t, dir), "d/e/y=2 empty= mine= x=1 "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if rep := mustDownload(t, s, t.TempDir(), DownloadOptions{Prefix: "d/"}); rep.Files != 1 {
		t.Errorf("with a prefix: got %+v", rep)
	}
	if _, err := Download(t.Context(), s.client, Ref{"e", "p", "none", "latest"}, t.TempDir(), DownloadOptions{}); err == nil {
		t.Error("an artifact that is not there: no error")
	}
}

// TestWrongContent: a file that is not what the manifest says is never there.
func TestWrongContent(t *testing.T) {
	for _, wrong := range []string{"12345", "123456789", "1234", ""} {
		s, dir := served(t, map[string]string{"x": "54321"}), t.TempDir()
		for sum := range s.objects {
			s.objects[sum] = []byte(wrong)
		}
		if _, err := Download(t.Context(), s.client, latest, dir, DownloadOptions{Cache: &Cache{Dir: t.TempDir()}}); !errors.Is(err, ErrBadDigest) {
			t.Errorf("%q: got %v, want %v", wrong, err, ErrBadDigest)
		}
		if got := tree(t, dir); got != "" {
			t.Errorf("%q: got %q", wrong, got)
		}
	}
}

// TestBomb: a server that sends without end is cut off at the size that the
// manifest announces.
func TestBomb(t *testing.T) {
	s, dir := served(t, map[string]string{"x": "54321"}), t.TempDir()
	var sent int64
	done := make(chan struct{})
	bomb := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		defer close(done)
		page := make([]byte, 1<<20)
		for sent < 10<<30 {
			n, err := w.Write(page)
			sent += int64(n)
			if err != nil {
				return
			}
		}
	}))
	defer bomb.Close()
	s.before = func(op string, r *http.Request) int {
		if op == "GET" {
			return http.StatusForbidden
		}
		return 0
	}
	d := &download{client: s.client, o: DownloadOptions{}.withDefaults(), slots: make(chan struct{}, 1)}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	d.root = root
	err = d.fetch(t.Context(), &wanted{to: "x", url: bomb.URL + "/?sig=secret", entry: Entry{Size: 5, Digest: helloSum}})
	if !errors.Is(err, ErrBadDigest) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v, want %v", err, ErrBadDigest)
	}
	<-done
	if sent > 1<<30 || tree(t, dir) != "" {
		t.Errorf("took %d bytes, left %q", sent, tree(t, dir))
	}
}

// TestHostileNames: nothing outside the folder, whatever the manifest says.
func TestHostileNames(t *testing.T) {
	for _, name := range []string{"../evil", "/tmp/evil", "d/../../evil", "a\x00b", "..", "nul", `..\evil`, "C:evil", "d/"} {
		s := served(t, map[string]string{name: "1"})
		above := t.TempDir()
		dir := filepath.Join(above, "dir")
		if _, err := Download(t.Context(), s.client, latest, dir, DownloadOptions{}); !errors.Is(err, ErrBadName) {
			t.Errorf("%q: got %v, want %v", name, err, ErrBadName)
		}
		if got := tree(t, above); got != "" {
			t.Errorf("%q: got %q", name, got)
		}
	}
	s := served(t, map[string]string{"a": "1", "A": "2"})
	if _, err := Download(t.Context(), s.client, latest, t.TempDir(), DownloadOptions{}); !errors.Is(err, ErrBadName) {
		t.Errorf("case: got %v, want %v", err, ErrBadName)
	}
	dir := t.TempDir()
	mustDownload(t, s, dir, DownloadOptions{AnyName: true})
	if got := tree(t, dir); got != "A=2 a=1 " {
		t.Errorf("any name: got %q", got)
	}
}

// TestLinkInTheWay: a folder that is a link to elsewhere is not followed, though
// it appears while the download runs.
func TestLinkInTheWay(t *testing.T) {
	s, dir, outside := served(t, map[string]string{"d/x": "1"}), t.TempDir(), t.TempDir()
	var once sync.Once
	s.before = func(op string, _ *http.Request) int {
		if op == "GET" {
			once.Do(func() {
				if err := errors.Join(os.Rename(dir+"/d", dir+"/old"), os.Symlink(outside, dir+"/d")); err != nil {
					t.Error(err)
				}
			})
		}
		return 0
	}
	if _, err := Download(t.Context(), s.client, latest, dir, DownloadOptions{}); err == nil {
		t.Error("no error")
	}
	if _, err := Download(t.Context(), s.client, latest, dir, DownloadOptions{Cache: &Cache{Dir: t.TempDir()}}); err == nil {
		t.Error("a link that was there before: no error")
	}
	if got := tree(t, outside); got != "" {
		t.Errorf("got %q outside", got)
	}
}

func TestCache(t *testing.T) {
	for _, link := range []bool{false, true} {
		s := served(t, map[string]string{"x": "hello\n", "d/y": "2"})
		cache := &Cache{Dir: t.TempDir(), Link: link}
		o := DownloadOptions{Cache: cache}
		one, two := t.TempDir(), t.TempDir()
		mustDownload(t, s, one, o)
		object := filepath.Join(cache.Dir, "obj/md5/b1/946ac92492d2347c6235b4d2611184")
		if text, err := os.ReadFile(object); string(text) != "hello\n" || err != nil {
			t.Errorf("link %v: object: got %q, %v", link, text, err)
		}
		gets := s.gets
		if rep := mustDownload(t, s, two, o); rep.Cached != 2 || s.gets != gets {
			t.Errorf("link %v: got %+v, %d requests", link, rep, s.gets-gets)
		}
		if got := tree(t, two); got != "d/y=2 x=hello\n " {
			t.Errorf("link %v: got %q", link, got)
		}
		for _, name := range []string{one + "/x", two + "/x"} {
			a, err1 := os.Stat(object)
			b, err2 := os.Stat(name)
			if err := errors.Join(err1, err2); err != nil || os.SameFile(a, b) != link {
				t.Errorf("link %v: %s is the cached file: %v, %v", link, name, !link, err)
			}
			if writable := b.Mode()&0o222 != 0; writable == link {
				t.Errorf("link %v: %s has mode %v", link, name, b.Mode())
			}
		}
		// What somebody did to the cache is seen.
		if err := errors.Join(os.Chmod(object, 0o600), os.WriteFile(object, []byte("HELLO\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if rep := mustDownload(t, s, t.TempDir(), o); rep.Cached != 1 || rep.Files != 1 {
			t.Errorf("link %v: damaged: got %+v", link, rep)
		}
	}
}

// TestLinkToCopy: an object that others may write to is not handed out as a link
// before nobody may.
func TestLinkToCopy(t *testing.T) {
	s, dir := served(t, map[string]string{"x": "1"}), t.TempDir()
	cache := &Cache{Dir: t.TempDir()}
	mustDownload(t, s, t.TempDir(), DownloadOptions{Cache: cache})
	cache.Link = true
	if rep := mustDownload(t, s, dir, DownloadOptions{Cache: cache}); rep.Cached != 1 {
		t.Errorf("got %+v", rep)
	}
	info, err := os.Stat(dir + "/x")
	if err != nil || info.Mode()&0o222 != 0 || linkCount(info) != 2 {
		t.Errorf("got mode %v, %d links, %v", info.Mode(), linkCount(info), err)
	}
}

// TestCacheBound: the files that were not used for the longest time go, and
// what others filled above the bound does not grow.
func TestCacheBound(t *testing.T) {
	cache := &Cache{Dir: t.TempDir(), MaxBytes: 10}
	add := func(name string, age time.Duration) string {
		dir := filepath.Join(cache.Dir, "obj", "md5", "aa")
		file := filepath.Join(dir, name)
		at := time.Now().Add(-age)
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(file, []byte("12345"), 0o600), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
		return file
	}
	old, young := add("old", time.Hour), add("young", time.Minute)
	check := func(name string, want bool) {
		t.Helper()
		if _, err := os.Stat(name); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", filepath.Base(name), !want, want)
		}
	}
	if cache.reserve(3); cache.room != 3 {
		t.Errorf("got %d", cache.room)
	}
	check(old, false)
	check(young, true)
	for i := range 4 {
		add(fmt.Sprint("more", i), time.Second)
	}
	if cache.reserve(100); cache.room != 10 { // 25 are there
		t.Errorf("got %d", cache.room)
	}
	check(young, false)
	if files, total, err := cache.scan(); len(files) != 3 || total != 15 || err != nil {
		t.Errorf("got %d files, %d bytes, %v", len(files), total, err)
	}
	if cache.take(11) || !cache.take(10) || cache.take(1) {
		t.Error("more was taken than reserved")
	}
	s := served(t, map[string]string{"x": strings.Repeat("x", 11), "y": "1"})
	small := &Cache{Dir: t.TempDir(), MaxBytes: 10}
	mustDownload(t, s, t.TempDir(), DownloadOptions{Cache: small, Parallel: 1})
	if files, total, err := small.scan(); len(files) != 1 || total != 1 || err != nil {
		t.Errorf("got %d files, %d bytes, %v", len(files), total, err)
	}
}

func TestUnwritableCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := served(t, map[string]string{"x": "1"})
	if _, err := Download(t.Context(), s.client, latest, t.TempDir(), DownloadOptions{Cache: &Cache{Dir: file}}); err != nil {
		t.Errorf("a cache that cannot be: %v", err)
	}
}

func TestRanged(t *testing.T) {
	content := strings.Repeat("0123456789", 1000)
	s, dir := served(t, map[string]string{"x": content}), t.TempDir()
	var mu sync.Mutex
	ranges := map[string]bool{}
	s.before = func(op string, r *http.Request) int {
		if op == "GET" {
			mu.Lock()
			ranges[r.Header.Get("Range")] = true
			mu.Unlock()
		}
		return 0
	}
	mustDownload(t, s, dir, DownloadOptions{Ranged: 1000, Part: 3000})
	if got := tree(t, dir); got != "x="+content+" " || len(ranges) != 4 || !ranges["bytes=9000-9999"] {
		t.Errorf("got %d bytes, ranges %v", len(got), ranges)
	}
}

func TestExpiredDownload(t *testing.T) {
	s, dir := served(t, map[string]string{"x": "1", "y": "2"}), t.TempDir()
	var mu sync.Mutex
	seen := map[string]bool{}
	s.before = func(op string, r *http.Request) int {
		mu.Lock()
		defer mu.Unlock()
		if first := !seen[r.URL.Path]; op == "GET" && first {
			seen[r.URL.Path] = true
			return http.StatusForbidden
		}
		return 0
	}
	if rep := mustDownload(t, s, dir, DownloadOptions{}); rep.Files != 2 {
		t.Errorf("got %+v", rep)
	}
	s.before = func(op string, _ *http.Request) int {
		if op == "GET" {
			return http.StatusNotFound
		}
		return 0
	}
	if _, err := Download(t.Context(), s.client, latest, t.TempDir(), DownloadOptions{}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// TestDownloadReferences: of files, pages and other artifacts.
func TestDownloadReferences(t *testing.T) {
	local := filepath.Join(t.TempDir(), "local")
	if err := os.WriteFile(local, []byte("local"), 0o600); err != nil {
		t.Fatal(err)
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") }))
	defer page.Close()
	files, _ := Files{}.Describe(t.Context(), "file://"+local, DescribeOptions{})
	pages, _ := HTTP{}.Describe(t.Context(), page.URL, DescribeOptions{Name: "page"})
	s := newFakeServer(t)
	other := record(t, t.TempDir(), "other", map[string]string{"w": "weights"})
	mustUpload(t, s, other, Options{})
	rec := record(t, t.TempDir(), "a", nil, append(append(files, pages...), Entry{Path: "mine", Digest: other.Manifest.Contents[0].Digest, Ref: ClientRef(other.ClientId, "w")})...)
	mustUpload(t, s, rec, Options{})
	dir := t.TempDir()
	rep := mustDownload(t, s, dir, DownloadOptions{Handlers: []Handler{Files{}, HTTP{}}})
	if got := tree(t, dir); got != "local=local mine=weights page=page " || rep.Files != 1 || rep.References != 2 {
		t.Errorf("got %q, %+v", got, rep)
	}
	if _, err := Download(t.Context(), s.client, latest, t.TempDir(), DownloadOptions{}); !errors.Is(err, ErrNoHandler) {
		t.Errorf("got %v, want %v", err, ErrNoHandler)
	}
	if rep := mustDownload(t, s, t.TempDir(), DownloadOptions{SkipReferences: true}); rep.Skipped != 2 || rep.Files != 1 {
		t.Errorf("got %+v", rep)
	}
	if err := os.WriteFile(local, []byte("LOCAL"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Download(t.Context(), s.client, latest, t.TempDir(), DownloadOptions{Handlers: []Handler{Files{}, HTTP{}}}); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v, want %v", err, ErrChanged)
	}
}

// TestEndlessReferences: artifacts that refer to each other in a circle.
func TestEndlessReferences(t *testing.T) {
	s := served(t, map[string]string{"x": "1"})
	for _, a := range s.artifacts {
		ref, _ := serverRef(a.id, "x")
		a.manifest = []byte(strings.Replace(string(a.manifest), `"size"`, `"ref":"`+ref+`","size"`, 1))
	}
	if _, err := Download(t.Context(), s.client, latest, t.TempDir(), DownloadOptions{}); !errors.Is(err, ErrBadManifest) {
		t.Errorf("got %v, want %v", err, ErrBadManifest)
	}
}

func TestDownloadEnds(t *testing.T) {
	s := served(t, map[string]string{"x": "1"})
	ctx, cancel := context.WithCancel(t.Context())
	s.before = func(op string, r *http.Request) int {
		if op == "GET" {
			cancel()
			<-r.Context().Done() // the client hung up
		}
		return 0
	}
	dir := t.TempDir()
	if _, err := Download(ctx, s.client, latest, dir, DownloadOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if got := tree(t, dir); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestParseRef(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got, err := ParseRef(text, "ent", "proj")
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("%q: got %s, %v, want %q", text, got, err, want)
		}
	}
	f("a", "ent/proj/a:latest")
	f("p/a:v3", "ent/p/a:v3")
	f("e/p/a:best", "e/p/a:best")
	f("e/p/a/b:best", "")
	f("a:", "")
	f("a:b/c", "")
	f("a b:c", "")
	if _, err := ParseRef("a", "", "p"); err == nil {
		t.Error("no entity: no error")
	}
}
