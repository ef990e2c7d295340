//go:build linux

package cgroup

import (
	"math"

	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// limits are the tightest of the group and of all above it; 0 is none.
type limits struct {
	cpu     float64 // CPUs
	memory  uint64  // bytes
	high    uint64  // bytes
	threads uint64
	levels  []level // with a memory limit, leaf first
}

// level is a group with a memory limit of its own.
type level struct {
	dir string
	max uint64
}

// v1NoLimit is what v1 shows where no limit is set: the largest multiple of the
// page size that fits int64. 64 KiB pages make it a little smaller.
const v1NoLimit = math.MaxInt64 &^ 0xffff

func (c *Cgroup) readLimits() limits {
	var l limits
	g := &c.groups
	for _, dir := range g.cpu.levels() {
		if q := c.cpuQuota(dir, g.cpu.v2); q > 0 && (l.cpu == 0 || q < l.cpu) {
			l.cpu = q
		}
	}
	names := memoryNames(g.memory.v2)
	for _, dir := range g.memory.levels() {
		if v := c.limitFile(dir + names.limit); v > 0 {
			l.memory = tighter(l.memory, v)
			l.levels = append(l.levels, level{dir, v})
		}
		if g.memory.v2 {
			l.high = tighter(l.high, c.limitFile(dir+"/memory.high"))
		}
	}
	for _, dir := range g.pids.levels() {
		l.threads = tighter(l.threads, c.limitFile(dir+"/pids.max"))
	}
	return l
}

// tighter returns the lower of two limits, where 0 is none.
func tighter(a, b uint64) uint64 {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

// limitFile reads a file with one number; 0 stands for "max", for v1's way of
// saying it, and for a file that is not there.
func (c *Cgroup) limitFile(path string) uint64 {
	b, err := readSmall(path, &c.buf)
	if err != nil {
		return 0
	}
	v, _, ok := procfile.Uint(b)
	if !ok || v >= v1NoLimit {
		return 0
	}
	return v
}

// cpuQuota returns the quota of one level in CPUs, 0 for none.
func (c *Cgroup) cpuQuota(dir string, v2 bool) float64 {
	if v2 {
		b, err := readSmall(dir+"/cpu.max", &c.buf)
		if err != nil {
			return 0
		}
		quota, rest, ok := procfile.Uint(b)
		period, _, ok2 := procfile.Uint(rest)
		return ratio(quota, period, ok && ok2)
	}
	quota := c.limitFile(dir + "/cpu.cfs_quota_us") // -1 is no number here: none
	period := c.limitFile(dir + "/cpu.cfs_period_us")
	return ratio(quota, period, true)
}

func ratio(quota, period uint64, ok bool) float64 {
	if !ok || quota == 0 || period == 0 {
		return 0
	}
	return float64(quota) / float64(period)
}

// available returns what may still be allocated: over all limited levels the
// smallest limit minus working set. ok is false without a limit, or when a
// level could not be read.
func (c *Cgroup) available() (bytes uint64, ok bool) {
	names := memoryNames(c.groups.memory.v2)
	for i, lv := range c.limits.levels {
		b, err := readSmall(lv.dir+names.usage, &c.buf)
		if err != nil {
			return 0, false
		}
		usage, _, good := procfile.Uint(b)
		if b, err = readSmall(lv.dir+"/memory.stat", &c.buf); err != nil || !good {
			return 0, false
		}
		var st memoryStat
		st.parse(b, c.groups.memory.v2)
		left := floorSub(lv.max, floorSub(usage, st.inactiveFile.v))
		if i == 0 || left < bytes {
			bytes = left
		}
	}
	return bytes, len(c.limits.levels) > 0
}

func floorSub(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}
