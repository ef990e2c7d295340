package upload

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// until waits for a condition, for as long as a slow machine may need.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}

// TestLive follows a log and a part of it, whose records arrive while it is
// written; after the part was folded in, nothing is sent twice.
func TestLive(t *testing.T) {
	l := newLog(t, &wandbpb.RunRecord{RunId: "abc", Project: "p"})
	part, err := runlog.Create(l.dir.PartPath("keeper"), runlog.Options{Sync: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	f := newFake(t)
	u, err := New(Options{Dir: l.dir, Client: f.client(t), Live: true, Transmit: time.Millisecond, Poll: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := u.Run(context.Background())
		ended <- err
	}()
	count := func() (rows, lines int) {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.history), len(f.console)
	}
	for i := range 10 {
		l.rows(int64(i*10), 10)
		if err := part.Output(false, int64(i), fmt.Appendf(nil, "line %d\n", i)); err != nil {
			t.Fatal(err)
		}
		u.Wake()
		until(t, "rows and lines", func() bool {
			rows, lines := count()
			return rows == 10*(i+1) && lines >= i+1
		})
	}
	if err := part.Output(true, 11, []byte("late\n")); err != nil {
		t.Fatal(err)
	}
	if err := part.Close(); err != nil {
		t.Fatal(err)
	}
	if err := runlog.Fold(l.w, l.dir, nil, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	l.rows(100, 5)
	l.exit(0)
	rep, err := u.Finish(t.Context())
	if err != nil || <-ended != nil {
		t.Fatal(err)
	}
	if len(f.history) != 105 || len(f.console) != 11 || len(f.bad) > 0 || !f.complete || !rep.Complete || rep.Unsent() {
		t.Errorf("got %d rows, %d lines, faults %v; want 105, 11, none; %+v", len(f.history), len(f.console), f.bad, rep)
	}
	if !strings.HasSuffix(f.console[10], "late") || !strings.HasPrefix(f.console[10], "ERROR ") {
		t.Errorf("last console line: got %q", f.console[10])
	}
}

// TestFinishUnreached: a run whose server never answered does not hold up the
// program, and the report says what was left.
func TestFinishUnreached(t *testing.T) {
	l := newLog(t, &wandbpb.RunRecord{RunId: "abc", Project: "p"})
	f := newFake(t)
	client := f.client(t)
	f.Close()
	u, err := New(Options{Dir: l.dir, Client: client, Live: true, Unreached: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	go u.Run(context.Background())
	until(t, "the upload to begin", func() bool { return u.Account().LastError != nil })
	l.rows(0, 100)
	l.exit(0)
	rep, err := u.Finish(context.Background())
	if err == nil || rep.Rows.Pending() != 100 || rep.Rows.Offered != 100 || rep.PendingBytes == 0 || rep.Complete {
		t.Errorf("got %v and %+v; want an error and 100 rows pending", err, rep)
	}
}

func stampOf(sec, nanos int64) *timestamppb.Timestamp {
	return &timestamppb.Timestamp{Seconds: sec, Nanos: int32(nanos)}
}

// TestUntilExit follows a log whose writer takes no lock until its exit record.
func TestUntilExit(t *testing.T) {
	p := newProof(t)
	l := newLog(t, &wandbpb.RunRecord{RunId: "r", Project: "p"})
	u, err := New(Options{Dir: l.dir, Client: p.client(""), Live: true, UntilExit: true, Transmit: time.Millisecond, Poll: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := u.Run(deadline(t))
		ended <- err
	}()
	l.rows(0, 5)
	until(t, "rows", func() bool { return u.Account().Rows.Sent == 5 })
	l.rows(5, 5)
	l.exit(4)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if run := p.run("r"); len(run.History) != 10 || run.State != "failed" || *run.ExitCode != 4 {
		t.Errorf("%d rows, state %s", len(run.History), run.State)
	}
	if a := u.Account(); a.PendingBytes != 0 {
		t.Errorf("%d bytes are pending when all is sent", a.PendingBytes)
	}
}
