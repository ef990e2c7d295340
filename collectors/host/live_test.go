//go:build linux

package host

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/prometheus/procfs"
	"github.com/prometheus/procfs/blockdevice"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// live returns the sources of this machine.
func live(t testing.TB) map[string]*run {
	list, err := Sources(Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := sample.NewSchema(0)
	runs := make(map[string]*run)
	for i, src := range list {
		runs[src.Name] = &run{t: t, Source: src, schema: s.Scope(sample.SourceID(i+1), "")}
		t.Cleanup(func() { src.Collector.(interface{ Close() error }).Close() })
	}
	return runs
}

// bounds collects what the oracle says before and after our reading.
type bounds map[string][]float64

func (b bounds) add(key string, v float64) { b[key] = append(b[key], v) }

// TestOracle compares this machine's counters with prometheus/procfs, read
// before and after: ours must lie between.
func TestOracle(t *testing.T) {
	runs := live(t)
	want := make(bounds)
	for _, r := range runs {
		r.describe()
	}
	oracle(t, want)
	got := make(map[string]float64)
	for _, r := range runs {
		r.mustTick()
		for k, v := range r.values() {
			got[k] = v
		}
	}
	oracle(t, want)
	const slack = 0.011 // one tick, which two readings may round differently
	for k, w := range want {
		v, ok := got[k]
		if !ok {
			t.Errorf("%s: absent, procfs says %v", k, w)
			continue
		}
		if len(w) != 2 || v < w[0]-slack || v > w[1]+slack {
			t.Errorf("%s: got %v, procfs says %v", k, v, w)
		}
	}
	if len(want) < 60 {
		t.Errorf("only %d values were compared", len(want))
	}
}

func oracle(t *testing.T, b bounds) {
	t.Helper()
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		t.Skip(err)
	}
	stat, err := fs.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for n, c := range stat.CPU {
		cpu := func(mode string, v float64) {
			b.add(fmt.Sprintf("system.cpu.time{mode=%s,logical_number=%d}", mode, n), v)
		}
		cpu("user", c.User-c.Guest)
		cpu("nice", c.Nice-c.GuestNice)
		cpu("system", c.System)
		cpu("interrupt", c.IRQ+c.SoftIRQ)
		cpu("steal", c.Steal)
	}
	b.add("system.linux.context_switches{}", float64(stat.ContextSwitches))
	b.add("system.process.created{}", float64(stat.ProcessCreated))
	mem, err := fs.Meminfo()
	if err != nil {
		t.Fatal(err)
	}
	b.add("system.memory.limit{}", float64(*mem.MemTotal*1024))
	b.add("system.memory.linux.commit_limit{}", float64(*mem.CommitLimit*1024))
	b.add("system.memory.linux.hugepages.page_size{}", float64(*mem.Hugepagesize*1024))
	net, err := fs.NetDev()
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range net {
		both := func(metric string, rx, tx uint64) {
			b.add(fmt.Sprintf("%s{name=%s,direction=receive}", metric, name), float64(rx))
			b.add(fmt.Sprintf("%s{name=%s,direction=transmit}", metric, name), float64(tx))
		}
		both("system.network.io", n.RxBytes, n.TxBytes)
		both("system.network.errors", n.RxErrors, n.TxErrors)
		both("system.network.packet.dropped", n.RxDropped, n.TxDropped)
		both("system.linux.network.fifo_errors", n.RxFIFO, n.TxFIFO)
		both("system.linux.network.compressed", n.RxCompressed, n.TxCompressed)
		b.add("system.linux.network.frame_errors{name="+name+"}", float64(n.RxFrame))
		b.add("system.linux.network.multicast{name="+name+"}", float64(n.RxMulticast))
		b.add("system.linux.network.collisions{name="+name+"}", float64(n.TxCollisions))
		b.add("system.linux.network.carrier_errors{name="+name+"}", float64(n.TxCarrier))
		b.add(fmt.Sprintf("system.network.packet.count{name=%s,direction=receive,device=%s}", name, name), float64(n.RxPackets))
	}
	oracleDisks(t, b)
	for _, resource := range []string{"cpu", "memory", "io"} {
		if p, err := fs.PSIStatsForResource(resource); err == nil && p.Some != nil {
			b.add("system.linux.psi.time{resource="+resource+",kind=some}", float64(p.Some.Total)/1e6)
		}
	}
}

