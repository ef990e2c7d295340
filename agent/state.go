package agent

import "time"

// stuckAfter ticks missed by one Collect make a source stuck.
const stuckAfter = 10

// state is the account of a source.
type state struct {
	ticks    uint64 // samples tried
	ok       uint64 // samples that succeeded
	missed   uint64 // ticks without a try
	errs     uint64
	panics   uint64
	lastErr  error
	lastOK   int64 // Clock time of the frame, 0 never
	took     time.Duration
	tookAll  time.Duration
	lateN    uint64
	lateAll  time.Duration
	lateMax  time.Duration
	benched  bool
	stuck    bool      // as the watch last saw it
	busy     bool      // a sample is under way
	since    time.Time // monotonic, since when it is
	intoTick time.Duration
}

// missing returns the ticks that the sample under way has missed so far.
func (st *state) missing(every time.Duration) uint64 {
	if !st.busy {
		return 0
	}
	return uint64((st.intoTick + time.Since(st.since)) / every)
}

// late notes how late a tick is, and the ticks that passed meanwhile. After a suspend or a stop of the process it
// is not the tick that was late: that gap is an event of its own.
func (s *source) late(by time.Duration) {
	if by > max(3*s.Every, gapAfter) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	st.missed += uint64(max(by, 0) / s.Every)
	st.lateN++
	st.lateAll += by
	st.lateMax = max(st.lateMax, by)
}

// satOut counts a tick spent on the bench.
func (s *source) satOut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.missed++
}

// begin notes that a sample is under way.
func (s *source) begin(now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.busy, s.state.since = true, time.Now()
	s.state.intoTick = time.Duration(now % int64(s.Every))
}

// finish notes the outcome of a sample. An error after the agent ended is
// nobody's failure.
func (s *source) finish(err error, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	st.missed += st.missing(s.Every)
	st.busy = false
	st.took = time.Since(st.since)
	st.tookAll += st.took
	st.ticks++
	switch {
	case err == nil:
		st.ok++
		st.lastErr, st.lastOK = nil, s.frame.Time
	case !over:
		st.fail(err)
	}
}

// fail counts an error.
func (st *state) fail(err error) {
	st.errs++
	st.lastErr = err
	if panicked(err) {
		st.panics++
	}
}

// failed counts an error outside of a sample.
func (s *source) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.fail(err)
}

func (s *source) setBenched(b bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.benched = b
}

// snapshot returns the account with the ticks missed up to now.
func (s *source) snapshot() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state
	missing := st.missing(s.Every)
	st.missed += missing
	st.stuck = missing > stuckAfter
	return st
}

// watch returns what changed since it was called last: whether the source is
// stuck now and whether that is new.
func (s *source) watch() (stuck, changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stuck = s.state.missing(s.Every) > stuckAfter
	changed = stuck != s.state.stuck
	s.state.stuck = stuck
	return stuck, changed
}
