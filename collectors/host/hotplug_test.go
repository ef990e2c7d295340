//go:build linux

package host

import (
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/collectors/internal/counter"
)

// The checks below were seen to fail without: the return of ErrChanged for an
// unknown or missing name in netdev.collect, diskstats.collect and
// stat.collect; the call of End in registrar.commit; the reuse of r.live in
// registrar.counter; the Wrap32 case of counter.nextSlow.

func TestInterfaceComesAndGoes(t *testing.T) {
	m := newMachine(t, "vm2")
	all := m.sources()
	r, medium := all["host/fast"], all["host/medium"]
	medium.describe() // the order of the tiers does not matter
	r.describe()
	r.mustTick()
	medium.mustTick()
	const eth, tun = "system.network.io{name=eth0,direction=receive}", "system.network.io{name=tun0,direction=receive}"
	before := r.series(eth)

	line := "  tun0: 500 5 0 0 0 0 0 0 600 6 0 0 0 0 0 0\n"
	m.edit("proc/net/dev", "  eth0:", line+"  eth0:")
	m.write("sys/class/net/tun0/operstate", "up\n")
	lastGood := r.now
	r.changed()
	if got := r.values()[tun]; got != 500 {
		t.Errorf("new interface: got %v bytes, want 500", got)
	}
	if s := r.series(tun); s.Start != lastGood {
		t.Errorf("new interface counts since %d, want the reading before, %d", s.Start, lastGood)
	}
	link := medium.series("hw.network.up{id=eth0,name=eth0}")
	medium.changed()
	if s := medium.series("hw.network.up{id=tun0,name=tun0}"); s.Ended || medium.values()["hw.network.up{id=tun0,name=tun0}"] != 1 {
		t.Error("new interface: its link is not told to be up")
	}
	if s := medium.series("hw.network.up{id=eth0,name=eth0}"); s.Ref != link.Ref || s.Ended {
		t.Errorf("link that stayed: got ref %d, ended %v; want ref %d", s.Ref, s.Ended, link.Ref)
	}
	if after := r.series(eth); after.Ref != before.Ref || after.Gen != before.Gen || after.Start != counter.Boot {
		t.Errorf("interface that stayed: got ref %d gen %d start %d, want %d %d %d", after.Ref, after.Gen, after.Start, before.Ref, before.Gen, counter.Boot)
	}

	m.edit("proc/net/dev", line, "")
	r.changed()
	if !r.series(tun).Ended {
		t.Error("interface that is gone: its series did not end")
	}
	if _, there := r.values()[tun]; there {
		t.Error("interface that is gone still has a value")
	}
}

func TestInterfaceOrderDoesNotMatter(t *testing.T) {
	m := newMachine(t, "vm2")
	r := m.sources()["host/fast"]
	r.describe()
	r.mustTick()
	want := r.values()
	lines := strings.SplitAfter(string(mustRead(t, m.root+"/proc/net/dev")), "\n")
	lines[2], lines[5] = lines[5], lines[2]
	m.write("proc/net/dev", strings.Join(append(lines, lines[3]), "")) // ifb0 twice, as between two reads
	r.mustTick()
	for k, v := range r.values() {
		if strings.HasPrefix(k, "system.network.") && v != want[k] {
			t.Errorf("%s: got %v, want %v", k, v, want[k])
		}
	}
}

func TestInterfaceRestartsWithinATick(t *testing.T) {
	m := newMachine(t, "vm2")
	r := m.sources()["host/fast"]
	m.write("proc/net/dev", "a|b\nc|d\n eth0: 100 1 0 0 0 0 0 0 200 2 0 0 0 0 0 0\n")
	r.describe()
	r.mustTick()
	lastGood := r.now
	m.write("proc/net/dev", "a|b\nc|d\n eth0: 7 1 0 0 0 0 0 0 201 2 0 0 0 0 0 0\n")
	r.mustTick()
	const rx, tx = "system.network.io{name=eth0,direction=receive}", "system.network.io{name=eth0,direction=transmit}"
	if v, s := r.values()[rx], r.series(rx); v != 7 || s.Start != lastGood || s.Gen != 2 {
		t.Errorf("counter that fell: got %v since %d, generation %d; want 7 since %d, generation 2", v, s.Start, s.Gen, lastGood)
	}
	if v, s := r.values()[tx], r.series(tx); v != 201 || s.Start != counter.Boot || s.Gen != 1 {
		t.Errorf("counter that grew: got %v since %d, generation %d; want 201 since boot, generation 1", v, s.Start, s.Gen)
	}
}

func TestDiskComesAndGoes(t *testing.T) {
	m := newMachine(t, "numa64")
	r := m.sources()["host/fast"]
	r.describe()
	r.mustTick()
	const key = "system.disk.io{device=sdc,direction=read}"
	line := "   8      32 sdc 1 0 8 0 0 0 0 0 0 0 0\n"
	m.edit("proc/diskstats", " 104       0 cciss", line+" 104       0 cciss")
	r.changed()
	if got := r.values()[key]; got != 4096 {
		t.Errorf("new disk: got %v bytes, want 4096", got)
	}
	m.edit("proc/diskstats", line, "")
	r.changed()
	if !r.series(key).Ended {
		t.Error("disk that is gone: its series did not end")
	}
}

