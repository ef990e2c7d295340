package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

// at is a file in memory.
type at []byte

func (a *at) WriteAt(b []byte, off int64) (int, error) {
	if end := int(off) + len(b); end > len(*a) {
		*a = append(*a, make([]byte, end-len(*a))...)
	}
	return copy((*a)[off:], b), nil
}

// A store keeps one object, and what came with it.
type store struct {
	mu      sync.Mutex
	content []byte
	header  http.Header
	length  int64
	puts    int
	noRange bool
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.content, s.header, s.length = content, r.Header, r.ContentLength
		s.puts++
		w.Header().Set("ETag", `"abc"`)
		return
	}
	s.mu.Lock()
	content := s.content
	s.mu.Unlock()
	if s.noRange {
		r.Header.Del("Range")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

func TestPut(t *testing.T) {
	s := &store{}
	b := newBench(t, s.ServeHTTP, nil)
	f := func(content string, a faults.Action, times int) {
		t.Helper()
		b.faults.Clear()
		b.faults.Add(faults.Next(times, "/signed", a))
		headers := []string{"Content-Type: text/plain", "x-ms-blob-type:BlockBlob", "nonsense", ":", "Authorization: Basic x"}
		etag, err := b.Put(t.Context(), b.URL()+"/signed?sig=s3cret", headers, strings.NewReader(content), int64(len(content)))
		if err != nil || etag != `"abc"` || string(s.content) != content || s.length != int64(len(content)) {
			t.Fatalf("%s: got %q of %d bytes, etag %s, %v", a.Kind, s.content, s.length, etag, err)
		}
		if s.header.Get("Authorization") != "" || s.header.Get("X-Ms-Blob-Type") != "BlockBlob" || s.header.Get("Content-Type") != "text/plain" || len(s.header.Values("X-Wandb-Username")) != 0 {
			t.Errorf("%s: got headers %v", a.Kind, s.header)
		}
	}
	big := strings.Repeat("content ", 1<<17)
	f("", faults.Action{Kind: faults.Pass}, 1)
	f("hello", faults.Status(503), 3)
	f(big, faults.Action{Kind: faults.Reset, Bytes: 1000}, 2)
	f(big, faults.Action{Kind: faults.StoreDrop}, 1)
	f(big, faults.Redirect(307, b.URL()+"/elsewhere"), 1)
}

func TestPutFails(t *testing.T) {
	s := &store{}
	b := newBench(t, s.ServeHTTP, nil)
	b.faults.Add(faults.Next(1, "/signed", faults.Action{Kind: faults.Answer, Status: 403, Body: "<Error>sig=s3cret expired</Error>"}))
	put := func(size int64) error {
		_, err := b.Put(t.Context(), b.URL()+"/signed?sig=s3cret", nil, strings.NewReader("hello"), size)
		mustNotTell(t, err, "s3cret")
		return err
	}
	if err := put(5); api.Classify(err, api.Transfer) != api.Auth || b.faults.Seen("/signed") != 1 {
		t.Errorf("expired: got %v after %d tries", err, b.faults.Seen("/signed"))
	}
	if err := put(6); !errors.Is(err, api.ErrShort) || api.Classify(err, api.Transfer) != api.Final || s.puts != 0 {
		t.Errorf("a file that shrank: got %v after %d puts", err, s.puts)
	}
	b.Stop()
	if err := put(5); api.Classify(err, api.Transfer) != api.Retry {
		t.Errorf("no server: got %v", err)
	}
	for _, url := range []string{"ftp://host/x?s3cret", "http://%zz/s3cret"} {
		if _, err := b.Put(t.Context(), url, nil, strings.NewReader(""), 0); api.Classify(err, api.Transfer) != api.Final {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

// TestStall: a transfer ends when nothing moves, and not while something does.
func TestStall(t *testing.T) {
	s := &store{content: []byte("0123456789")}
	b := newBench(t, s.ServeHTTP, func(o *api.Options) { o.StallTimeout, o.RetryMax = 200*time.Millisecond, -1 })
	b.faults.Add(faults.Next(2, "/hang", faults.Action{Kind: faults.Hang}))
	_, err := b.Put(t.Context(), b.URL()+"/hang", nil, strings.NewReader("x"), 1)
	if !errors.Is(err, api.ErrStalled) || api.Classify(err, api.Transfer) != api.Retry {
		t.Errorf("put: got %v, want a stall", err)
	}
	if _, err := b.Get(t.Context(), b.URL()+"/hang", 0, -1, new(at)); !errors.Is(err, api.ErrStalled) {
		t.Errorf("get: got %v, want a stall", err)
	}
	patient := newClient(t, b.URL(), func(o *api.Options) { o.StallTimeout, o.RetryMax = 10*time.Second, -1 })
	b.faults.Add(faults.Next(1, "/slow", faults.Action{Kind: faults.SlowAnswer, Delay: faults.Duration(20 * time.Millisecond)}))
	var w at
	if n, err := patient.Get(t.Context(), b.URL()+"/slow", 0, -1, &w); n != 10 || err != nil {
		t.Errorf("slow: got %d, %v", n, err)
	}
}

// TestGet: what is cut goes on at the byte that was missing.
func TestGet(t *testing.T) {
	var content strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&content, "line %d\n", i)
	}
	all := content.String()
	s := &store{content: []byte(all)}
	b := newBench(t, s.ServeHTTP, nil)
	f := func(offset, length int64, want string, a faults.Action, times int) {
		t.Helper()
		for _, s.noRange = range []bool{false, true} {
			b.faults.Clear()
			b.faults.Add(faults.Next(times, "/file", a))
			var w at
			n, err := b.Get(t.Context(), b.URL()+"/file", offset, length, &w)
			if err != nil || n != int64(len(want)) || string(w) != want {
				t.Errorf("%d+%d after %s, no ranges %v: got %d bytes, %v", offset, length, a.Kind, s.noRange, n, err)
			}
		}
	}
	cut := faults.Action{Kind: faults.CutAnswer, Bytes: 300_000}
	f(0, -1, all, faults.Action{Kind: faults.Pass}, 1)
	f(0, -1, all, cut, 3)
	f(1000, -1, all[1000:], cut, 2)
	f(1000, 500_000, all[1000:501_000], cut, 1)
	f(5, 0, "", cut, 0)
	f(0, -1, all, faults.Status(500), 3)
	f(0, int64(len(all)), all, faults.Action{Kind: faults.LongAnswer, Bytes: 5}, 1)
}

func TestGetFails(t *testing.T) {
	s := &store{content: []byte("0123456789")}
	b := newBench(t, s.ServeHTTP, nil)
	b.faults.Add(faults.Next(1, "/gone", faults.Status(404)))
	if _, err := b.Get(t.Context(), b.URL()+"/gone?sig=s3cret", 0, -1, new(at)); api.Classify(err, api.Transfer) != api.NotFound {
		t.Errorf("got %v", err)
	} else {
		mustNotTell(t, err, "s3cret")
	}
	n, err := b.Get(t.Context(), b.URL()+"/file", 0, 11, new(at))
	if err == nil || n != 10 {
		t.Errorf("more than there is: got %d, %v", n, err)
	}
	if _, err := b.Get(t.Context(), b.URL()+"/file", 0, -1, full{}); err == nil || api.Classify(err, api.Transfer) != api.Final || b.faults.Seen("/file") > 6 {
		t.Errorf("a full disk: got %v", err)
	}
}

// full is a disk without room.
type full struct{}

func (full) WriteAt([]byte, int64) (int, error) { return 0, errors.New("no space left on device") }
