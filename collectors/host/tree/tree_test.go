//go:build linux

package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(Config{PID: 1 << 30}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such process: got %v, want fs.ErrNotExist", err)
	}
	if _, err := Open(Config{PID: -1}); err == nil {
		t.Error("a negative pid is taken")
	}
	tids, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range tids {
		if tid, _ := strconv.Atoi(e.Name()); tid != os.Getpid() {
			if _, err := Open(Config{PID: tid}); !errors.Is(err, ErrThread) {
				t.Errorf("a thread id: got %v, want ErrThread", err)
			}
			return
		}
	}
	t.Log("this process has one thread: nothing to refuse")
}

// 200 children that live for a moment, while the tree is read all
// the time: every race between a reading and a reaping happens.
func TestChurn(t *testing.T) {
	root := startRoot(t, nil, nil)
	d := drive(t, Config{PID: root.cmd.Process.Pid})
	d.tick(2)
	files, routines := openFiles(t), runtime.NumGoroutine()
	stop := d.ticker(200 * time.Microsecond)
	dir := t.TempDir()
	fmt.Fprintln(root.in, "reaped short", dir)
	root.expect(t, "done")
	stop()
	d.tick(2)
	want := await(t, filepath.Join(dir, "work"))
	own := await(t, filepath.Join(dir, "root"))
	d.within("minor faults", d.last["process.paging.faults/minor"], float64(want.Minflt+own.Minflt))
	d.report()
	d.exact()
	got := d.last["process.cpu.time/user"] + d.last["process.cpu.time/system"]
	if kernel := want.CPU + own.CPU; got < kernel*0.98-0.03 || got > kernel*1.02+0.03 {
		t.Errorf("cpu: series %.3g s, kernel %.3g s", got, kernel)
	}
	if n := openFiles(t); n > files {
		t.Errorf("descriptors: %d before, %d after 200 children", files, n)
	}
	n := runtime.NumGoroutine()
	for wait := time.Millisecond; n > routines && wait < 5*time.Second; wait *= 2 { // one of the runtime's own may be passing
		time.Sleep(wait)
		n = runtime.NumGoroutine()
	}
	if n > routines {
		t.Errorf("goroutines: %d before, %d after", routines, n)
	}
}

// exact checks that the tree, of which only the root is left, counts what the
// kernel has handed to the root and nothing beside.
func (d *driver) exact() {
	d.t.Helper()
	tr := d.tree
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if len(tr.members) != 1 {
		d.t.Fatalf("%d members left, want the root alone", len(tr.members))
	}
	kernel := tr.root.cur.total().minus(tr.ledger.baseline)
	if out := tr.ledger.out; tr.ledger.retired != (usage{}) || out != kernel {
		d.t.Errorf("everything was reaped: got %+v of which retired %+v, kernel %+v", out, tr.ledger.retired, kernel)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestRootEnds(t *testing.T) {
	root := startRoot(t, nil, nil)
	pid := root.cmd.Process.Pid
	tr, err := Open(Config{PID: pid})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	src := tr.Sources("r")
	schema := sample.NewSchema(0)
	for _, s := range src {
		if err := s.Collector.Describe(schema.Scope(1, "r")); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	events, done := make(chan sample.Event, 10), make(chan struct{})
	go func() {
		defer close(done)
		src[0].Collector.(agent.Runner).Run(ctx, func(e sample.Event) { events <- e })
	}()
	collect := func() (values int) {
		t.Helper()
		for _, s := range src {
			var f sample.Frame
			if err := s.Collector.Collect(ctx, &f); err != nil {
				t.Fatalf("Collect of %s: %v", s.Name, err)
			}
			values += len(f.Refs)
		}
		return values
	}
	if !tr.Alive() || !tr.Contains(pid) {
		t.Error("the root is not followed")
	}
	collect()
	root.cmd.Process.Kill()
	root.cmd.Process.Wait()
	if tr.Alive() {
		t.Error("Alive after the root was reaped")
	}
	if n := collect(); n != 6 {
		t.Errorf("final frames hold %d values, want the 6 counters", n)
	}
	for range 3 {
		if n := collect(); n != 0 {
			t.Errorf("a frame after the final one holds %d values", n)
		}
	}
	all, _ := schema.AppendSeries(nil)
	for _, sr := range all {
		if !sr.Ended {
			t.Errorf("series %s %v has not ended", sr.Name, sr.Labels)
		}
	}
	if tr.Contains(pid) {
		t.Error("Contains the root after its end")
	}
	select {
	case e := <-events:
		if e.Kind != sample.EventSeriesEnded || e.Run != "r" {
			t.Errorf("event: got %+v", e)
		}
	case <-time.After(20 * time.Second):
		t.Error("no event tells the end")
	}
	cancel()
	<-done
}

// A steady tick allocates nothing. The members are real; loadavg stands still,
// so what else is born on this machine does not matter.
func TestSteadyTickDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	child := startThreads(t, 2).Process.Pid
	dir := t.TempDir()
	for _, pid := range []int{os.Getpid(), child} {
		if err := os.Symlink(fmt.Sprintf("/proc/%d", pid), filepath.Join(dir, fmt.Sprint(pid))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(fmt.Sprint(os.Getpid()), filepath.Join(dir, "self")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "loadavg"), []byte("0 0 0 1/1 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tr, err := Open(Config{Proc: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if tr.count() != 2 {
		t.Fatalf("members: got %d, want 2", tr.count())
	}
	c := tr.Sources("r")[0].Collector
	if err := c.Describe(sample.NewSchema(0)); err != nil {
		t.Fatal(err)
	}
	var f sample.Frame
	tick := func() {
		f.Reset()
		if err := c.Collect(context.Background(), &f); err != nil {
			t.Fatal(err)
		}
	}
	tick()
	if n := testing.AllocsPerRun(100, tick); n != 0 {
		t.Errorf("a steady tick: %v allocations, want 0", n)
	}
}

func TestDescriptorBudget(t *testing.T) {
	for range 3 {
		startThreads(t, 1)
	}
	for _, c := range []struct{ max, want int }{{-1, 0}, {4, 4}, {100, 12}} {
		tr, err := Open(Config{MaxFDs: c.max})
		if err != nil {
			t.Fatal(err)
		}
		tr.mu.Lock()
		tr.refresh()
		if tr.openFDs > c.want || (c.want < 100 && tr.openFDs < min(c.want, 12)) {
			t.Errorf("MaxFDs %d: %d descriptors kept, want %d", c.max, tr.openFDs, c.want)
		}
		if tr.total() == (usage{}) && tr.root.gone {
			t.Errorf("MaxFDs %d: the tree cannot be read", c.max)
		}
		tr.mu.Unlock()
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	}
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		t.Fatal(err)
	}
	if n := fdBudget(0); n > 1024 || uint64(n) > lim.Cur/4 {
		t.Errorf("default budget: %d of a soft limit of %d", n, lim.Cur)
	}
}

func TestWatchEvery(t *testing.T) {
	check := func(age, tick, want time.Duration) {
		t.Helper()
		if got := watchEvery(age, tick); got != want {
			t.Errorf("watchEvery(%v, %v): got %v, want %v", age, tick, got, want)
		}
	}
	check(0, time.Second, 10*time.Millisecond)
	check(2*time.Second, time.Second, 10*time.Millisecond)
	check(100*time.Second, time.Second, 500*time.Millisecond)
	check(200*time.Second, time.Second, 0)
	check(time.Second, 10*time.Millisecond, 0)
}
