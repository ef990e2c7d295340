package runfiles

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// A store is a server that has room for the files of one run.
type store struct {
	*httptest.Server
	t *testing.T

	// Hooks, set before the first request. They may answer; then nothing is
	// kept.
	ask func(w http.ResponseWriter, names []string) bool
	put func(w http.ResponseWriter, name string, try int, body []byte) bool

	mu    sync.Mutex
	asked [][]string
	files map[string][]byte
	puts  map[string]int
	told  map[string]int // Uploaded calls
}

func newStore(t *testing.T) *store {
	s := &store{t: t, files: map[string][]byte{}, puts: map[string]int{}, told: map[string]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutPrefix(r.URL.Path, "/put/"); ok {
		s.keep(w, r, name)
		return
	}
	var q struct{ Variables struct{ Files []string } }
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		s.t.Errorf("%s: %v", r.URL.Path, err)
	}
	names := q.Variables.Files
	s.mu.Lock()
	s.asked = append(s.asked, names)
	s.mu.Unlock()
	if s.ask != nil && s.ask(w, names) {
		return
	}
	type item struct {
		Name string `json:"name"`
		URL  string `json:"uploadUrl"`
	}
	items := []item{}
	for _, n := range names {
		items = append(items, item{n, s.URL + "/put/" + url.PathEscape(n) + "?signature=x"})
	}
	json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"createRunFiles": map[string]any{
		"runID": "r", "uploadHeaders": []string{"X-Store: yes"}, "files": items,
	}}})
}

func (s *store) keep(w http.ResponseWriter, r *http.Request, name string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away
	}
	if r.ContentLength != int64(len(body)) || r.Header.Get("X-Store") != "yes" || r.Header.Get("Authorization") != "" {
		s.t.Errorf("put %s: length %d of %d, headers %v", name, r.ContentLength, len(body), r.Header)
	}
	s.mu.Lock()
	s.puts[name]++
	try := s.puts[name]
	s.mu.Unlock()
	if s.put != nil && s.put(w, name, try, body) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[name] = body
}

// has returns what was kept, -1 puts for nothing.
func (s *store) has(name string) (body string, puts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.files[name]), s.puts[name]
}

// uploader returns an Uploader of a new directory to s, and the directory.
func (s *store) uploader(o Options) (*Uploader, string) {
	s.t.Helper()
	c, err := api.New(api.Options{BaseURL: s.URL, RetryMax: -1})
	if err != nil {
		s.t.Fatal(err)
	}
	dir := s.t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { root.Close() })
	o.Client, o.Entity, o.Project, o.Run, o.Root = c, "e", "p", "r", root
	o.Uploaded = func(name, md5 string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told[name]++
	}
	return New(o), dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run starts Run and returns a function that calls Finish and waits for Run.
func run(t *testing.T, u *Uploader) (finish func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	t.Cleanup(func() { cancel() })
	return func() error {
		defer func() { <-done }()
		return finished(t, u)
	}
}

// finished calls Finish with a deadline that a loaded machine meets.
func finished(t *testing.T, u *Uploader) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return u.Finish(ctx)
}

// eventually polls until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: still not so", what)
		}
	}
}

// counted checks the counts of an Uploader.
func counted(t *testing.T, u *Uploader, want Counts) {
	t.Helper()
	got := u.Counts()
	want.Bytes = got.Bytes
	if got != want {
		t.Errorf("counts are %+v, want %+v", got, want)
	}
}

func answer(w http.ResponseWriter, status int) bool {
	http.Error(w, fmt.Sprintf("status %d", status), status)
	return true
}
