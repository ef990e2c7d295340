//go:build linux

package host

import (
	"fmt"

	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// Modes of a CPU, in the order of cpuTimes.
const (
	modeUser = iota
	modeNice
	modeSystem
	modeIdle
	modeIowait
	modeInterrupt
	modeSteal
	modeGuest
	modes
)

var modeNames = [modes]string{"user", "nice", "system", "idle", "iowait", "interrupt", "steal", "guest"}

// cpuTimes are ticks of USER_HZ per mode; together they are all of the CPU's
// time.
type cpuTimes [modes]uint64

// ticksPerSecond is USER_HZ, 100 in the ABI of every architecture that Go runs
// on.
const ticksPerSecond = 100

// tickSlack is how many ticks a mode may step back without being taken for a
// restart. idle and iowait of tickless kernels do step back, and user minus
// guest does by rounding; 3 s is the bound node_exporter found to hold.
const tickSlack = 300

// busy returns the ticks in which work was done.
func (t *cpuTimes) busy() uint64 {
	return t[modeUser] + t[modeNice] + t[modeSystem] + t[modeInterrupt] + t[modeGuest]
}

// allCPUs is the number that parseCPU gives the line of the whole machine.
const allCPUs = -1

// parseCPU reads a line "cpuN user nice system ...". Kernels before 2.6.33
// print fewer columns: the missing ones are 0.
func parseCPU(line []byte) (cpu int, t cpuTimes, err error) {
	rest := line[len("cpu"):]
	cpu = allCPUs
	if len(rest) > 0 && rest[0] != ' ' {
		n, after, ok := procfile.Uint(rest)
		if !ok || n > 1<<20 {
			return 0, t, fmt.Errorf("parse stat line %q: no CPU number", line)
		}
		cpu, rest = int(n), after
	}
	var v [10]uint64
	n := 0
	for ; n < len(v); n++ {
		x, after, ok := procfile.Uint(rest)
		if !ok {
			break
		}
		v[n], rest = x, after
	}
	if n < 4 {
		return 0, t, fmt.Errorf("parse stat line %q: %d columns", line, n)
	}
	guest, guestNice := min(v[8], v[0]), min(v[9], v[1])
	t = cpuTimes{v[0] - guest, v[1] - guestNice, v[2], v[3], v[4], v[5] + v[6], v[7], guest + guestNice}
	return cpu, t, nil
}
