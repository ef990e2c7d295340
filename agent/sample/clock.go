package sample

import "time"

// Clock turns the monotonic time of frames into wall time. Time is
// CLOCK_BOOTTIME in nanoseconds: it never steps and keeps counting in suspend
// (clock_gettime(2)). Anchor is the wall time at boot time zero, fixed when the
// clock is made, so a later step of the wall clock moves nothing that is
// measured with this clock. The zero Clock reads the kernel's clock and has no
// anchor: use NewClock.
type Clock struct {
	Anchor int64        // Unix ns at CLOCK_BOOTTIME 0
	Read   func() int64 // test clock; nil reads CLOCK_BOOTTIME
}

// NewClock returns a clock anchored at the present wall time.
func NewClock() Clock { return Clock{Anchor: time.Now().UnixNano() - boottime()} }

// Now returns the present time in ns since boot. It does not allocate.
func (c Clock) Now() int64 {
	if c.Read != nil {
		return c.Read()
	}
	return boottime()
}

// UnixNano turns a Clock time into Unix nanoseconds by this clock's anchor.
func (c Clock) UnixNano(t int64) int64 { return t + c.Anchor }

// Wall turns a Clock time into wall time by this clock's anchor.
func (c Clock) Wall(t int64) time.Time { return time.Unix(0, c.UnixNano(t)) }

// Drift returns how far the wall clock has moved against the anchor.
func (c Clock) Drift() time.Duration {
	return time.Duration(time.Now().UnixNano() - c.UnixNano(c.Now()))
}
