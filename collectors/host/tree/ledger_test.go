//go:build linux

package tree

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// fakeProc is a procfs of plain files whose processes a test moves by hand.
type fakeProc struct {
	t   *testing.T
	dir string
}

// proc is one process of it; the zero start is 100 + pid.
type proc struct {
	pid, ppid   int
	name, state string
	own, reaped usage
	start       uint64
	read, write uint64
	exitSignal  int // 0 means 17
}

func newFakeProc(t *testing.T, procs ...proc) *fakeProc {
	f := &fakeProc{t: t, dir: t.TempDir()}
	if err := os.Symlink("999999999", filepath.Join(f.dir, "self")); err != nil {
		t.Fatal(err)
	}
	f.file("loadavg", "0.00 0.00 0.00 1/1 1\n")
	for _, p := range procs {
		f.put(p)
	}
	return f
}

func (f *fakeProc) file(name, content string) {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fakeProc) put(p proc) {
	f.t.Helper()
	if p.start == 0 {
		p.start = 100 + uint64(p.pid)
	}
	dir := fmt.Sprint(p.pid)
	f.file(dir+"/stat", p.line())
	f.file(dir+"/statm", "300 20 10 1 0 50 0\n")
	f.file(dir+"/io", fmt.Sprintf("rchar: 1\nwchar: 1\nsyscr: 1\nsyscw: 1\nread_bytes: %d\nwrite_bytes: %d\ncancelled_write_bytes: 0\n", p.read, p.write))
	f.file(dir+"/status", "Name:\tx\nSigIgn:\t0000000000000000\nCpus_allowed_list:\t0-1\n")
}

func (p proc) line() string {
	if p.name == "" {
		p.name = "python3"
	}
	if p.state == "" {
		p.state = "S"
	}
	if p.exitSignal == 0 {
		p.exitSignal = 17
	}
	return fmt.Sprintf("%d (%s) %s %d 1 1 0 -1 4194304 %d %d %d %d %d %d %d %d 20 0 2 0 %d 4096000 20 0 0 0 0 0 0 0 0 0 0 0 0 0 %d 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
		p.pid, p.name, p.state, p.ppid, p.own.minflt, p.reaped.minflt, p.own.majflt, p.reaped.majflt,
		p.own.user, p.own.system, p.reaped.user, p.reaped.system, p.start, p.exitSignal)
}

func (f *fakeProc) remove(pid int) {
	f.t.Helper()
	if err := os.RemoveAll(filepath.Join(f.dir, fmt.Sprint(pid))); err != nil {
		f.t.Fatal(err)
	}
}

// open follows pid 10 from boot on, without kept descriptors: a removed file
// then is a process that is gone.
func (f *fakeProc) open() *Tree {
	f.t.Helper()
	tr, err := Open(Config{Proc: f.dir, Sys: f.dir, PID: 10, MaxFDs: -1, Clock: sample.Clock{Read: func() int64 { return 1 }}})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { tr.Close() })
	return tr
}

// u is a usage with equal ticks in both modes.
func u(ticks, minflt uint64) usage { return usage{user: ticks, system: ticks, minflt: minflt} }

// look ticks and checks the total, also without the clamp that keeps what is
// published from stepping back.
func (f *fakeProc) look(tr *Tree, want usage) {
	f.t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if err := tr.scan(); err != nil {
		f.t.Fatal(err)
	}
	tr.refresh()
	sum := tr.ledger.retired
	for _, m := range tr.members {
		sum.add(m.cur.total())
	}
	if got, raw := tr.total(), sum.minus(tr.ledger.baseline); got != want || raw != want {
		f.t.Errorf("total: got %+v, before the clamp %+v, want %+v", got, raw, want)
	}
}

