// Package counter keeps cumulative kernel counters monotonic. A field of
// /proc or /sys may step back for three reasons: the kernel's own rounding
// (idle and iowait of /proc/stat), a 32-bit field that wrapped, or a device
// that went and came back with its counters at zero. Counter tells them apart
// in one place:
//
//	raw field ──▶ Next ──▶ total that never falls
//	                 └──▶ restarted: the series gets a new start time
package counter

import "github.com/wandb-agent/wandb-agent/agent/sample"

// Boot is the start time of counters that count since boot: the first
// nanosecond of CLOCK_BOOTTIME, because 0 means unknown.
const Boot int64 = 1

// wrap32 is what a 32-bit field loses when it overflows.
const wrap32 = 1 << 32

// Rule says which steps back of a field are no restart.
type Rule struct {
	Slack  uint32 // steps back of at most this many raw units keep the last value
	Wrap32 bool   // the kernel prints 32 bits: a fall by more than 2^31 is an overflow
}

// Counter is the state of one cumulative series. The zero value with its
// exported fields set is ready; it is for one goroutine at a time. Fields are
// ordered by size: a tick at 1 Hz pays for every cache line.
type Counter struct {
	Ref  sample.Ref // the series it puts
	Per  float64    // raw units in one unit of the series: 100 where ticks of 10 ms become seconds; 0 means 1
	Rule Rule       // for the field it reads

	seen bool
	last uint64 // newest raw value taken
	base uint64 // sum of the overflows so far
}

// Next takes a raw reading and returns the total since the start of the
// series. restarted is true when the field fell and neither rounding nor
// overflow explains it: the total then counts from a new start.
func (c *Counter) Next(raw uint64) (total uint64, restarted bool) {
	if c.seen && raw < c.last {
		return c.nextSlow(raw)
	}
	c.seen, c.last = true, raw
	return c.base + raw, false
}

// nextSlow handles a field that stepped back.
func (c *Counter) nextSlow(raw uint64) (total uint64, restarted bool) {
	switch fall := c.last - raw; {
	case fall <= uint64(c.Rule.Slack):
		return c.base + c.last, false
	case c.Rule.Wrap32 && c.last < wrap32 && fall > wrap32/2:
		c.base += wrap32
	default:
		c.base, restarted = 0, true
	}
	c.last = raw
	return c.base + raw, restarted
}

// Put adds the reading raw to f. When the counter restarted, its series in s
// starts at prev, the time of the reading before: since then at the latest.
func (c *Counter) Put(f *sample.Frame, s *sample.Schema, prev int64, raw uint64) {
	total, restarted := c.Next(raw)
	if restarted {
		s.SetStart(c.Ref, max(prev, Boot))
	}
	v := float64(total)
	if c.Per != 0 {
		v /= c.Per
	}
	f.Put(c.Ref, v)
}
