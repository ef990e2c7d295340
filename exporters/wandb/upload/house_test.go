package upload_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
)

var key = api.NewKey("0000000000000000000000000000000000000000")

// A house is the proving server with a door that can close: it comes back with
// what it has on disk. Violations fail the test.
type house struct {
	t    *testing.T
	dir  string
	door *faults.Server

	mu     sync.Mutex // guards what follows
	server *server.Server
	busy   sync.WaitGroup                                           // requests of server
	knock  func(w http.ResponseWriter, r *http.Request) (done bool) // sees each request first; may be nil
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir()}
	h.open()
	door, err := faults.Start(h)
	if err != nil {
		t.Fatal(err)
	}
	h.door = door
	t.Cleanup(func() {
		h.door.Close()
		h.shut()
	})
	return h
}

func (h *house) open() {
	s, err := server.Open(server.Options{Dir: h.dir, Key: key.Reveal()})
	if err != nil {
		h.t.Error(err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.server = s
}

// shut ends the server.
func (h *house) shut() {
	h.mu.Lock()
	s := h.server
	h.server = nil
	h.mu.Unlock()
	h.busy.Wait()
	v := slices.DeleteFunc(s.Violations(), cut)
	if len(v) > 0 {
		h.t.Errorf("the server saw violations: %.500q", v)
	}
	if err := s.Close(); err != nil {
		h.t.Error(err)
	}
}

// cut says whether a violation is only that a request broke off, as they do
// when the server is shut or the upload ends.
func cut(violation string) bool {
	return slices.ContainsFunc([]string{"context canceled", "unexpected EOF", "use of closed network connection", "connection reset by peer"},
		func(end string) bool { return strings.HasSuffix(violation, end) })
}

// restart ends the server in the middle of what it does and opens it again.
func (h *house) restart() {
	h.door.Stop()
	h.shut()
	h.open()
	if err := h.door.Resume(h); err != nil {
		h.t.Error(err)
	}
}

func (h *house) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	s, knock := h.server, h.knock
	if s == nil {
		h.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	h.busy.Add(1)
	h.mu.Unlock()
	defer h.busy.Done()
	if knock == nil || !knock(w, r) {
		s.ServeHTTP(w, r)
	}
}

func (h *house) stored() *server.Run {
	h.t.Helper()
	r, err := h.server.Run("local", "p", "abc")
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) file(name string) []byte {
	h.t.Helper()
	text, err := h.server.File("local", "p", "abc", name)
	if err != nil {
		h.t.Errorf("file %s: %v", name, err)
	}
	return text
}

func (h *house) uploader(l *run, o upload.Options) *upload.Uploader {
	h.t.Helper()
	c, err := api.New(api.Options{BaseURL: h.door.URL(), Key: key, RetryWaitMin: time.Millisecond, RetryWaitMax: 5 * time.Millisecond})
	if err != nil {
		h.t.Fatal(err)
	}
	o.Dir, o.Client = l.dir, c
	o.Retry = api.RetryPolicy{Max: 10000, WaitMin: time.Millisecond, WaitMax: 5 * time.Millisecond}
	u, err := upload.New(o)
	if err != nil {
		h.t.Fatal(err)
	}
	return u
}

// upload sends a log that has ended.
func (h *house) upload(l *run, o upload.Options) (upload.Report, error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	r, err := h.uploader(l, o).Run(ctx)
	if err == nil && (!r.Complete || r.Unsent()) {
		h.t.Errorf("report: %+v", r)
	}
	return r, err
}

// A run is a log being written.
type run struct {
	t    *testing.T
	dir  *runlog.Dir
	w    *runlog.Writer
	step int64
}

func newRun(t *testing.T) *run {
	t.Helper()
	dir, err := runlog.NewDir(runlog.DirOptions{WandbDir: t.TempDir(), RunID: "abc"})
	if err != nil {
		t.Fatal(err)
	}
	w, err := runlog.Create(dir.LogPath(), runlog.Options{Sync: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	l := &run{t: t, dir: dir, w: w}
	l.write(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: &wandbpb.RunRecord{
		RunId: "abc", Project: "p", StartTime: timestamppb.New(second(0)),
	}}})
	return l
}

func (l *run) write(recs ...*wandbpb.Record) {
	l.t.Helper()
	for _, rec := range recs {
		if err := l.w.Write(rec); err != nil {
			l.t.Fatal(err)
		}
	}
}

// rows logs n rows.
func (l *run) rows(n int) {
	l.t.Helper()
	for range n {
		row := runlog.Row{Step: l.step, Timestamp: float64(second(0).Unix()), Items: []runlog.Item{{Key: runlog.NewKey("loss"), F: 1}}}
		if err := l.w.Row(&row); err != nil {
			l.t.Fatal(err)
		}
		l.step++
	}
}

// exit ends the log.
func (l *run) exit(code int32) {
	l.t.Helper()
	l.write(&wandbpb.Record{RecordType: &wandbpb.Record_Exit{Exit: &wandbpb.RunExitRecord{ExitCode: code}}},
		&wandbpb.Record{RecordType: &wandbpb.Record_Final{Final: &wandbpb.FinalRecord{}}},
		&wandbpb.Record{RecordType: &wandbpb.Record_Footer{Footer: &wandbpb.FooterRecord{}}})
	if err := l.w.Close(); err != nil {
		l.t.Fatal(err)
	}
}
