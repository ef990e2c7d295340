//go:build linux

package cgroup

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// host is a tree of plain files in the place of /proc and /sys.
type host struct {
	t         *testing.T
	proc, sys string
}

// newHost lays out the given files; process 42 is the followed one.
func newHost(t *testing.T, cgroup, mountinfo string, sys map[string]string) *host {
	t.Helper()
	dir := t.TempDir()
	h := &host{t: t, proc: filepath.Join(dir, "proc"), sys: filepath.Join(dir, "sys")}
	h.write(h.proc, "42/stat", "42 (python3) S 1")
	h.write(h.proc, "42/cgroup", cgroup)
	h.write(h.proc, "42/mountinfo", "")
	h.write(h.proc, "7/mountinfo", mountinfo)
	if err := os.Symlink("7", filepath.Join(h.proc, "self")); err != nil {
		t.Fatal(err)
	}
	for name, content := range sys {
		h.write(h.sys, name, content)
	}
	return h
}

func (h *host) write(root, name, content string) {
	h.t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) open() *Cgroup {
	h.t.Helper()
	c, err := Open(Config{Proc: h.proc, Sys: h.sys, PID: 42})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	return c
}

// collect returns one reading of both sources by name and label value.
func collect(t *testing.T, c *Cgroup) map[string]float64 {
	t.Helper()
	schema, got := sample.NewSchema(0), map[string]float64{}
	for _, s := range c.Sources("r") {
		var f sample.Frame
		if err := s.Collector.Describe(schema); err != nil {
			t.Fatal(err)
		}
		if err := s.Collector.Collect(context.Background(), &f); err != nil {
			t.Fatal(err)
		}
		for i, ref := range f.Refs {
			sr, _ := schema.Series(ref)
			key := sr.Name
			for _, l := range sr.Labels {
				key += "/" + l.Value
			}
			got[key] = f.Vals[i]
		}
	}
	return got
}

func same(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for k, v := range want {
		if g, ok := got[k]; !ok || g < v-1e-9 || g > v+1e-9 {
			t.Errorf("%s: got %v (present %v), want %v", k, g, ok, v)
		}
	}
	for k, v := range got {
		if _, ok := want[k]; !ok {
			t.Errorf("%s: got %v, want it absent", k, v)
		}
	}
}

const v2Mounts = "22 27 0:21 / /proc rw - proc proc rw\n41 31 0:38 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"

const hybridMounts = "22 27 0:21 / /proc rw,relatime - proc proc rw\n" +
	"32 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n" +
	"35 31 0:33 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n" +
	"39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n" +
	"40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n" +
	"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"

func v2Files() map[string]string {
	const leaf, pod = "fs/cgroup/pod/leaf/", "fs/cgroup/pod/"
	return map[string]string{
		"fs/cgroup/cgroup.procs": "1\n",
		"fs/cgroup/cpu.stat":     "usage_usec 99\nuser_usec 98\nsystem_usec 97\n",
		pod + "cgroup.events":    "populated 1\n",
		pod + "cpu.max":          "150000 100000\n",
		pod + "memory.max":       "1000000\n",
		pod + "memory.current":   "900000\n",
		pod + "memory.stat":      "anon 1\ninactive_file 100000\n",
		pod + "memory.high":      "950000\n",
		pod + "pids.max":         "64\n",
		leaf + "cgroup.events":   "populated 1\n",
		leaf + "cpu.stat":        "usage_usec 3000000\nuser_usec 2000000\nsystem_usec 1000000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 500000\n",
		leaf + "cpu.max":         "max 100000\n",
		leaf + "memory.current":  "400000\n",
		leaf + "memory.max":      "2000000\n",
		leaf + "memory.high":     "max\n",
		leaf + "memory.peak":     "450000\n",
		leaf + "memory.stat":     "anon 300000\nfile 90000\nkernel 5000\npagetables 700\nsock 11\nshmem 22\nfile_mapped 33\ninactive_file 50000\n",
		leaf + "memory.events":   "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\noom_group_kill 5\n",
		leaf + "pids.current":    "12\n",
		leaf + "pids.max":        "max\n",
	}
}

