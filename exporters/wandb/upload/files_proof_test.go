package upload_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
)

// path is where a file of the run lies.
func (l *run) path(name string) string {
	return filepath.Join(l.dir.FilesDir(), filepath.FromSlash(name))
}

// save writes a file of the run and announces it.
func (l *run) save(name, text string, p wandbpb.FilesItem_PolicyType) {
	l.t.Helper()
	l.keep(name, text)
	l.announce(p, name)
}

func (l *run) keep(name, text string) {
	l.t.Helper()
	if err := os.MkdirAll(filepath.Dir(l.path(name)), 0o700); err != nil {
		l.t.Error(err)
	}
	temp := l.path(name) + ".new" // nobody sees half of it
	if err := os.WriteFile(temp, []byte(text), 0o600); err != nil {
		l.t.Error(err)
	}
	if err := os.Rename(temp, l.path(name)); err != nil {
		l.t.Error(err)
	}
}

func (l *run) announce(p wandbpb.FilesItem_PolicyType, names ...string) {
	l.t.Helper()
	rec := &wandbpb.FilesRecord{}
	for _, name := range names {
		rec.Files = append(rec.Files, &wandbpb.FilesItem{Path: name, Policy: p})
	}
	l.write(&wandbpb.Record{RecordType: &wandbpb.Record_Files{Files: rec}})
}

// names are those of the stored files that the upload did not make itself.
func (h *house) names() (names []string) {
	h.t.Helper()
	for _, f := range h.stored().Files {
		if f.Name != "config.yaml" && f.Name != "wandb-summary.json" && f.Name != "output.log" {
			names = append(names, f.Name)
		}
	}
	return names
}

// puts counts the transfers of files, by the last part of their name, and calls
// hook before each is answered; n is 1 for the first.
func (h *house) puts(hook func(name string, n int)) (count func(name string) int) {
	var mu sync.Mutex
	seen := map[string]int{}
	h.knock = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		mu.Lock()
		seen[name]++
		n := seen[name]
		mu.Unlock()
		if hook != nil {
			hook(name, n)
		}
		return false
	}
	return func(name string) int {
		mu.Lock()
		defer mu.Unlock()
		return seen[name]
	}
}

const (
	now  = wandbpb.FilesItem_NOW
	end  = wandbpb.FilesItem_END
	live = wandbpb.FilesItem_LIVE
)

