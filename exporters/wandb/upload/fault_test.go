package upload

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

// bench is a finished run, and a server that can misbehave.
type bench struct {
	*fake
	t      testing.TB
	dir    *runlog.Dir
	faults *faults.Handler
	server *faults.Server
}

const benchRows = 400

func newBench(t testing.TB, script ...faults.Rule) *bench {
	t.Helper()
	l := newLog(t, &wandbpb.RunRecord{RunId: "abc", Project: "p"})
	for i := range int64(benchRows / 10) {
		l.rows(i*10, 10)
		l.w.Output(false, 1_700_000_000_000_000_000+i, fmt.Appendf(nil, "line %d\n", i))
		l.w.Stats(1_700_000_015_000_000_000+i, []runlog.StatItem{{Key: runlog.NewStatKey("cpu"), Value: float64(i)}})
	}
	l.write(summaryRecord("loss", "0.001"))
	l.exit(0)
	b := &bench{fake: newFake(t), t: t, dir: l.dir}
	b.faults = faults.New(b.fake, script...)
	server, err := faults.Start(b.faults)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	b.server, b.fake.URL = server, server.URL()
	return b
}

// upload sends the run once more, with short waits and small requests.
func (b *bench) upload(ctx context.Context) (Report, error) {
	b.t.Helper()
	u := b.uploader()
	rep, err := u.Run(ctx)
	u.o.Client.CloseIdle()
	for _, tally := range []Tally{rep.Rows, rep.Samples, rep.Texts, rep.Files} {
		if tally.Pending() < 0 || tally.Sent < 0 || tally.Dropped < 0 {
			b.t.Errorf("the account does not add up: %+v", rep.Account)
		}
	}
	return rep, err
}

