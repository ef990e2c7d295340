//go:build linux

package host

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
)

var (
	_ agent.Collector = (*Collector)(nil)
	_ agent.Explainer = (*Collector)(nil)
	_ agent.Prober    = (*Medium)(nil)
	_ agent.Explainer = (*Medium)(nil)
	_ agent.Collector = (*Blocking)(nil)
	_ agent.Explainer = (*Blocking)(nil)
)

// Seen to fail without the check for i < 0 in absences.change: the log then
// repeats. Without the check of m.active in Collector.Collect a missing file
// is opened again on every tick, which TestNoAllocations shows.
func TestMissingFileIsAbsentAndToldOnce(t *testing.T) {
	var log bytes.Buffer
	m := newMachine(t, "vm2")
	m.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	for _, name := range []string{"pressure/cpu", "meminfo"} {
		if err := os.Remove(filepath.Join(m.root, "proc", name)); err != nil {
			t.Fatal(err)
		}
	}
	r := m.sources()["host/fast"]
	r.describe()
	for range 3 {
		r.mustTick()
	}
	r.describe()
	for k := range r.values() {
		if strings.HasPrefix(k, "system.memory") || strings.Contains(k, "resource=cpu") {
			t.Errorf("%s has a value although its file is missing", k)
		}
	}
	list := r.Collector.(agent.Explainer).Explain()
	found := map[string]agent.Absence{}
	for _, a := range list {
		found[a.Metric] = a
	}
	psi := found["system.linux.psi.time of cpu"]
	if !strings.Contains(psi.Reason, "pressure/cpu") || !strings.Contains(psi.Reason, "no such file") || !strings.Contains(psi.Remedy, "psi=1") {
		t.Errorf("Explain: got %+v, want path, errno and remedy", psi)
	}
	if n := strings.Count(log.String(), "psi.time of cpu"); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, log.String())
	}
}

func TestReadErrorHeals(t *testing.T) {
	m := newMachine(t, "vm2")
	r := m.sources()["host/fast"]
	r.describe()
	r.mustTick()
	good := string(mustRead(t, m.root+"/proc/loadavg"))
	told := func() bool {
		return strings.Contains(fmt.Sprint(r.Collector.(agent.Explainer).Explain()), "load_average")
	}
	m.write("proc/loadavg", "garbage")
	r.mustTick()
	if _, there := r.values()["system.cpu.load_average.1m{}"]; there || !told() {
		t.Errorf("garbage: value there %v, told %v; want absent and told", there, told())
	}
	m.write("proc/loadavg", good)
	r.mustTick()
	if _, there := r.values()["system.cpu.load_average.1m{}"]; !there || told() {
		t.Errorf("healed: value there %v, told %v; want it back and no longer told", there, told())
	}
}