// TestFilesOfARun: what can be stored is, whatever else was announced, and the
// account says so.
func TestFilesOfARun(t *testing.T) {
	h, l := newHouse(t), newRun(t)
	l.save("media/images/a_0.png", "png", now)
	l.save("empty", "", end)
	l.save("größe %2F.txt", "odd name", live)
	l.save("skip.tmp", "ignored", now)
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, l.path("link")); err != nil {
		t.Skip("no symlinks here:", err)
	}
	l.announce(now, "gone", "link", "../run-abc.wandb", outside, "media")
	l.exit(0)
	r, err := h.upload(l, upload.Options{Ignore: []string{"*.tmp"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"empty", "größe %2F.txt", "media/images/a_0.png"}
	if got := h.names(); !slices.Equal(got, want) {
		t.Errorf("stored are %q, want %q", got, want)
	}
	if string(h.file("größe %2F.txt")) != "odd name" {
		t.Errorf("stored is %q", h.file("größe %2F.txt"))
	}
	if r.Files.Dropped != 5 || r.Files.Pending() != 0 {
		t.Errorf("files are %+v, want 5 dropped, none pending", r.Files)
	}
}

// TestFilesChangeOnTheWay: a file that grows, one that shrinks and one that
// goes while they are sent.
func TestFilesChangeOnTheWay(t *testing.T) {
	h, l := newHouse(t), newRun(t)
	count := h.puts(func(name string, n int) {
		switch {
		case name == "grows" && n <= 2:
			l.keep(name, strings.Repeat("more ", 100*n))
		case name == "shrinks" && n == 1:
			l.keep(name, "less")
		case name == "goes":
			_ = os.Remove(l.path(name))
		}
	})
	l.save("grows", "little", now)
	l.save("shrinks", strings.Repeat("much ", 1000), end)
	l.save("goes", "was here", end)
	l.exit(0)
	r, err := h.upload(l, upload.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"grows": strings.Repeat("more ", 200), "shrinks": "less"} {
		if got := h.file(name); string(got) != want {
			t.Errorf("%s has %d bytes after %d transfers, want %d", name, len(got), count(name), len(want))
		}
	}
	if r.Files.Pending() != 0 {
		t.Errorf("files are %+v, want none pending", r.Files)
	}
}

// TestFilesSurviveRestarts: server and uploader end while files are on their
// way; in the end each is stored, as it is on disk.
func TestFilesSurviveRestarts(t *testing.T) {
	h, l := newHouse(t), newRun(t)
	const files = 60
	name := func(i int) string { return fmt.Sprintf("dir%d/file%d", i%7, i) }
	for i := range files {
		l.rows(1)
		l.save(name(i), strings.Repeat(fmt.Sprint(i), 1+i*500), []wandbpb.FilesItem_PolicyType{now, end, live}[i%3])
		if i%10 != 9 {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*2*time.Millisecond)
		u := h.uploader(l, upload.Options{Live: true, Transmit: time.Millisecond, Poll: time.Millisecond, Debounce: time.Millisecond})
		if i%20 == 9 {
			go func() { _, _ = u.Finish(ctx) }()
		}
		restarted := make(chan struct{})
		go func() {
			defer close(restarted)
			h.restart()
		}()
		_, _ = u.Run(ctx)
		cancel()
		<-restarted
		l.keep(name(i), fmt.Sprintf("changed %d", i))
		l.announce(now, name(i))
	}
	l.exit(0)
	if _, err := h.upload(l, upload.Options{}); err != nil {
		t.Fatal(err)
	}
	if got := len(h.names()); got != files {
		t.Errorf("%d files are stored, want %d", got, files)
	}
	for i := range files {
		want, err := os.ReadFile(l.path(name(i)))
		if err != nil {
			t.Fatal(err)
		}
		if got := h.file(name(i)); string(got) != string(want) {
			t.Errorf("%s has %d bytes, want %d", name(i), len(got), len(want))
		}
	}
}

// TestFilesThatNobodySavedAreSent: what lies in the directory of a run is the
// run's.
func TestFilesThatNobodySavedAreSent(t *testing.T) {
	h, l := newHouse(t), newRun(t)
	count := h.puts(nil)
	for _, name := range []string{"dropped.txt", "deep/er/dropped.bin", "skip.tmp", "output.log", "config.yaml", ".tmp-1"} {
		l.keep(name, "text of "+name)
	}
	l.save("saved", "first", now)
	l.rows(1)
	l.exit(0)
	if _, err := h.upload(l, upload.Options{Ignore: []string{"*.tmp"}}); err != nil {
		t.Fatal(err)
	}
	if got, want := h.names(), []string{"deep/er/dropped.bin", "dropped.txt", "saved"}; !slices.Equal(got, want) {
		t.Errorf("stored are %q, want %q", got, want)
	}
	if string(h.file("dropped.txt")) != "text of dropped.txt" || strings.Contains(string(h.file("config.yaml")), "text of") || count("dropped.txt") != 1 {
		t.Errorf("stored is %q, sent %d times", h.file("dropped.txt"), count("dropped.txt"))
	}
}

// TestFilesAreSentOnce: a second upload sends what is new.
func TestFilesAreSentOnce(t *testing.T) {
	h, l := newHouse(t), newRun(t)
	count := h.puts(nil)
	for _, name := range []string{"same", "other"} {
		l.save(name, "1", now)
	}
	l.rows(1)
	if _, err := h.upload(l, upload.Options{}); err != nil {
		t.Fatal(err)
	}
	l.keep("other", "2")
	l.rows(1)
	l.exit(0)
	if _, err := h.upload(l, upload.Options{}); err != nil {
		t.Fatal(err)
	}
	if count("same") != 1 || count("other") != 2 || string(h.file("other")) != "2" {
		t.Errorf("sent %d and %d times, want 1 and 2", count("same"), count("other"))
	}
}

// TestFilesAreTold: an upload ends after a file was stored and before the file
// stream told of it; the next one tells.
func TestFilesAreTold(t *testing.T) {
	h, l := newHouse(t), newRun(t)
	var open atomic.Bool
	var told, puts atomic.Int32
	h.knock = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/f") {
			puts.Add(1)
		}
		if !strings.HasSuffix(r.URL.Path, "/file_stream") {
			return false
		}
		if !open.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte(`"uploaded":[`)) && bytes.Contains(body, []byte(`"f"`)) {
			told.Add(1)
		}
		return false
	}
	l.rows(1)
	l.save("f", "text", now)
	ctx, cancel := context.WithCancel(context.Background())
	u := h.uploader(l, upload.Options{Live: true, Transmit: time.Millisecond, Poll: time.Millisecond, Debounce: time.Millisecond})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for u.Account().Files.Sent == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	_, _ = u.Run(ctx)
	<-ended
	open.Store(true)
	l.exit(0)
	if _, err := h.upload(l, upload.Options{}); err != nil {
		t.Fatal(err)
	}
	if told.Load() != 1 || puts.Load() < 1 || puts.Load() > 2 {
		t.Errorf("told of the file %d times after %d transfers, want once", told.Load(), puts.Load())
	}
}