// In each case root 10 (idle, baseline 1000) has child 11 with child 12.
func branch(t *testing.T) (*fakeProc, *Tree) {
	f := newFakeProc(t, proc{pid: 10, ppid: 1, own: u(1000, 1000)})
	tr := f.open()
	f.put(proc{pid: 11, ppid: 10, own: u(50, 500)})
	f.put(proc{pid: 12, ppid: 11, own: u(70, 700)})
	f.look(tr, u(120, 1200))
	return f, tr
}

func TestReapedChildCountsOnce(t *testing.T) {
	f, tr := branch(t)
	f.remove(12)
	f.put(proc{pid: 11, ppid: 10, own: u(50, 500), reaped: u(75, 750)}) // it went on after we looked
	f.look(tr, u(125, 1250))
}

func TestChildThatNobodyReapedStaysCounted(t *testing.T) {
	f, tr := branch(t)
	f.remove(12)
	f.look(tr, u(120, 1200))
	if p := tr.byPID[11]; !p.lost {
		t.Error("the parent is not marked as one that does not reap")
	}
	f.look(tr, u(120, 1200))
}

func TestBranchReapedBottomUp(t *testing.T) {
	f, tr := branch(t)
	f.remove(11)
	f.remove(12)
	f.put(proc{pid: 10, ppid: 1, own: u(1000, 1000), reaped: u(125, 1250)})
	f.look(tr, u(125, 1250))
}

func TestBranchKilledAtOnce(t *testing.T) {
	f, tr := branch(t)
	f.remove(11)
	f.remove(12)
	// The root reaped 11 alone; 12 went to init.
	f.put(proc{pid: 10, ppid: 1, own: u(1000, 1000), reaped: u(51, 510)})
	f.look(tr, u(121, 1210))
}

// Two alike vanish and one was reaped: a gain explains one of them.
func TestGainIsUsedOnce(t *testing.T) {
	f := newFakeProc(t, proc{pid: 10, ppid: 1})
	tr := f.open()
	f.put(proc{pid: 11, ppid: 10, own: u(50, 500)})
	f.put(proc{pid: 12, ppid: 10, own: u(50, 500)})
	f.look(tr, u(100, 1000))
	f.remove(11)
	f.remove(12)
	f.put(proc{pid: 10, ppid: 1, reaped: u(50, 500)})
	f.look(tr, u(100, 1000))
}

// Children that came and went unseen must not pass for one that vanishes later.
func TestGainOfEarlierTicksIsSpent(t *testing.T) {
	f, tr := branch(t)
	f.put(proc{pid: 11, ppid: 10, own: u(50, 500), reaped: u(900, 9000)})
	f.look(tr, u(1020, 10200))
	f.remove(12)
	f.look(tr, u(1020, 10200))
	if tr.ledger.retired != u(70, 700) {
		t.Errorf("retired: got %+v, want the figures of the child", tr.ledger.retired)
	}
}

func TestOrphanStaysCounted(t *testing.T) {
	f, tr := branch(t)
	f.remove(11)
	f.put(proc{pid: 10, ppid: 1, own: u(1000, 1000), reaped: u(50, 500)})
	f.put(proc{pid: 12, ppid: 1, own: u(80, 800)})
	f.look(tr, u(130, 1300))
	if !tr.byPID[12].watched {
		t.Error("the orphan is not watched")
	}
	f.remove(12)
	f.look(tr, u(130, 1300))
}

// The parent is read between its child's end and its own: the child's figures
// are in the parent's last reading already.
func TestReadingBetweenTheEndsCountsOnce(t *testing.T) {
	f, tr := branch(t)
	f.put(proc{pid: 11, ppid: 10, own: u(50, 500), reaped: u(70, 700)})
	tr.mu.Lock()
	tr.readStat(tr.byPID[11])
	tr.mu.Unlock()
	f.remove(11)
	f.remove(12)
	f.look(tr, u(120, 1200))
}

func TestReusedPIDIsAnotherProcess(t *testing.T) {
	f, tr := branch(t)
	f.put(proc{pid: 12, ppid: 1, own: u(9000, 9000), start: 5000})
	f.look(tr, u(120, 1200))
	if tr.Contains(12) {
		t.Error("the process that took over the number is a member")
	}
}

