package derive

import (
	"math"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/catalog"
)

// staleEvaluations is how many evaluations in a row a series may miss before it
// is stale; its own interval is looked at too, so that a slow tier is not.
const staleEvaluations = 3

// unknownEvery stands in for the interval of a series read only once: the
// slowest tier that built-in collectors use.
const unknownEvery = int64(10 * time.Second)

// reading is what a Set keeps of one series.
type reading struct {
	val, first, prev float64 // newest, first since (re)start, at the previous evaluation
	base             float64 // what was counted before the last restart
	time, prevTime   int64   // of val and prev; Clock ns
	every            int64   // between the last two readings; 0 not yet known
	misses           int     // evaluations in a row without a new reading
	counter          bool    // may only grow
	ended            bool    // no reading will follow
	has              bool    // val is set
	begun            bool    // first and prev are set
	fresh            bool    // read since the previous evaluation
	restarted        bool    // restarted since the previous evaluation
}

// put takes a reading. One that is not finite is no reading.
func (r *reading) put(v float64, t int64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	if r.has && r.counter && v < r.val {
		r.restart()
	}
	if r.has && t > r.time {
		r.every = t - r.time
	}
	if !r.begun {
		r.first, r.prev, r.prevTime, r.begun = v, v, t, true
	}
	r.val, r.time, r.has, r.fresh = v, t, true, true
}

// restart keeps what was counted and waits for the first reading of the new
// count.
func (r *reading) restart() {
	if !r.has {
		return
	}
	r.base += r.val - r.first
	r.has, r.begun, r.restarted = false, false, true
}

// evaluated closes the interval that began at the previous evaluation.
func (r *reading) evaluated() {
	if r.fresh {
		r.misses, r.prev, r.prevTime = 0, r.val, r.time
	} else {
		r.misses++
	}
	r.fresh, r.restarted = false, false
}

// stale reports whether the newest reading is too old to stand for now, the
// newest time of the whole set.
func (r *reading) stale(now int64) bool {
	if r.fresh || r.misses+1 < staleEvaluations {
		return false
	}
	every := r.every
	if every == 0 {
		every = unknownEvery
	}
	return 2*(now-r.time) >= 5*every
}

// total is how far the series came since it was first seen.
func (r *reading) total() float64 {
	if !r.begun {
		return r.base
	}
	return r.base + r.val - r.first
}

// apply returns op of the series, false when there is nothing to tell.
func (r *reading) apply(op catalog.Op) (float64, bool) {
	switch op {
	case catalog.Value:
		return r.val, r.has
	case catalog.Since:
		return r.total(), r.has && !r.restarted
	case catalog.Rate:
		if !r.has || r.restarted || !r.fresh || r.time <= r.prevTime {
			return 0, false
		}
		return (r.val - r.prev) / (float64(r.time-r.prevTime) / float64(time.Second)), true
	}
	return 0, false
}
