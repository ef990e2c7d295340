package perstep

import "time"

// MaxAge is for how many intervals a reading may stand, and a rate last.
const MaxAge = 2.5

// slowest bounds what counts as an interval: longer ones are holes.
const slowest = int64(30 * time.Second)

// pace is when a series was read.
type pace struct {
	every int64 // ns that are expected between two readings
	gap   int64 // between the last two
	at    int64 // Clock time of the newest; 0: none yet
}

// met notes a reading at t.
func (p *pace) met(t int64) {
	if p.at != 0 {
		p.gap = min(t-p.at, slowest)
	}
	p.at = t
}

// interval is about how long until the next reading.
func (p *pace) interval() int64 { return max(p.every, p.gap) }

// limit is how long the newest reading may stand for.
func (p *pace) limit() int64 { return int64(MaxAge * float64(p.interval())) }
