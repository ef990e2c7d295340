package artifact_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	transfer "github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
	"github.com/wandb-agent/wandb-agent/runapi/artifact"
)

// A stand is a proving server that can be restarted, and a client of it with a
// run to log to.
type stand struct {
	t      *testing.T
	dir    string
	now    atomic.Pointer[server.Server]
	client *api.Client
}

func newStand(t *testing.T) *stand {
	s := &stand{t: t, dir: t.TempDir()}
	s.restart()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.now.Load().ServeHTTP(w, r) }))
	t.Cleanup(func() { h.Close(); s.check() })
	var err error
	s.client, err = api.New(api.Options{BaseURL: h.URL, Key: api.NewKey(strings.Repeat("0", 40)), RetryMax: 2, RetryWaitMin: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.CloseIdle)
	for _, run := range []string{"r", "r2"} {
		if _, err := s.client.UpsertBucket(t.Context(), api.UpsertInput{Name: run, Entity: "local", Project: "p", Config: "{}"}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// restart opens the server anew on the same folder.
func (s *stand) restart() {
	s.t.Helper()
	if s.now.Load() != nil {
		s.check()
	}
	now, err := server.Open(server.Options{Dir: s.dir})
	if err != nil {
		s.t.Fatal(err)
	}
	s.now.Store(now)
}

// check closes the server. Nothing may have been wrong in what it was told.
func (s *stand) check() {
	s.t.Helper()
	if err := s.now.Load().Close(); err != nil {
		s.t.Error(err)
	}
	for _, v := range s.now.Load().Violations() {
		s.t.Errorf("the server was told what is wrong: %s", v)
	}
}

func (s *stand) record(a *artifact.Artifact, o artifact.RecordOptions) *wandbpb.ArtifactRecord {
	s.t.Helper()
	o.Entity, o.Project, o.Staging = "local", "p", s.t.TempDir()
	if o.RunID == "" {
		o.RunID = "r"
	}
	rec, err := a.Record(s.t.Context(), o)
	if err != nil {
		s.t.Fatal(err)
	}
	return rec
}

func (s *stand) upload(rec *wandbpb.ArtifactRecord, o transfer.Options) transfer.Result {
	s.t.Helper()
	res, err := transfer.Upload(s.t.Context(), s.client, rec, o)
	if err != nil {
		s.t.Fatal(err)
	}
	return res
}

// download fetches a version and returns its files.
func (s *stand) download(name string, o transfer.DownloadOptions) map[string]string {
	s.t.Helper()
	r, err := transfer.ParseRef(name, "local", "p")
	if err != nil {
		s.t.Fatal(err)
	}
	dir := s.t.TempDir()
	if _, err := transfer.Download(s.t.Context(), s.client, r, dir, o); err != nil {
		s.t.Fatal(err)
	}
	files := map[string]string{}
	err = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		files[rel] = string(text)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return files
}

func (s *stand) want(name string, want map[string]string) {
	s.t.Helper()
	got := s.download(name, transfer.DownloadOptions{})
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Errorf("%s: got %.300v, want %.300v", name, got, want)
	}
}

// with makes an artifact of texts.
func with(t *testing.T, name string, o artifact.Options, files map[string]string) *artifact.Artifact {
	t.Helper()
	o.Staging = t.TempDir()
	a, err := artifact.New(name, "dataset", o)
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range files {
		if err := a.AddReader(strings.NewReader(content), artifact.FileOptions{Name: path}); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// TestRoundTrip: what was added comes back, by version, alias and "latest", also
// from a server that was restarted.
func TestRoundTrip(t *testing.T) {
	s := newStand(t)
	one := map[string]string{"a": "1", "d/e": "2", "empty": ""}
	two := map[string]string{"a": "1", "d/e": "changed"}
	first := s.upload(s.record(with(t, "x", artifact.Options{Aliases: []string{"best"}, Tags: []string{"t"}, TTL: time.Hour, Metadata: map[string]any{"k": 1}}, one), artifact.RecordOptions{UseAfterCommit: true}), transfer.Options{})
	s.restart()
	second := s.upload(s.record(with(t, "x", artifact.Options{}, two), artifact.RecordOptions{}), transfer.Options{})
	if !first.Committed || !second.Committed || first.ID == second.ID || second.Files != 1 || second.Reused != 1 {
		t.Errorf("got %+v and %+v", first, second)
	}
	s.want("x:v0", one)
	s.want("x:best", one)
	s.want("x:v1", two)
	s.want("x", two)
	again := s.upload(s.record(with(t, "x", artifact.Options{}, one), artifact.RecordOptions{}), transfer.Options{})
	if !again.Existed || again.ID != first.ID {
		t.Errorf("the same content: got %+v, want %s", again, first.ID)
	}
}

func TestIncremental(t *testing.T) {
	s := newStand(t)
	s.upload(s.record(with(t, "x", artifact.Options{}, map[string]string{"a": "1", "b": "2"}), artifact.RecordOptions{}), transfer.Options{})
	s.upload(s.record(with(t, "x", artifact.Options{Incremental: true}, map[string]string{"b": "3", "c": "4"}), artifact.RecordOptions{}), transfer.Options{})
	s.want("x:v0", map[string]string{"a": "1", "b": "2"})
	s.want("x:v1", map[string]string{"a": "1", "b": "3", "c": "4"})
}

// TestDistributed: one version of what two runs add.
func TestDistributed(t *testing.T) {
	s := newStand(t)
	o := artifact.Options{DistributedID: "group"}
	first := s.upload(s.record(with(t, "x", o, map[string]string{"a": "1"}), artifact.RecordOptions{NoFinalize: true}), transfer.Options{})
	if first.Committed {
		t.Errorf("got %+v", first)
	}
	second := s.upload(s.record(with(t, "x", o, map[string]string{"b": "2"}), artifact.RecordOptions{RunID: "r2"}), transfer.Options{})
	if !second.Committed || second.ID != first.ID {
		t.Errorf("got %+v and %+v", first, second)
	}
	s.want("x:v0", map[string]string{"a": "1", "b": "2"})
}

// TestDraft: a new version from the entries of another one.
func TestDraft(t *testing.T) {
	s := newStand(t)
	first := s.upload(s.record(with(t, "x", artifact.Options{}, map[string]string{"a": "1", "b": "2"}), artifact.RecordOptions{}), transfer.Options{})
	m, err := transfer.FetchManifest(t.Context(), s.client, first.ID)
	if err != nil {
		t.Fatal(err)
	}
	draft := with(t, "x", artifact.Options{Base: &artifact.Base{ID: first.ID, Manifest: m}}, map[string]string{"c": "3"})
	if _, err := draft.Remove("a"); err != nil {
		t.Fatal(err)
	}
	if res := s.upload(s.record(draft, artifact.RecordOptions{}), transfer.Options{}); res.Files != 1 {
		t.Errorf("got %+v", res)
	}
	s.want("x", map[string]string{"b": "2", "c": "3"})
}

func TestParts(t *testing.T) {
	s := newStand(t)
	big := make([]byte, 3<<20+5)
	for i := range big {
		big[i] = byte(rand.Uint32())
	}
	rec := s.record(with(t, "x", artifact.Options{}, map[string]string{"big": string(big)}), artifact.RecordOptions{})
	s.upload(rec, transfer.Options{Multipart: 1 << 20, Part: 1 << 20})
	got := s.download("x", transfer.DownloadOptions{Ranged: 1 << 20, Part: 1 << 19})
	if !bytes.Equal([]byte(got["big"]), big) {
		t.Errorf("got %d other bytes", len(got["big"]))
	}
}

// TestEntryOfAnother: an entry of an artifact that was logged before, twice
// removed.
func TestEntryOfAnother(t *testing.T) {
	s := newStand(t)
	other := with(t, "other", artifact.Options{}, map[string]string{"w": "weights"})
	a := with(t, "x", artifact.Options{}, nil)
	if err := a.AddEntry(other, "w", "mine"); err != nil {
		t.Fatal(err)
	}
	b := with(t, "y", artifact.Options{}, nil)
	if err := b.AddEntry(a, "mine", ""); err != nil {
		t.Fatal(err)
	}
	for _, a := range []*artifact.Artifact{other, a, b} {
		s.upload(s.record(a, artifact.RecordOptions{}), transfer.Options{})
	}
	s.want("y", map[string]string{"mine": "weights"})
}

func TestUseAndLink(t *testing.T) {
	s := newStand(t)
	a := with(t, "x", artifact.Options{}, map[string]string{"a": "1"})
	res := s.upload(s.record(a, artifact.RecordOptions{}), transfer.Options{})
	r, err := transfer.ParseRef("x", "local", "p")
	if err != nil {
		t.Fatal(err)
	}
	used, err := transfer.Use(t.Context(), s.client, r, transfer.UseOptions{Entity: "local", Project: "p", Run: "r2"})
	if err != nil || used.ID != res.ID || used.Type != "dataset" {
		t.Errorf("use: got %+v, %v", used, err)
	}
	for _, o := range []transfer.LinkOptions{
		{ClientID: a.ClientID(), Entity: "local", Project: "p2", Collection: "models", Aliases: []string{"prod"}},
		{ArtifactID: res.ID, Entity: "local", Project: "wandb-registry-model", Collection: "models"},
	} {
		if _, err := transfer.Link(t.Context(), s.client, o); err != nil {
			t.Errorf("link %+v: %v", o, err)
		}
	}
	s.want("local/p2/models:prod", map[string]string{"a": "1"})
	for _, o := range []transfer.LinkOptions{{}, {ArtifactID: "a", ClientID: "b"}, {ArtifactID: "a", Aliases: []string{"v1"}}} {
		if _, err := transfer.Link(t.Context(), s.client, o); err == nil {
			t.Errorf("link %+v: no error", o)
		}
	}
}

// TestCrashedUpload: an upload that ends anywhere is repeated, by a process that
// remembers nothing, and there is one version.
func TestCrashedUpload(t *testing.T) {
	for cut := range 10 {
		s := newStand(t)
		files := map[string]string{"a": "1", "b": "2", "c": "3"}
		rec := s.record(with(t, "x", artifact.Options{}, files), artifact.RecordOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		left := int64(cut)
		inner := s.now.Load()
		counting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if atomic.AddInt64(&left, -1) < 0 {
				cancel()
				if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
					conn.Close() // without an answer
				}
				return
			}
			inner.ServeHTTP(w, r)
		}))
		dying, err := api.New(api.Options{BaseURL: counting.URL, Key: api.NewKey(strings.Repeat("0", 40)), RetryMax: -1})
		if err != nil {
			t.Fatal(err)
		}
		_, first := transfer.Upload(ctx, dying, rec, transfer.Options{Parallel: 1})
		dying.CloseIdle()
		counting.Close()
		cancel()
		if first != nil && !errors.Is(first, context.Canceled) {
			t.Errorf("cut after %d: %v", cut, first)
		}
		s.restart()
		if res := s.upload(rec, transfer.Options{}); !res.Committed {
			t.Errorf("cut after %d: got %+v", cut, res)
		}
		s.want("x:v0", files)
		if _, err := s.client.ArtifactByName(t.Context(), "local", "p", "x:v1"); api.Classify(err, api.GraphQL) != api.NotFound {
			t.Errorf("cut after %d: there is a second version: %v", cut, err)
		}
	}
}