func TestV2(t *testing.T) {
	h := newHost(t, "0::/pod/leaf\n", v2Mounts, v2Files())
	c := h.open()
	same(t, collect(t, c), map[string]float64{
		"container.cpu.time/user": 2, "container.cpu.time/system": 1,
		"container.linux.cpu.periods": 10, "container.linux.cpu.throttled_periods": 4, "container.linux.cpu.throttled_time": 0.5,
		"container.linux.cpu.limit": 1.5, "container.memory.usage": 400000, "container.memory.working_set": 350000,
		"container.memory.available": 200000, // of the pod: 1000000 - (900000 - 100000)
		"container.memory.rss":       300000, "container.linux.memory.file": 90000, "container.linux.memory.shmem": 22,
		"container.linux.memory.file_mapped": 33, "container.linux.memory.sock": 11, "container.linux.memory.page_tables": 700,
		"container.linux.memory.kernel": 5000, "container.linux.memory.limit": 1000000, "container.linux.memory.high": 950000,
		"container.linux.memory.peak": 450000, "container.linux.pids.count": 12, "container.linux.pids.limit": 64,
		"container.linux.memory.events/low": 0, "container.linux.memory.events/high": 1, "container.linux.memory.events/max": 2,
		"container.linux.memory.events/oom": 3, "container.linux.memory.events/oom_kill": 4, "container.linux.memory.events/oom_group_kill": 5,
	})
	if q, ok := c.CPULimit(); !ok || q != 1.5 {
		t.Errorf("CPULimit: got %v %v, want 1.5", q, ok)
	}
}

func TestLimitsAreReadAgain(t *testing.T) {
	h := newHost(t, "0::/pod/leaf\n", v2Mounts, v2Files())
	c := h.open()
	h.write(h.sys, "fs/cgroup/pod/memory.max", "max\n")
	h.write(h.sys, "fs/cgroup/pod/cpu.max", "max 100000\n")
	got := collect(t, c)
	if got["container.linux.memory.limit"] != 2000000 {
		t.Errorf("limit after a resize: got %v, want the leaf's 2000000", got["container.linux.memory.limit"])
	}
	if q, ok := c.CPULimit(); ok {
		t.Errorf("CPULimit after a resize: got %v, want none", q)
	}
}

func TestRootGroupIsTheHost(t *testing.T) {
	same(t, collect(t, newHost(t, "0::/\n", v2Mounts, v2Files()).open()), map[string]float64{})
	same(t, collect(t, newHost(t, "1:cpu,cpuacct:/\n4:memory:/\n0::/\n", hybridMounts, map[string]string{
		"fs/cgroup/cpu,cpuacct/release_agent": "", "fs/cgroup/cpu,cpuacct/cpu.stat": "nr_periods 1\n",
		"fs/cgroup/cpu,cpuacct/cpuacct.stat": "user 1\nsystem 1\n", "fs/cgroup/memory/release_agent": "",
		"fs/cgroup/memory/memory.usage_in_bytes": "5\n", "fs/cgroup/memory/memory.stat": "total_rss 4\n",
	}).open()), map[string]float64{})
}

// A private cgroup namespace shows the container's own group as the root.
func TestNamespacedRootIsAGroup(t *testing.T) {
	got := collect(t, newHost(t, "0::/\n", v2Mounts, map[string]string{
		"fs/cgroup/cgroup.events": "populated 1\n", "fs/cgroup/memory.current": "777\n", "fs/cgroup/memory.max": "1000\n",
	}).open())
	same(t, got, map[string]float64{"container.memory.usage": 777, "container.linux.memory.limit": 1000})
}

