package gpu

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// namespace makes a proc directory of a machine or of a container, with the
// environment of process 1.
func namespace(t *testing.T, link string, vars ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"self/ns", "1"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(link, filepath.Join(dir, "self/ns/pid")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "1", "environ"), environ(vars...), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

const container = "pid:[4026532555]"

// following is a driver of two fake GPUs with a follower of a run.
type following struct {
	*harness
	fakes  []*fakeDevice
	follow *follower
	pids   []int // of the run
	asked  int   // how often member was called
}

func follow(t *testing.T, proc string) *following {
	t.Helper()
	f := &following{fakes: []*fakeDevice{newFake(), newFake()}}
	f.harness = run(t, Config{Proc: proc}, twoGPUs{fakeLibrary{f.fakes}})
	source := f.d.Follow("run1", 1, func(pid int) bool {
		f.asked++
		return slices.Contains(f.pids, pid)
	}, 0)
	if source.Run != "run1" || source.Name != "gpu/run/run1" {
		t.Errorf("source: got %q of run %q", source.Name, source.Run)
	}
	f.follow = source.Collector.(*follower)
	f.up("gpu0")
	f.up("gpu1")
	return f
}

// twoGPUs gives the fake devices UUIDs of their own.
type twoGPUs struct{ fakeLibrary }

func (l twoGPUs) ByIndex(i int) (device, code) {
	return numbered{l.devices[i], "GPU-" + string(rune('a'+i))}, ok
}

type numbered struct {
	*fakeDevice
	uuid string
}

func (n numbered) UUID() (string, code) { return n.uuid, ok }

// pass lets the process lists be read again and returns the run's values.
func (f *following) pass() map[string]float64 {
	f.t.Helper()
	f.clock.Add(int64(slowEvery))
	f.tick()
	f.tick() // the second list waits for a tick with room for its calls
	return f.collect(f.follow, f.schema.Scope(2, "run1"))
}

func TestRunOwnsTheGPUsItsProcessesUse(t *testing.T) {
	f := follow(t, namespace(t, initialPIDNamespace))
	f.pids = []int{1, 42}
	got := f.pass()
	check(t, got, "hwx.gpu.run.member gpu0", 0)
	check(t, got, "hwx.gpu.run.member gpu1", 0)

	f.fakes[1].list = []process{{pid: 42, used: 1000}, {pid: 7, used: 5}, {pid: 42, used: 500}}
	got = f.pass()
	check(t, got, "hwx.gpu.run.member gpu0", 0)
	check(t, got, "hwx.gpu.run.member gpu1", 1)
	check(t, got, "hwx.process.gpu.memory.usage gpu1 42 compute", 1500)
	absent(t, got, "hwx.process.gpu.memory.usage gpu1 7 compute")

	f.fakes[1].list = nil
	f.fakes[0].list = []process{{pid: 1, used: notAvailable}} // the root itself
	got = f.pass()
	check(t, got, "hwx.gpu.run.member gpu0", 1)
	check(t, got, "hwx.gpu.run.member gpu1", 0)
	absent(t, got, "hwx.process.gpu.memory.usage gpu0 1 compute")
	absent(t, got, "hwx.process.gpu.memory.usage gpu1 42 compute")
}

func TestSeriesOfAGoneProcessEnds(t *testing.T) {
	f := follow(t, namespace(t, initialPIDNamespace))
	f.pids = []int{42}
	f.pass()
	f.fakes[0].list = []process{{pid: 42, used: 1000}}
	f.pass()
	ref := f.follow.processes[0].ref
	f.fakes[0].list = nil
	f.pass()
	if s, _ := f.schema.Series(ref); !s.Ended {
		t.Errorf("series of a process that is gone: %+v, want it ended", s)
	}
	if n := len(f.follow.processes); n != 0 {
		t.Errorf("%d processes remembered, want 0", n)
	}
}

func TestMembershipIsAbsentWhereListsAreRefused(t *testing.T) {
	f := follow(t, namespace(t, initialPIDNamespace))
	f.fakes[0].answers["ComputeProcesses"] = noPermission
	f.fakes[0].answers["GraphicsProcesses"] = noPermission
	got := f.pass()
	absent(t, got, "hwx.gpu.run.member gpu0")
	check(t, got, "hwx.gpu.run.member gpu1", 0)
}

// TestContainerNeverMapsProcessNumbers: process 42 of the driver is not
// process 42 here.
func TestContainerNeverMapsProcessNumbers(t *testing.T) {
	f := follow(t, namespace(t, container, "CUDA_VISIBLE_DEVICES=GPU-b"))
	f.pids = []int{42}
	f.fakes[0].list = []process{{pid: 42, used: 1000}}
	got := f.pass()
	check(t, got, "hwx.gpu.run.member gpu0", 0)
	check(t, got, "hwx.gpu.run.member gpu1", 1)
	absent(t, got, "hwx.process.gpu.memory.usage gpu0 42 compute")
	if f.asked != 0 {
		t.Errorf("member was asked %d times about numbers of another namespace", f.asked)
	}
}

func TestContainerWithoutAnswerSaysNothing(t *testing.T) {
	f := follow(t, namespace(t, container, "CUDA_VISIBLE_DEVICES=MIG-5a3e"))
	got := f.pass()
	absent(t, got, "hwx.gpu.run.member gpu0")
	absent(t, got, "hwx.gpu.run.member gpu1")
	f.pass()
	if f.follow.visibleLog == false {
		t.Error("nothing was logged")
	}
}