func TestDiskTimeOf32BitsWraps(t *testing.T) {
	m := newMachine(t, "numa64")
	r := m.sources()["host/fast"]
	r.describe()
	r.mustTick()
	const key = "system.disk.operation_time{device=nvme0n1,direction=read}"
	before := r.values()[key]
	m.edit("proc/diskstats", " 4294967290 ", " 1000 ")
	r.mustTick()
	if got, want := r.values()[key], before+1.006; got < want-1e-6 || got > want+1e-6 {
		t.Errorf("wrapped time: got %v s, want %v", got, want)
	}
	if s := r.series(key); s.Gen != 1 || s.Start != counter.Boot {
		t.Errorf("wrapped time was taken for a restart: generation %d, start %d", s.Gen, s.Start)
	}
	m.edit("proc/diskstats", " 104       0 cciss", "   8      32 sdc 1 0 8 0 0 0 0 0 0 0 0\n 104       0 cciss")
	r.changed() // another disk came: this one's overflow is not forgotten
	if got := r.values()[key]; got < before+1 {
		t.Errorf("wrapped time after hotplug of another disk: got %v s, want more than %v", got, before)
	}
}

func TestPartitionIsMounted(t *testing.T) {
	m := newMachine(t, "numa64")
	cfg, err := m.cfg.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	list := sources(cfg, calls{statfs: m.statfs, isDir: m.isDir})
	fast := list[0].Collector.(*Collector)
	table := fast.members[4].reader.(*diskstats).mounts
	table.changed = func(int) bool { return true }
	r := m.sources()["host/fast"]
	r.Collector = fast
	defer fast.Close()
	r.describe()
	r.mustTick()
	const key = "system.disk.io{device=nvme0n1p1,direction=read}"
	if _, there := r.values()[key]; there {
		t.Fatal("partition that is not mounted has a value")
	}
	m.write("proc/self/mountinfo", "24 22 259:1 / /boot/efi rw - vfat /dev/nvme0n1p1 rw\n")
	if err := table.refresh(); err != nil {
		t.Fatal(err)
	}
	r.changed()
	if got := r.values()[key]; got != 3*512 {
		t.Errorf("mounted partition: got %v bytes, want %d", got, 3*512)
	}
	if s := r.series(key); s.Start != counter.Boot {
		t.Errorf("partition that was there before it was mounted counts since %d, want boot", s.Start)
	}
}

func TestCPUGoesOfflineAndComesBack(t *testing.T) {
	m := newMachine(t, "vm2")
	m.write("proc/stat", "cpu  30 0 0 300\ncpu0 10 0 0 100\ncpu1 20 0 0 200\nctxt 1\nprocs_blocked 0\n")
	r := m.sources()["host/fast"]
	r.describe()
	r.mustTick()
	const user, idle = "system.cpu.time{mode=user,logical_number=1}", "system.cpu.time{mode=idle,logical_number=1}"

	m.write("proc/stat", "cpu  40 0 0 400\ncpu0 20 0 0 200\nctxt 2\nprocs_blocked 0\n")
	r.changed()
	if !r.series(user).Ended {
		t.Error("CPU offline: its series did not end")
	}
	lastGood := r.now
	m.write("proc/stat", "cpu  50 0 0 500\ncpu0 30 0 0 300\ncpu1 21 0 0 3\nctxt 3\nprocs_blocked 0\n")
	r.changed()
	if s := r.series(user); s.Ended || s.Start != counter.Boot {
		t.Errorf("user time went on: got start %d, ended %v; want boot", s.Start, s.Ended)
	}
	if s := r.series(idle); s.Start != lastGood {
		t.Errorf("idle time began anew: got start %d, want %d", s.Start, lastGood)
	}
}

// Seen to fail with the reading that was discarded taken for the one before.
func TestSharesSurviveADiscardedReading(t *testing.T) {
	m := newMachine(t, "vm2")
	m.write("proc/stat", "cpu  100 0 0 1000\ncpu0 100 0 0 1000\n")
	r := m.sources()["host/fast"]
	r.describe()
	r.mustTick()
	m.write("proc/stat", "cpu  125 0 0 1075\ncpu0 125 0 0 1075\n")
	m.edit("proc/net/dev", "  eth0:", "  eth1:")
	r.changed()
	if got := r.values()["system.cpu.utilization{mode=user}"]; got != 0.25 {
		t.Errorf("utilization of user: got %v, want 0.25 over the whole second", got)
	}
	m.write("proc/stat", "cpu  225 0 0 1075\ncpu0 225 0 0 1075\n")
	r.mustTick()
	if got := r.values()["system.cpu.utilization{mode=user}"]; got != 1 {
		t.Errorf("utilization of user in the next second: got %v, want 1", got)
	}
}

func TestIdleStepsBackALittle(t *testing.T) {
	m := newMachine(t, "vm2")
	m.write("proc/stat", "cpu  10 0 0 1000 50\ncpu0 10 0 0 1000 50\n")
	r := m.sources()["host/fast"]
	r.describe()
	r.mustTick()
	m.write("proc/stat", "cpu  20 0 0 990 49\ncpu0 20 0 0 990 49\n")
	r.mustTick()
	v := r.values()
	if got := v["system.cpu.time{mode=idle,logical_number=0}"]; got != 10 {
		t.Errorf("idle: got %v s, want the last value, 10", got)
	}
	if got := v["system.cpu.utilization{mode=user}"]; got != 1 {
		t.Errorf("utilization of user: got %v, want 1", got)
	}
	if s := r.series("system.cpu.time{mode=idle,logical_number=0}"); s.Gen != 1 {
		t.Error("a small step back was taken for a restart")
	}
}