func TestHybrid(t *testing.T) {
	const dir = "fs/cgroup/memory/docker/abc/"
	h := newHost(t, "9:name=systemd:/\n8:pids:/\n4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n0::/\n", hybridMounts, map[string]string{
		"fs/cgroup/cpu,cpuacct/docker/abc/cpu.stat":          "nr_periods 7\nnr_throttled 2\nthrottled_time 1500000000\n",
		"fs/cgroup/cpu,cpuacct/docker/abc/cpuacct.stat":      "user 250\nsystem 50\n",
		"fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us":  "-1\n",
		"fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000\n",
		"fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us":      "50000\n",
		"fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us":     "100000\n",
		dir + "memory.usage_in_bytes":                        "5000\n",
		dir + "memory.limit_in_bytes":                        "9223372036854771712\n",
		dir + "memory.max_usage_in_bytes":                    "6000\n",
		dir + "memory.failcnt":                               "3\n",
		dir + "memory.oom_control":                           "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
		dir + "memory.stat":                                  "rss 1\ncache 1\nhierarchical_memory_limit 8000\ntotal_cache 900\ntotal_rss 4000\ntotal_shmem 10\ntotal_mapped_file 20\ntotal_inactive_file 600\n",
		"fs/cgroup/pids/release_agent":                       "", "fs/cgroup/pids/pids.current": "99\n",
		"fs/cgroup/unified/cpu.stat": "usage_usec 1\nuser_usec 1\nsystem_usec 1\n",
	})
	same(t, collect(t, h.open()), map[string]float64{
		"container.cpu.time/user": 2.5, "container.cpu.time/system": 0.5, "container.linux.cpu.limit": 0.5,
		"container.linux.cpu.periods": 7, "container.linux.cpu.throttled_periods": 2, "container.linux.cpu.throttled_time": 1.5,
		"container.memory.usage": 5000, "container.memory.working_set": 4400, "container.memory.rss": 4000,
		"container.linux.memory.file": 900, "container.linux.memory.shmem": 10, "container.linux.memory.file_mapped": 20,
		"container.linux.memory.limit": 8000, "container.linux.memory.peak": 6000,
		"container.linux.memory.events/max": 3, "container.linux.memory.events/oom_kill": 2,
	})
}

func TestMoveRestartsCounters(t *testing.T) {
	h := newHost(t, "0::/pod/leaf\n", v2Mounts, v2Files())
	h.write(h.sys, "fs/cgroup/other/cgroup.events", "populated 1\n")
	h.write(h.sys, "fs/cgroup/other/cpu.stat", "usage_usec 3\nuser_usec 2\nsystem_usec 1\n")
	c := h.open()
	src, schema := c.Sources("r"), sample.NewSchema(0)
	for _, s := range src {
		if err := s.Collector.Describe(schema); err != nil {
			t.Fatal(err)
		}
	}
	tick := func(i int) (user float64) {
		var f sample.Frame
		if err := src[i].Collector.Collect(context.Background(), &f); err != nil {
			t.Fatal(err)
		}
		for i, ref := range f.Refs {
			if sr, _ := schema.Series(ref); sr.Name == "container.cpu.time" && sr.Label("cpu.mode") == "user" {
				return f.Vals[i]
			}
		}
		return -1
	}
	if user := tick(0); user != 2 {
		t.Fatalf("before the move: got %v", user)
	}
	h.write(h.proc, "42/cgroup", "0::/other\n")
	tick(1)
	user, start := tick(0), int64(0)
	all, _ := schema.AppendSeries(nil)
	for _, sr := range all {
		if sr.Name == "container.cpu.time" {
			start = sr.Start
		}
	}
	if math.Abs(user-2e-6) > 1e-12 || start == 0 {
		t.Errorf("after the move: got %v, counters start at %d; want 2e-6 and a new start", user, start)
	}
}

func TestUnmappableGroupGivesNothing(t *testing.T) {
	same(t, collect(t, newHost(t, "0::/../../elsewhere\n", v2Mounts, v2Files()).open()), map[string]float64{})
	same(t, collect(t, newHost(t, "0::/gone (deleted)\n", v2Mounts, v2Files()).open()), map[string]float64{})
	same(t, collect(t, newHost(t, "0::/pod/leaf\n", "", v2Files()).open()), map[string]float64{})
}

