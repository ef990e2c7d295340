package runlog

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// faultFile stands between a writer and its file.
type faultFile struct {
	File
	stall  atomic.Int64 // how long the next write takes, once
	limit  atomic.Int64 // the disk is full from this offset on; -1: never
	slow   atomic.Int64 // how long every write takes
	noSync atomic.Bool
}

func (f *faultFile) WriteAt(p []byte, at int64) (int, error) {
	if d := f.stall.Swap(0); d > 0 {
		time.Sleep(time.Duration(d))
	}
	time.Sleep(time.Duration(f.slow.Load()))
	if limit := f.limit.Load(); limit >= 0 && at+int64(len(p)) > limit {
		n, _ := f.File.WriteAt(p[:max(0, limit-at)], at)
		return n, syscall.ENOSPC
	}
	return f.File.WriteAt(p, at)
}

func (f *faultFile) Datasync() error {
	if f.noSync.Load() {
		return syscall.EIO
	}
	return f.File.Datasync()
}

func newFaultLog(t *testing.T, o Options) (*Writer, *faultFile) {
	t.Helper()
	ff := &faultFile{}
	ff.limit.Store(-1)
	o.File = func(f File) File { ff.File = f; return ff }
	w, err := Create(filepath.Join(t.TempDir(), "run-fault.wandb"), o)
	if err != nil {
		t.Fatal(err)
	}
	return w, ff
}

func stepsIn(t *testing.T, path string) []int64 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	recs, _, d := readAll(t, b)
	if d.Any() {
		t.Errorf("%s is damaged: %+v", path, d)
	}
	var steps []int64
	for i, rec := range recs {
		if rec.GetNum() != int64(i+1) {
			t.Errorf("record %d has num %d", i+1, rec.GetNum())
		}
		if h := rec.GetHistory(); h != nil {
			steps = append(steps, stepOf(h))
		}
	}
	return steps
}

func wantSteps(t *testing.T, got []int64, n int) {
	t.Helper()
	if len(got) != n {
		t.Errorf("got %d rows, want %d", len(got), n)
	}
	for i, s := range got {
		if s != int64(i) {
			t.Fatalf("row %d has step %d", i, s)
		}
	}
}

// The file takes 60 s for one write. Protection: look() declares the stall
// and await() lets callers go.
func TestStalledFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		w, ff := newFaultLog(t, Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
		if err := w.Row(someRow(0)); err != nil {
			t.Fatal(err)
		}
		ff.stall.Store(int64(time.Minute))
		var first sync.WaitGroup
		first.Go(func() { w.Row(someRow(1)) }) // held by the kernel
		synctest.Wait()
		var worst time.Duration
		begin := time.Now()
		for i := int64(2); i < 102; i++ {
			start := time.Now()
			if err := w.Row(someRow(i)); err != nil {
				t.Fatal(err)
			}
			worst = max(worst, time.Since(start))
		}
		if bound := 250 * time.Millisecond; worst > bound {
			t.Errorf("a call took %v, want at most %v", worst, bound)
		}
		if all := time.Since(begin); all > time.Second {
			t.Errorf("100 calls took %v, want only the first to wait", all)
		}
		c := w.Counters()
		if c.PendingRecords != 101 || c.PendingBytes == 0 || c.Records != 2 || !c.Handoff {
			t.Errorf("while stalled: got %+v, want 101 pending and 2 written", c)
		}
		if err := w.Sync(); !errors.Is(err, ErrNotWritten) {
			t.Errorf("Sync while stalled: got %v, want ErrNotWritten", err)
		}
		first.Wait()
		synctest.Wait()
		c = w.Counters()
		if c.PendingRecords != 0 || c.Records != 103 || c.Stalls != 1 {
			t.Errorf("after the stall: got %+v, want all 103 written and one stall", c)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		wantSteps(t, stepsIn(t, w.Path()), 102)
		if n := strings.Count(logged.String(), "stalls"); n != 1 {
			t.Errorf("got %d log lines about the stall, want 1:\n%s", n, &logged)
		}
	})
}

// After a stall the log's own goroutine writes, and a second stall holds
// nobody up for longer than the bound.
func TestSecondStallHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ff := newFaultLog(t, Options{})
		ff.stall.Store(int64(time.Second))
		w.Row(someRow(0))
		ff.stall.Store(int64(time.Minute))
		start := time.Now()
		if err := w.Row(someRow(1)); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d > 250*time.Millisecond {
			t.Errorf("got %v, want at most 250ms", d)
		}
		start = time.Now()
		if err := w.Close(); !errors.Is(err, ErrNotWritten) {
			t.Errorf("Close during a stall: got %v, want ErrNotWritten", err)
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("Close took %v, want at most 2s", d)
		}
		time.Sleep(time.Minute) // the kernel lets go
		synctest.Wait()
		wantSteps(t, stepsIn(t, w.Path()), 2)
	})
}

