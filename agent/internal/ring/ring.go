// Package ring keeps the newest frames of an agent in memory of fixed size and
// lets each consumer read them at its own pace.
//
//	Append ──▶ hardware lane  [ · · · f12 f14 f15 │ free ]
//	       └─▶ row lane       [ · f11 f13 │ free         ]   one Seq over both
//	                              ▲
//	              Cursor: next frame to read in each lane
//	              Read ─▶ copies in order of Seq ─▶ Settle
//
// A lane that is full overwrites its oldest frames; every cursor that wanted
// one of them and had not read it counts a loss, exactly. A flood in one lane
// evicts nothing in the other. One mutex guards everything: an append of 200
// values is two copies of memory, so there is nothing to win without it. No
// method calls out while holding it, and none blocks otherwise.
package ring

import (
	"sync"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// Lane is one of the separately sized parts of a ring.
type Lane uint8

const (
	// Hardware takes the frames of collectors.
	Hardware Lane = iota
	// Rows takes what programs logged.
	Rows

	lanes = 2
)

// gone marks the lane of a source that has ended.
const gone Lane = 0xff

// Size is the capacity of a lane. Both bounds hold: the oldest frames make
// room for whichever is reached first.
type Size struct{ Values, Frames int }

// Ring is safe for concurrent use.
type Ring struct {
	mu      sync.Mutex // guards all below, and the cursors
	seq     uint64     // of the newest frame
	lanes   [lanes]lane
	source  []Lane // by SourceID; index 0 is nobody
	cursors []*Cursor
}

// New returns an empty ring. Sizes below 1 count as 1.
func New(hardware, rows Size) *Ring {
	r := &Ring{source: []Lane{gone}}
	r.lanes[Hardware].init(hardware)
	r.lanes[Rows].init(rows)
	return r
}

// AddSource returns the identity of a new source of frames for the lane.
func (r *Ring) AddSource(l Lane) sample.SourceID {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.source = append(r.source, l)
	return sample.SourceID(len(r.source) - 1)
}

// EndSource makes Append refuse further frames of the source. Frames already
// in the ring stay readable.
func (r *Ring) EndSource(id sample.SourceID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if int(id) < len(r.source) {
		r.source[id] = gone
	}
}

// Append copies f into the lane of its source and returns its Seq, from 1; 0
// if the source is unknown or has ended. A frame wider than the whole lane is
// not stored: it counts as offered and lost with every cursor that wants it.
// Append does not allocate and does not keep f.
func (r *Ring) Append(f *sample.Frame) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if int(f.Source) >= len(r.source) || r.source[f.Source] == gone {
		return 0
	}
	r.seq++
	which := r.source[f.Source]
	l := &r.lanes[which]
	if len(f.Refs) > len(l.vals) {
		r.lose(f.Source)
		return r.seq
	}
	for !l.fits(len(f.Refs)) {
		r.evict(which)
	}
	l.push(f, r.seq)
	for _, c := range r.cursors {
		c.offer(f.Source, r.seq)
		if l.unread(c.pos[which]) {
			c.signal()
		}
	}
	return r.seq
}

// lose counts a frame that could not be stored.
func (r *Ring) lose(id sample.SourceID) {
	for _, c := range r.cursors {
		if c.wants(id, r.seq) {
			c.n.Offered++
			c.n.Dropped++
			c.n.Lost++
		}
	}
}

// evict gives up the oldest frame of the lane.
func (r *Ring) evict(which Lane) {
	l := &r.lanes[which]
	for _, c := range r.cursors {
		c.evicted(which, l.first, l.head(l.first))
	}
	l.first++
}

// Bounds returns the highest Seq handed out and the lowest that a cursor has
// not settled yet; without such a frame oldest is newest+1.
func (r *Ring) Bounds() (oldest, newest uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	oldest = r.seq + 1
	for _, c := range r.cursors {
		oldest = min(oldest, c.oldest())
	}
	return oldest, r.seq
}

// Fill returns how much of the lane's value memory holds frames, 0 to 1.
func (r *Ring) Fill(which Lane) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &r.lanes[which]
	return float64(l.used()) / float64(len(l.vals))
}