func TestFactsOfAPod(t *testing.T) {
	id := fmt.Sprintf("%064x", 77)
	h := newHost(t, "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b2c3d_1111_2222_3333_444455556666.slice/cri-containerd-"+id+".scope\n", v2Mounts, nil)
	h.write(h.proc, "42/environ", "WANDB_API_KEY=secret\x00SLURM_JOB_ID=12\x00SLURM_JOB_IDX=9\x00")
	var f sample.Facts
	c, err := Open(Config{Proc: h.proc, Sys: h.sys, PID: 42})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Probe(&f); err != nil {
		t.Fatal(err)
	}
	if f.ContainerID != id || f.KubePodUID != "0a1b2c3d-1111-2222-3333-444455556666" || len(f.SlurmJob) != 1 || f.SlurmJob["job_id"] != "12" {
		t.Errorf("facts: got %+v", f)
	}
}

func TestFactsFromMountsOfAPrivateNamespace(t *testing.T) {
	id := fmt.Sprintf("%064x", 5)
	h := newHost(t, "0::/\n", v2Mounts, nil)
	h.write(h.proc, "42/mountinfo", "700 600 8:1 /var/lib/docker/containers/"+id+"/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"+
		"701 600 8:1 /var/lib/kubelet/pods/0a1b2c3d-1111-2222-3333-444455556666/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n")
	var f sample.Facts
	if err := h.open().Probe(&f); err != nil {
		t.Fatal(err)
	}
	if f.ContainerID != id || f.KubePodUID != "0a1b2c3d-1111-2222-3333-444455556666" {
		t.Errorf("facts: got %+v", f)
	}
}

// The group of this very process, against the kernel's own files.
func TestThisProcess(t *testing.T) {
	c, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := collect(t, c)
	for name, v := range got {
		if v < 0 {
			t.Errorf("%s: got %v", name, v)
		}
	}
	if g := c.groups.memory; g.found() && got["container.memory.usage"] == 0 {
		t.Errorf("the group %s has no memory usage", g.dir)
	}
	if !c.groups.cpu.found() && got["container.cpu.time/user"] != 0 {
		t.Error("the host's CPU time passes for a group's")
	}
}

func TestFastTickDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	c, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := c.Sources("r")[0].Collector
	if err := s.Describe(sample.NewSchema(0)); err != nil {
		t.Fatal(err)
	}
	var f sample.Frame
	tick := func() {
		f.Reset()
		if err := s.Collect(context.Background(), &f); err != nil {
			t.Fatal(err)
		}
	}
	tick()
	if n := testing.AllocsPerRun(100, tick); n != 0 {
		t.Errorf("a fast tick: %v allocations, want 0", n)
	}
}

func TestProcessEnds(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := Open(Config{PID: cmd.Process.Pid})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	src, schema := c.Sources("r"), sample.NewSchema(0)
	for _, s := range src {
		if err := s.Collector.Describe(schema); err != nil {
			t.Fatal(err)
		}
	}
	collect := func() (values int) {
		t.Helper()
		for _, s := range src {
			var f sample.Frame
			if err := s.Collector.Collect(context.Background(), &f); err != nil {
				t.Fatalf("Collect of %s: %v", s.Name, err)
			}
			values += len(f.Refs)
		}
		return values
	}
	alive := collect()
	cmd.Process.Kill()
	cmd.Wait()
	if n := collect(); n != alive {
		t.Errorf("final frames hold %d values, want %d", n, alive)
	}
	if n := collect(); n != 0 {
		t.Errorf("frames after the final ones hold %d values", n)
	}
	all, _ := schema.AppendSeries(nil)
	for _, sr := range all {
		if !sr.Ended {
			t.Errorf("series %s has not ended", sr.Name)
		}
	}
}
