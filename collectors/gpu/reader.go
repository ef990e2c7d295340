package gpu

import (
	"log/slog"
	"time"
)

// Limits of asking.
const (
	maxCallsPerTick = 10
	slowEvery       = 10 * time.Second
	parkFor         = 10 * time.Minute // after "not supported": MIG, ECC and other modes may change
	maxSkip         = 60               // ticks that a failing call waits at most
	sickAfter       = 5                // failures in a row of every call, after which a GPU counts as lost
)

// verdict is what a round of calls says of the GPU as a whole.
type verdict uint8

const (
	healthy verdict = iota
	lost
	needsReset
	staleHandle
	libraryGone
)

// reader asks one GPU, and remembers per call what is worth asking. Its worker
// owns it.
type reader struct {
	dev      device
	log      *slog.Logger
	out      reading
	compute  processList
	graphics processList
	fields   [len(fieldIDs)]field
	errors   [callCount]uint64 // failed calls; unsupported ones are not failures
	answers  [callCount]code   // last of each call, where it was not ok
	state    [callCount]callState
	cause    code // of the last verdict that was not healthy
}

// callState is the history of one call.
type callState struct {
	way     int   // index of the way in use
	dueAt   int64 // Clock time in ns: not before
	skip    int   // ticks to leave out
	failed  int   // failures in a row
	worked  bool  // has ever answered
	refused bool  // the refusal was logged
}

// processList is one kind of a GPU's processes; known is false until, or
// unless, the driver gave it.
type processList struct {
	list  []process
	known bool
}

// read asks everything that is due at the Clock time now.
func (r *reader) read(now int64) verdict {
	r.out.has = 0
	left := maxCallsPerTick
	for c := range calls {
		want := &calls[c]
		if want.cost > left || !r.due(call(c), now) || want.needed != nil && !want.needed(&r.out) {
			continue
		}
		cost, v := r.ask(call(c), now, left)
		left -= cost
		if v != healthy {
			return v
		}
	}
	r.derive()
	if r.allFailing() {
		return lost
	}
	return healthy
}

// due reports whether a call is to be made, and counts the ticks it skips.
func (r *reader) due(c call, now int64) bool {
	st := &r.state[c]
	if st.skip > 0 {
		st.skip--
		return false
	}
	return now >= st.dueAt
}

// ask makes a call, in its next way too if the first is not supported, and
// returns what that cost. A tick that has no room left for the next way tries
// it on the next tick.
func (r *reader) ask(c call, now int64, left int) (cost int, v verdict) {
	st, want := &r.state[c], &calls[c]
	for {
		answer := want.ways[st.way](r)
		r.answers[c] = answer
		cost += want.cost
		if answer.class() != classUnsupported {
			return cost, r.judge(c, answer, now)
		}
		if st.way+1 == len(want.ways) {
			st.way, st.failed, st.worked = 0, 0, false
			st.dueAt = now + int64(parkFor)
			return cost, healthy
		}
		st.way++
		if cost+want.cost > left {
			return cost, healthy
		}
	}
}

// judge notes how a call went.
func (r *reader) judge(c call, answer code, now int64) verdict {
	st := &r.state[c]
	kind := answer.class()
	if kind == classOK || kind == classNothing {
		st.failed, st.worked = 0, st.worked || kind == classOK
		if calls[c].slow {
			st.dueAt = now + int64(slowEvery)
		}
		return healthy
	}
	r.errors[c]++
	r.cause = answer
	switch kind {
	case classLost:
		return lost
	case classReset:
		return needsReset
	case classLibrary:
		return libraryGone
	case classDenied:
		r.park(c, answer, now)
		return healthy
	case classStale:
		if st.worked {
			st.worked = false
			return staleHandle
		}
	}
	st.failed++
	st.skip = min(1<<min(st.failed-1, 6), maxSkip) - 1
	return healthy
}

// park stops asking what this user or container may not know, and says so once.
func (r *reader) park(c call, answer code, now int64) {
	st := &r.state[c]
	st.failed, st.worked = 0, false
	st.dueAt = now + int64(parkFor)
	if !st.refused {
		st.refused = true
		r.log.Info("gpu number is closed to this user or container", "call", calls[c].name, "answer", answer.Error())
	}
}

// allFailing reports a GPU of which nothing works that is still asked.
func (r *reader) allFailing() bool {
	sick := false
	for c := range r.state {
		st := &r.state[c]
		if st.failed == 0 && st.worked || st.failed > 0 && st.failed < sickAfter {
			return false
		}
		sick = sick || st.failed > 0
	}
	return sick
}

// derive fills in what follows from other values. The average comes first
// because the driver's own percentage is made from it.
func (r *reader) derive() {
	limit, found := r.out.get(powerLimit)
	if !found || limit <= 0 {
		return
	}
	for _, v := range [...]value{powerAverage, powerInstant, powerUsage} {
		if watts, found := r.out.get(v); found {
			r.out.set(powerUtilization, watts/limit)
			return
		}
	}
}
