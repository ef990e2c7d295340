package runapi

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// faulty is a file that can be told to be full or to stall.
type faulty struct {
	runlog.File
	full    *atomic.Bool
	stalled *atomic.Pointer[chan struct{}]
}

func (f faulty) WriteAt(p []byte, at int64) (int, error) {
	if wait := f.stalled.Load(); wait != nil {
		<-*wait
	}
	if f.full.Load() {
		return 0, syscall.ENOSPC
	}
	return f.File.WriteAt(p, at)
}

func faultyRun(t *testing.T) (r *Run, full *atomic.Bool, stalled *atomic.Pointer[chan struct{}]) {
	full, stalled = new(atomic.Bool), new(atomic.Pointer[chan struct{}])
	s := quiet(t)
	s.logFile = func(f runlog.File) runlog.File { return faulty{f, full, stalled} }
	return start(t, s), full, stalled
}

// TestFullDisk fills the disk in mid-run: rows are accepted and counted as
// pending, and nothing is lost once there is space again.
func TestFullDisk(t *testing.T) {
	r, full, _ := faultyRun(t)
	for i := range 30 {
		full.Store(i >= 10 && i < 20)
		if i == 20 { // the log tries again every second
			waitFor(t, func() bool { return r.Counters().Pending == 0 })
		}
		if err := r.Log(map[string]any{"a": i}); err != nil {
			t.Fatalf("row %d: %v", i, err)
		}
		if c := r.Counters(); i >= 10 && i < 20 && (c.Pending < int64(i-9) || !c.Failing) {
			t.Fatalf("row %d on the full disk: %+v", i, c)
		}
	}
	run := load(t, r)
	if len(run.History) != 30 || run.History[15].Values["a"] != int64(15) {
		t.Errorf("%d rows came back, want 30", len(run.History))
	}
}

// TestDiskFullAtFinish says what was not stored.
func TestDiskFullAtFinish(t *testing.T) {
	r, full, _ := faultyRun(t)
	full.Store(true)
	if err := r.Log(map[string]any{"a": 1}); err != nil {
		t.Fatal(err)
	}
	err := r.Finish(0)
	if !errors.Is(err, runlog.ErrNotWritten) || !strings.Contains(err.Error(), r.ID()) {
		t.Errorf("Finish on a full disk: %v", err)
	}
}

// TestStalledDirectory stalls the log twice. The call that meets the first
// stall is held as long as the kernel holds it; from then on Log returns within
// a bound, rows are counted as pending, and come out in order.
func TestStalledDirectory(t *testing.T) {
	r, _, stalled := faultyRun(t)
	stall := func() (release func()) {
		wait := make(chan struct{})
		stalled.Store(&wait)
		return func() { stalled.Store(nil); close(wait) }
	}
	release := stall()
	done := make(chan error, 1)
	go func() { done <- r.Log(map[string]any{"a": 0}) }()
	waitFor(t, func() bool { return r.Counters().Pending > 0 }) // it answers meanwhile
	time.Sleep(500 * time.Millisecond)                          // longer than the log calls a stall
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	release = stall()
	began := time.Now()
	for i := 1; i < 50; i++ {
		if err := r.Log(map[string]any{"a": i}); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(began)
	if c := r.Counters(); c.Pending < 49 {
		t.Errorf("%d records pending while the file stalls, want 49", c.Pending)
	}
	release()
	if took > 10*time.Second { // one wait of the stated bound, not one a row
		t.Errorf("49 rows took %v while the file stalled", took)
	}
	run := load(t, r)
	for i, h := range run.History {
		if h.Values["a"] != int64(i) {
			t.Errorf("row %d is %v", i, h.Values)
		}
	}
	if len(run.History) != 50 {
		t.Errorf("%d rows, want 50", len(run.History))
	}
}

// waitFor polls with a deadline that only a broken program misses.
func waitFor(t testing.TB, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited for 30 s")
		}
	}
}