func (b *bench) uploader() *Uploader {
	client, err := api.New(api.Options{
		BaseURL: b.server.URL(), Key: testKey, StreamTimeout: 100 * time.Millisecond, Timeout: 100 * time.Millisecond,
		StallTimeout: 100 * time.Millisecond, RetryWaitMin: time.Millisecond, RetryWaitMax: 10 * time.Millisecond,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	u, err := New(Options{
		Dir: b.dir, Client: client, Transmit: time.Millisecond,
		Retry: api.RetryPolicy{Max: 100_000, WaitMin: time.Millisecond, WaitMax: 10 * time.Millisecond},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	u.limit = 3000
	return u
}

// check is the oracle: every row that the log took is stored once and in order,
// nothing else is, and the account agrees.
func (b *bench) check(rep Report) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	want := wholeUpload(b.t, b.dir)
	if len(b.bad) > 0 {
		b.t.Errorf("the server saw faults: %.300v", b.bad)
	}
	if !slices.Equal(b.history, want.history) || !slices.Equal(b.events, want.events) || !slices.Equal(b.console, want.console) || len(want.history) != benchRows {
		b.t.Errorf("got %d rows, %d samples, %d lines; want %d, %d, %d, the same", len(b.history), len(b.events), len(b.console), len(want.history), len(want.events), len(want.console))
	}
	if !b.complete || b.exit != 0 || b.summary != want.summary || b.files["output.log"] != want.files["output.log"] {
		b.t.Errorf("complete %v, exit %d, summary %s, files %q", b.complete, b.exit, b.summary, b.files)
	}
	if !rep.Complete || rep.Unsent() || rep.Rows != (Tally{Offered: benchRows, Sent: benchRows}) {
		b.t.Errorf("report: %+v", rep)
	}
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// TestTransientFaults lets requests of every kind fail in the ways that pass.
func TestTransientFaults(t *testing.T) {
	kinds := map[string]faults.Action{
		"500": faults.Status(500), "503": faults.RetryLater(503, "0.01"), "429": faults.Status(429), "429 later": faults.RetryLater(429, "0.02"), "408": faults.Status(408),
		"html":    faults.HTML(),
		"empty":   faults.Empty(),
		"hang":    {Kind: faults.Hang},
		"reset":   {Kind: faults.Reset, Bytes: 100},
		"drop":    {Kind: faults.StoreDrop},
		"cut":     {Kind: faults.CutAnswer, Bytes: 1},
		"slow":    {Kind: faults.SlowAnswer, Delay: faults.Duration(60 * time.Millisecond)},
		"length":  {Kind: faults.LongAnswer, Bytes: 10},
		"badgzip": {Kind: faults.BadGzip},
	}
	for name, action := range kinds {
		for _, what := range []string{"file_stream", "UpsertBucket", "CreateRunFiles"} {
			t.Run(name+"/"+what, func(t *testing.T) {
				match := faults.Match{Operation: what, Times: 3}
				if what == "file_stream" {
					match = faults.Match{Path: what, Times: 3}
				}
				b := newBench(t, faults.On(match, action))
				rep, err := b.upload(deadline(t))
				if err != nil {
					t.Fatal(err)
				}
				if b.faults.Struck() != 3 {
					t.Errorf("the fault struck %d times, want 3", b.faults.Struck())
				}
				b.check(rep)
			})
		}
	}
}

// TestKeyRefused: a key that is not accepted ends the upload without a storm,
// and the next one goes on where it stopped.
func TestKeyRefused(t *testing.T) {
	for _, status := range []int{401, 403} {
		b := newBench(t, faults.On(faults.Match{Path: "file_stream", Nth: 3}, faults.Status(status)))
		rep, err := b.upload(deadline(t))
		if !errors.Is(err, ErrKey) || rep.Complete || rep.Rows.Offered != benchRows || rep.Rows.Pending() == 0 || rep.Rows.Sent == 0 {
			t.Fatalf("status %d: got %v and %+v, want ErrKey with rows sent and pending", status, err, rep)
		}
		if n := b.requests; n != 2 {
			t.Errorf("status %d: %d requests stored, want the 2 before", status, n)
		}
		rep, err = b.upload(deadline(t))
		if err != nil {
			t.Fatal(err)
		}
		b.check(rep)
	}
}

// TestRunRefused: what the server refuses for good is kept, without a storm.
func TestRunRefused(t *testing.T) {
	for _, status := range []int{400, 404, 410, 422} {
		b := newBench(t, faults.On(faults.Match{Path: "file_stream"}, faults.Status(status)))
		rep, err := b.upload(deadline(t))
		if !errors.Is(err, ErrRefused) || rep.Rows.Pending() != benchRows || b.faults.Struck() > 2 {
			t.Errorf("status %d: got %v, %d rows pending after %d requests; want ErrRefused, all, at most 2", status, err, rep.Rows.Pending(), b.faults.Struck())
		}
		b.faults.Clear()
		if rep, err = b.upload(deadline(t)); err != nil {
			t.Fatal(err)
		}
		b.check(rep)
	}
}

// TestConflict: where the server does not agree with our offsets it is asked
// what it has, and gets the rest.
func TestConflict(t *testing.T) {
	b := newBench(t, faults.On(faults.Match{Path: "file_stream", Nth: 2}, faults.Action{Kind: faults.StoreDrop}),
		faults.On(faults.Match{Path: "file_stream", Nth: 2}, faults.Status(409)))
	rep, err := b.upload(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	if b.faults.Seen("RunResumeStatus") == 0 {
		t.Error("the server was not asked what it has")
	}
	b.check(rep)
}

// TestTooLarge: a server that takes small requests only gets all rows in small
// ones.
func TestTooLarge(t *testing.T) {
	b := newBench(t)
	b.server.Stop()
	small := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 1500 && strings.Contains(r.URL.Path, "file_stream") {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		b.fake.ServeHTTP(w, r)
	})
	if err := b.server.Resume(small); err != nil {
		t.Fatal(err)
	}
	rep, err := b.upload(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	b.check(rep)
}

// TestBadRow: one row that the server refuses is put aside and counted, the run
// goes on.
func TestBadRow(t *testing.T) {
	b := newBench(t)
	b.server.Stop()
	picky := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "file_stream") && b.holds(r, `\"_step\":37}`) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		b.fake.ServeHTTP(w, r)
	})
	if err := b.server.Resume(picky); err != nil {
		t.Fatal(err)
	}
	rep, err := b.upload(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(b.history) != benchRows-1 || len(b.bad) > 0 || rep.Rows != (Tally{Offered: benchRows, Sent: benchRows - 1, Dropped: 1}) || !rep.Complete {
		t.Errorf("got %d rows, faults %v, report %+v", len(b.history), b.bad, rep)
	}
	kept, err := os.ReadFile(RefusedPath(b.dir))
	if err != nil || strings.Count(string(kept), "\n") != 1 || !strings.Contains(string(kept), `\"_step\":37}`) {
		t.Errorf("put aside: got %q, %v; want the row of step 37", kept, err)
	}
}

// TestServerGoesAndComes: restarts, refused and half-open connections during an
// upload.
func TestServerGoesAndComes(t *testing.T) {
	b := newBench(t)
	done := make(chan error, 1)
	var rep Report
	u := b.uploader()
	go func() {
		var err error
		rep, err = u.Run(deadline(t))
		done <- err
	}()
	for _, mode := range []faults.Mode{faults.Refuse, faults.HalfOpen, faults.Serve} {
		b.server.SetMode(mode)
		b.server.Stop()
		if err := b.server.Resume(b.faults); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Millisecond)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	b.check(rep)
}

// TestTwoUploaders: a run that is being uploaded is not uploaded a second time.
func TestTwoUploaders(t *testing.T) {
	b := newBench(t, faults.On(faults.Match{Path: "file_stream"}, faults.Action{Kind: faults.Hang}))
	ctx, cancel := context.WithCancel(deadline(t))
	first := make(chan error, 1)
	go func() {
		_, err := b.upload(ctx)
		first <- err
	}()
	until(t, "the first upload to be under way", func() bool { return b.faults.Struck() > 0 })
	if _, err := b.upload(deadline(t)); !errors.Is(err, ErrLocked) {
		t.Errorf("a second upload: got %v, want ErrLocked", err)
	}
	cancel()
	if err := <-first; !errors.Is(err, ErrUnsent) {
		t.Errorf("the first upload, told to end: got %v, want ErrUnsent", err)
	}
	b.faults.Clear()
	rep, err := b.upload(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	b.check(rep)
}

// wholeUpload sends a finished run to another server without any trouble.
func wholeUpload(t testing.TB, dir *runlog.Dir) *fake {
	t.Helper()
	os.Remove(PositionPath(dir))
	os.Remove(syncStatePath(dir))
	f := newFake(t)
	u, err := New(Options{Dir: dir, Client: f.client(t)})
	if err != nil {
		t.Fatal(err)
	}
	if rep, err := u.Run(t.Context()); err != nil || !rep.Complete || rep.Unsent() {
		t.Fatalf("%+v: %v", rep, err)
	}
	return f
}
