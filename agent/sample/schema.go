package sample

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Ref names a series in a Schema: an index, valid until the series is ended
// and its slot given to another (Series.Gen then differs).
type Ref uint32

// SourceID names one source of frames within an agent, from 1; 0 is nobody.
type SourceID uint32

// RunID is the W&B run id that a series belongs to; "" is the host.
type RunID string

// ErrTooManySeries is returned by Add above the schema's ceiling.
var ErrTooManySeries = errors.New("series ceiling reached")

// Series is one registered series as consumers see it.
type Series struct {
	Desc
	Ref    Ref
	Source SourceID // who described it first
	Run    RunID    // "" for a series of the host
	Start  int64    // Clock time in ns since when a counter counts; 0 unknown
	Gen    uint32   // grows when the slot is reused or the counter restarted
	Ended  bool     // no value will follow
}

// Schema is the list of all series of an agent, seen by one source. Views made
// by Scope share the list. All methods are safe for concurrent use; only
// readers of Version are on a hot path and they take no lock.
// Make one with NewSchema.
type Schema struct {
	t      *table
	source SourceID
	run    RunID
}

type table struct {
	version atomic.Uint64
	refused atomic.Uint64
	max     int
	mu      sync.RWMutex // guards all below
	series  []Series
	index   map[string]Ref
	ended   []endedSlot // oldest first, waiting for reuse
}

type endedSlot struct {
	ref Ref
	seq uint64 // frames up to here may still mention the slot; 0 not yet known
}

// NewSchema returns an empty schema for at most maxSeries live series; 0 means
// 100,000.
func NewSchema(maxSeries int) *Schema {
	if maxSeries <= 0 {
		maxSeries = 100_000
	}
	return &Schema{t: &table{max: maxSeries, index: make(map[string]Ref)}}
}

// Scope returns a view that adds series for the given source and run. Equal
// Descs of different runs are different series.
func (s *Schema) Scope(source SourceID, run RunID) *Schema {
	return &Schema{t: s.t, source: source, run: run}
}

// Run returns the run this view adds series for; "" is the host.
func (s *Schema) Run() RunID { return s.run }

// Add registers d and returns its Ref; the same Desc in the same run gets the
// same Ref. It fails with ErrTooManySeries above the ceiling. The schema keeps
// d.Labels.
func (s *Schema) Add(d Desc) (Ref, error) {
	key := string(d.appendKey(nil, s.run))
	t := s.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if ref, ok := t.index[key]; ok {
		return ref, nil
	}
	if len(t.index) >= t.max {
		t.refused.Add(1)
		return 0, fmt.Errorf("add series %q: %w (%d)", d.Name, ErrTooManySeries, t.max)
	}
	ref := t.slot()
	gen := t.series[ref].Gen + 1
	t.series[ref] = Series{Desc: d, Ref: ref, Source: s.source, Run: s.run, Gen: gen}
	t.index[key] = ref
	t.version.Add(1)
	return ref, nil
}

// slot returns a free slot: a reusable one, else a new one at the end.
func (t *table) slot() Ref {
	if len(t.ended) > 0 && t.ended[0].seq == reusable {
		ref := t.ended[0].ref
		t.ended = t.ended[1:]
		return ref
	}
	t.series = append(t.series, Series{})
	return Ref(len(t.series) - 1)
}

const reusable = ^uint64(0)

// SetStart records since when the counter ref counts (Clock time, ns). A new
// start time of a series that had one is a restart: Gen grows, so consumers
// begin a new cumulative point and compute no difference across it.
func (s *Schema) SetStart(ref Ref, start int64) {
	t := s.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if int(ref) >= len(t.series) || t.series[ref].Start == start {
		return
	}
	if t.series[ref].Start != 0 {
		t.series[ref].Gen++
	}
	t.series[ref].Start = start
	t.version.Add(1)
}

// End says that the series is over: process gone, device gone. Values already
// in frames stay readable; the slot is reused only after Retire.
func (s *Schema) End(ref Ref) {
	t := s.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if int(ref) >= len(t.series) || t.series[ref].Ended {
		return
	}
	sr := &t.series[ref]
	sr.Ended = true
	delete(t.index, string(sr.appendKey(nil, sr.Run)))
	t.ended = append(t.ended, endedSlot{ref: ref})
	t.version.Add(1)
}

// Retire is called by the owner of the frames. newest is the highest Seq
// handed out so far, oldest the lowest Seq that any consumer may still read:
// slots that ended before oldest become reusable.
func (s *Schema) Retire(oldest, newest uint64) {
	t := s.t
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.ended {
		switch e := &t.ended[i]; {
		case e.seq == 0:
			e.seq = newest + 1
		case e.seq < oldest:
			e.seq = reusable
		}
	}
}

// Version grows with every change of the list; consumers that cache rendered
// names compare it once per batch. It takes no lock.
func (s *Schema) Version() uint64 { return s.t.version.Load() }

// Refused returns how many Adds failed at the ceiling so far.
func (s *Schema) Refused() uint64 { return s.t.refused.Load() }

// Len returns the number of slots: every valid Ref is below it.
func (s *Schema) Len() int {
	s.t.mu.RLock()
	defer s.t.mu.RUnlock()
	return len(s.t.series)
}

// Series returns the series at ref; false when there is none.
func (s *Schema) Series(ref Ref) (Series, bool) {
	s.t.mu.RLock()
	defer s.t.mu.RUnlock()
	if int(ref) >= len(s.t.series) {
		return Series{}, false
	}
	return s.t.series[ref], true
}

// AppendSeries appends all slots to dst in Ref order, so that dst[i].Ref == i
// when dst came empty, and returns the version they were read at.
func (s *Schema) AppendSeries(dst []Series) ([]Series, uint64) {
	s.t.mu.RLock()
	defer s.t.mu.RUnlock()
	return append(dst, s.t.series...), s.t.version.Load()
}