func TestZombieKeepsItsFigures(t *testing.T) {
	f, tr := branch(t)
	f.put(proc{pid: 12, ppid: 11, own: u(71, 710), state: "Z"})
	f.look(tr, u(121, 1210))
	f.remove(12)
	f.put(proc{pid: 11, ppid: 10, own: u(50, 500), reaped: u(71, 710)})
	f.look(tr, u(121, 1210))
}

func TestIOFollowsTheSameRule(t *testing.T) {
	f := newFakeProc(t, proc{pid: 10, ppid: 1, read: 5, write: 7})
	tr := f.open()
	io := func(want ioCount) {
		t.Helper()
		s := tr.Sources("r")[1].Collector
		var fr sample.Frame
		if err := s.Describe(sample.NewSchema(0)); err != nil {
			t.Fatal(err)
		}
		if err := s.Collect(context.Background(), &fr); err != nil {
			t.Fatal(err)
		}
		if got := tr.ledger.ioOut; got != want {
			t.Errorf("I/O: got %+v, want %+v", got, want)
		}
	}
	f.put(proc{pid: 11, ppid: 10, own: u(50, 500), read: 100, write: 1000})
	f.put(proc{pid: 12, ppid: 10, own: u(70, 700), read: 10, write: 20})
	io(ioCount{100 + 10, 1000 + 20})
	f.remove(11) // reaped: the root's own io grows
	f.put(proc{pid: 10, ppid: 1, reaped: u(50, 500), read: 105, write: 1007})
	io(ioCount{110, 1020})
	f.remove(12) // not reaped
	io(ioCount{110, 1020})
}

func TestStrangersAndThreadsAreNoMembers(t *testing.T) {
	f := newFakeProc(t, proc{pid: 10, ppid: 1})
	tr := f.open()
	f.put(proc{pid: 20, ppid: 1})
	f.put(proc{pid: 21, ppid: 10, exitSignal: -1})
	f.put(proc{pid: 22, ppid: 10, name: "a ) R 1 (b\n)", own: u(3, 30)})
	f.look(tr, u(3, 30))
	for pid, want := range map[int]bool{10: true, 20: false, 21: false, 22: true} {
		if tr.Contains(pid) != want {
			t.Errorf("Contains(%d): got %v, want %v", pid, !want, want)
		}
	}
}

func TestMarkerFindsOrphans(t *testing.T) {
	f := newFakeProc(t, proc{pid: 10, ppid: 1})
	tr := f.open()
	tr.cfg.OrphanMarker = "RUN=a"
	f.put(proc{pid: 30, ppid: 1})
	f.file("30/environ", "HOME=/\x00RUN=a\x00")
	f.put(proc{pid: 31, ppid: 1})
	f.file("31/environ", "HOME=/\x00RUN=ab\x00")
	f.put(proc{pid: 32, ppid: 77})
	f.file("32/environ", "RUN=a\x00")
	f.look(tr, usage{})
	for pid, want := range map[int]bool{30: true, 31: false, 32: false} {
		if tr.Contains(pid) != want {
			t.Errorf("Contains(%d): got %v, want %v", pid, !want, want)
		}
	}
}

func TestChildrenFiles(t *testing.T) {
	f := newFakeProc(t, proc{pid: 10, ppid: 1})
	tr := f.open()
	f.put(proc{pid: 11, ppid: 10})
	f.put(proc{pid: 12, ppid: 11})
	f.file("10/task/10/children", "11 ")
	f.file("11/task/11/children", "12 ")
	tr.mu.Lock()
	tr.refresh()
	tr.mu.Unlock()
	if !tr.Contains(11) || !tr.Contains(12) {
		t.Errorf("children files: got 11 %v, 12 %v, want both", tr.Contains(11), tr.Contains(12))
	}
}