func oracleDisks(t *testing.T, b bounds) {
	t.Helper()
	fs, err := blockdevice.NewDefaultFS()
	if err != nil {
		t.Fatal(err)
	}
	disks, err := fs.ProcDiskstats()
	if err != nil {
		t.Fatal(err)
	}
	d := &diskstats{sys: "/sys"}
	for _, s := range disks {
		if !d.wants(&disk{name: s.DeviceName}, nil) {
			continue
		}
		both := func(metric string, read, write float64) {
			b.add(metric+"{device="+s.DeviceName+",direction=read}", read)
			b.add(metric+"{device="+s.DeviceName+",direction=write}", write)
		}
		both("system.disk.io", float64(s.ReadSectors*512), float64(s.WriteSectors*512))
		both("system.disk.operations", float64(s.ReadIOs), float64(s.WriteIOs))
		both("system.disk.merged", float64(s.ReadMerges), float64(s.WriteMerges))
		both("system.disk.operation_time", float64(s.ReadTicks)/1000, float64(s.WriteTicks)/1000)
		b.add("system.disk.io_time{device="+s.DeviceName+"}", float64(s.IOsTotalTicks)/1000)
		b.add("system.disk.weighted_io_time{device="+s.DeviceName+"}", float64(s.WeightedIOTicks)/1000)
		if s.IoStatsCount >= 20 {
			b.add("system.linux.disk.discard.io{device="+s.DeviceName+"}", float64(s.DiscardSectors*512))
			b.add("system.linux.disk.flush.operations{device="+s.DeviceName+"}", float64(s.FlushRequestsCompleted))
		}
	}
}

// TestMemoryAddsUp checks on this machine what the help texts promise.
func TestMemoryAddsUp(t *testing.T) {
	r := live(t)["host/fast"]
	r.describe()
	r.mustTick()
	r.mustTick()
	v := r.values()
	sum := 0.0
	for _, state := range []string{"used", "free", "buffers", "cached"} {
		sum += v["system.memory.usage{state="+state+"}"]
	}
	if limit := v["system.memory.limit{}"]; sum != limit || limit == 0 {
		t.Errorf("memory states: sum %v, limit %v", sum, limit)
	}
	for n := 0; ; n++ {
		number := ",logical_number=" + strconv.Itoa(n) + "}"
		busy, ok := v["system.linux.cpu.busy_time{"+number[1:]]
		if !ok {
			break
		}
		work := 0.0
		for _, mode := range []string{"user", "nice", "system", "interrupt", "guest"} {
			work += v["system.cpu.time{mode="+mode+number]
		}
		if busy < work-0.05 || busy > work+0.05 { // user and system may each be clamped by a tick
			t.Errorf("CPU %d: busy %v s, its modes %v s", n, busy, work)
		}
	}
}

func TestFilesystemOfThisMachine(t *testing.T) {
	r := live(t)["host/medium"]
	r.describe()
	r.mustTick()
	var st syscall.Statfs_t
	if err := syscall.Statfs("/", &st); err != nil {
		t.Fatal(err)
	}
	want := float64(st.Blocks) * float64(st.Frsize)
	for i, ref := range r.frame.Refs {
		if s, _ := r.schema.Series(ref); s.Name == "system.filesystem.limit" && s.Label("system.filesystem.mountpoint") == "/" {
			if r.frame.Vals[i] != want {
				t.Errorf("size of /: got %v, statfs says %v", r.frame.Vals[i], want)
			}
			return
		}
	}
	t.Error("no size of /")
}

func TestNoAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for name, r := range live(t) {
		r.describe()
		r.mustTick()
		r.mustTick()
		if n := testing.AllocsPerRun(100, func() { r.tick() }); n != 0 {
			t.Errorf("%s: %v allocations a tick, want 0", name, n)
		}
	}
	r := newMachine(t, "numa64").sources()["host/fast"]
	r.describe()
	r.mustTick()
	r.mustTick()
	if n := testing.AllocsPerRun(100, func() { r.tick() }); n != 0 {
		t.Errorf("64 CPUs: %v allocations a tick, want 0", n)
	}
}