func TestNothingReadableIsAnError(t *testing.T) {
	c := newCollector(slog.New(slog.DiscardHandler), member{reader: newUptime(filepath.Join(t.TempDir(), "uptime"))})
	r := &run{t: t, Source: agent.Source{Name: "x", Collector: c}, schema: newSchema()}
	r.describe()
	if err := os.WriteFile(c.members[0].reader.(*uptime).file.path, []byte("1.5 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.describe()
	r.mustTick()
	if err := os.WriteFile(c.members[0].reader.(*uptime).file.path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.tick(); err == nil || !strings.Contains(err.Error(), "uptime") {
		t.Errorf("nothing readable: got %v, want an error that names it", err)
	}
}

func TestStatfsErrorIsAValueAndTold(t *testing.T) {
	m := newMachine(t, "vm2")
	delete(m.disk, m.root+"/dev/shm")
	r := m.sources()["host/medium"]
	r.describe()
	r.mustTick()
	const shm = "mountpoint=/dev/shm,device=tmpfs,type=tmpfs,mode=rw}"
	v := r.values()
	if v["system.linux.filesystem.device_error{"+shm] != 1 {
		t.Error("failing statfs: device_error is not 1")
	}
	if _, there := v["system.filesystem.limit{"+shm]; there {
		t.Error("failing statfs: a size is there")
	}
	if v["system.filesystem.limit{mountpoint=/,device=/dev/vda,type=ext4,mode=rw}"] == 0 {
		t.Error("failing statfs of another filesystem took the size of / away")
	}
	if told := fmt.Sprint(r.Collector.(agent.Explainer).Explain()); !strings.Contains(told, "dev/shm: no such file") {
		t.Errorf("Explain: got %s", told)
	}
}

// TestHungFilesystem blocks statfs as a dead server does. Seen to fail with
// the path measured by host/medium instead of a source of its own, which is
// what isLocal returning true for nfs4 does.
func TestHungFilesystem(t *testing.T) {
	m := newMachine(t, "numa64")
	m.cfg.DiskPaths = []string{"/", "/mnt/nfs/set/images", "/mnt/fuse"}
	cfg, err := m.cfg.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	hung := func(path *rawPath, into *syscall.Statfs_t) error {
		if strings.HasPrefix(string(path.b), "/mnt/") {
			<-release
			return syscall.EIO
		}
		return m.statfs(path, into)
	}
	s := newSchema()
	runs := make(map[string]*run)
	for _, src := range sources(cfg, calls{statfs: hung, isDir: m.isDir}) {
		r := &run{t: t, Source: src, schema: s}
		r.describe()
		runs[src.Name] = r
		defer src.Collector.(interface{ Close() error }).Close()
	}
	nfs := runs["host/fs/mnt/nfs/set/images"]
	if nfs == nil || runs["host/fs/mnt/fuse"] == nil || len(runs) != 4 {
		t.Fatalf("sources: got %v", runs)
	}
	done := make(chan error)
	go func() { done <- nfs.tick() }()

	deadline := time.Now().Add(20 * time.Second)
	for len(nfs.Collector.(agent.Explainer).Explain()) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("a statfs that does not answer is not told")
		}
		time.Sleep(10 * time.Millisecond)
	}
	before := runtime.NumGoroutine()
	for range 50 {
		runs["host/fast"].mustTick()
		runs["host/medium"].mustTick()
	}
	after := runtime.NumGoroutine()
	for wait := time.Millisecond; after > before && wait < 5*time.Second; wait *= 2 { // one of the runtime's own may be passing
		time.Sleep(wait)
		after = runtime.NumGoroutine()
	}
	if after > before {
		t.Errorf("goroutines grew from %d to %d", before, after)
	}
	told := nfs.Collector.(agent.Explainer).Explain()[0]
	if !strings.Contains(told.Reason, "statfs /mnt/nfs/set/images: no answer for") || !strings.Contains(told.Remedy, "nfs4") {
		t.Errorf("Explain: got %+v", told)
	}
	close(release)
	if err := <-done; err != nil {
		t.Errorf("statfs that failed in the end: got %v, want device_error and no error", err)
	}
	if told := fmt.Sprint(nfs.Collector.(agent.Explainer).Explain()); !strings.Contains(told, syscall.EIO.Error()) {
		t.Errorf("Explain afterwards: got %s", told)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Every: -1}, "Every"}, {Config{PID: -1}, "PID"}, {Config{DiskPaths: []string{"data"}}, "DiskPaths"},
	} {
		if _, err := Sources(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Sources(%+v): got %v, want an error about %s", c.cfg, err, c.want)
		}
	}
	list, err := Sources(Config{Every: 30 * time.Second})
	if err != nil || list[0].Every != 30*time.Second || list[1].Every != 30*time.Second {
		t.Errorf("Every 30 s: got %v %v", list, err)
	}
}

func TestTotalsInsteadOfCPUs(t *testing.T) {
	m := newMachine(t, "numa64")
	m.cfg.CPUTotals = true
	r := m.sources()["host/fast"]
	r.describe()
	r.mustTick()
	n := 0
	for k := range r.values() {
		if strings.HasPrefix(k, "system.cpu.time{") {
			n++
		}
	}
	if n != modes {
		t.Errorf("totals: got %d series of system.cpu.time, want %d", n, modes)
	}
	if _, there := r.values()["system.linux.cpu.busy_time{}"]; !there {
		t.Error("totals: no busy time of the machine")
	}
}

// Seen to fail without the comparison of mountinfo in sameMounts.
func TestForeignMountNamespace(t *testing.T) {
	proc := t.TempDir()
	const here, there = "27 1 254:0 / / rw - ext4 /dev/vda rw\n", "99 1 254:0 / / rw - ext4 /dev/vda rw\n"
	for pid, p := range map[string]struct{ ns, mounts string }{
		"self": {"mnt:[1]", here}, "7": {"mnt:[2]", there}, "8": {"mnt:[1]", here}, "9": {"", here}, "10": {"", there},
	} {
		if err := os.MkdirAll(filepath.Join(proc, pid, "ns"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(mountinfoPath(proc, pid), []byte(p.mounts), 0o600); err != nil {
			t.Fatal(err)
		}
		if p.ns == "" {
			continue // as for a process of another user
		}
		if err := os.Symlink(p.ns, filepath.Join(proc, pid, "ns/mnt")); err != nil {
			t.Fatal(err)
		}
	}
	for pid, want := range map[string]string{"self": "", "7": "/7/root", "8": "", "9": "", "10": "/10/root", "11": "/11/root"} {
		if got := strings.TrimPrefix(foreignRoot(proc, pid), proc); got != want {
			t.Errorf("foreignRoot(%s): got %q, want %q", pid, got, want)
		}
	}
}