// Writes of 150 ms are no stall, but a caller may have to wait for two of
// them. Protection: the clock in await().
func TestSlowFileHoldsNobodyLongerThanTheBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ff := newFaultLog(t, Options{})
		ff.stall.Store(int64(time.Second))
		w.Row(someRow(0)) // from now on the flusher writes
		ff.slow.Store(int64(150 * time.Millisecond))
		var first sync.WaitGroup
		first.Go(func() { w.Row(someRow(1)) })
		time.Sleep(10 * time.Millisecond)
		start := time.Now()
		w.Row(someRow(2))
		if d := time.Since(start); d > 250*time.Millisecond {
			t.Errorf("got %v, want at most 250ms", d)
		}
		first.Wait()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		wantSteps(t, stepsIn(t, w.Path()), 3)
	})
}

// Protection: the MaxPending case in accept().
func TestMemoryForWaitingRowsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ff := newFaultLog(t, Options{MaxPending: 10_000})
		ff.limit.Store(0)
		kept := 0
		for i := range int64(1000) {
			switch err := w.Row(someRow(i)); {
			case err == nil:
				kept++
			case !errors.Is(err, ErrFull):
				t.Fatal(err)
			}
		}
		c := w.Counters()
		if c.PendingBytes > 11_000 || c.DroppedRecords != int64(1000-kept) || c.PendingRecords != int64(kept) || kept == 0 {
			t.Errorf("kept %d: got %+v", kept, c)
		}
		ff.limit.Store(-1)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		wantSteps(t, stepsIn(t, w.Path()), kept) // the newest were refused
	})
}

// The disk is full at every possible byte of a write. Protection: failed()
// goes back to a record boundary.
func TestDiskFullAtEveryByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for short := int64(0); short < 260; short += 13 {
			var logged bytes.Buffer
			w, ff := newFaultLog(t, Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
			w.Row(someRow(0))
			ff.limit.Store(w.Counters().Bytes + short)
			for i := int64(1); i < 6; i++ {
				if err := w.Row(someRow(i)); err != nil {
					t.Fatalf("row %d on a full disk: %v", i, err)
				}
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			c := w.Counters()
			if !c.Failing || c.Records+c.PendingRecords != 7 || c.WriteErrors < 3 {
				t.Errorf("short by %d: got %+v, want retries and all 7 records known", short, c)
			}
			ff.limit.Store(-1)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if c := w.Counters(); c.Failing || c.PendingRecords != 0 {
				t.Errorf("space is back: got %+v, want nothing pending", c)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			wantSteps(t, stepsIn(t, w.Path()), 6)
			if n := strings.Count(logged.String(), "cannot be written"); n != 1 {
				t.Errorf("got %d log lines, want 1:\n%s", n, &logged)
			}
		}
	})
}

// Protection: the Truncate in finish().
func TestCloseOnAFullDiskLeavesNoHalfRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ff := newFaultLog(t, Options{})
		w.Row(someRow(0))
		ff.limit.Store(w.Counters().Bytes + 30)
		w.Row(someRow(1))
		if err := w.Close(); !errors.Is(err, ErrNotWritten) || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("got %v, want ErrNotWritten and ENOSPC", err)
		}
		wantSteps(t, stepsIn(t, w.Path()), 1)
	})
}

// Protection: syncErr in datasync() never goes back to nil.
func TestFailedSyncIsForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ff := newFaultLog(t, Options{})
		if err := w.Sync(); err != nil {
			t.Fatal(err)
		}
		before := w.Counters().SyncedBytes
		ff.noSync.Store(true)
		w.Row(someRow(0))
		time.Sleep(3 * time.Second)
		ff.noSync.Store(false)
		if err := w.Sync(); !errors.Is(err, syscall.EIO) {
			t.Errorf("Sync after a failed one: got %v, want EIO", err)
		}
		if c := w.Counters(); c.SyncErrors == 0 || c.SyncedBytes != before {
			t.Errorf("got %+v, want SyncedBytes to stay %d", c, before)
		}
		w.Close()
	})
}

func TestSyncEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := newFaultLog(t, Options{})
		w.Row(someRow(0))
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		if c := w.Counters(); c.SyncedBytes != c.Bytes {
			t.Errorf("after a second %d of %d bytes are synced", c.SyncedBytes, c.Bytes)
		}
		w.Close()
	})
}

func TestManyCallersShareTheLog(t *testing.T) {
	w := newLog(t)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 200 {
				if err := w.Row(someRow(int64(g*1000 + i))); err != nil {
					t.Error(err)
				}
				if i%20 == 0 {
					w.Output(g%2 == 0, 1.7e18, []byte("text\n"))
				}
			}
		})
	}
	all.Wait()
	if c := w.Counters(); c.PendingRecords != 0 || c.Records != 1+8*200+8*10 {
		t.Errorf("got %+v, want 1681 records and none pending", c)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	last := map[int64]int64{}
	for _, s := range stepsIn(t, w.Path()) {
		if prev, ok := last[s/1000]; ok && s != prev+1 {
			t.Fatalf("caller %d: step %d after %d", s/1000, s, prev)
		}
		last[s/1000] = s
	}
}
