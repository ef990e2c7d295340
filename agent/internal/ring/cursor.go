package ring

import "github.com/wandb-agent/wandb-agent/agent/sample"

// A batch is cut at these bounds, so that the copy under the ring's lock takes
// some ten microseconds. A single wider frame is a batch of its own.
const (
	maxBatchValues = 16 << 10
	maxBatchFrames = 4 << 10
)

// Counts is the account of one cursor in frames it wants. At every moment
// Offered = Sent + Dropped + Pending.
type Counts struct {
	Offered uint64 // appended since the cursor was made
	Sent    uint64 // settled as confirmed
	Dropped uint64 // settled as refused, lost, or left when the cursor closed
	Lost    uint64 // part of Dropped: overwritten before they were settled
	Pending uint64 // in the ring or handed out by Read, not settled
}

// Cursor is one consumer's place in the ring. Read and Settle belong to one
// goroutine; the other methods are safe for concurrent use.
type Cursor struct {
	ring *Ring
	wake chan struct{}

	// guarded by ring.mu
	want   []uint64 // by SourceID: the first Seq wanted of it; 0 for none
	until  uint64   // the first Seq no longer wanted of any
	closed bool
	pos    [lanes]uint64 // next frame to read
	from   [lanes]uint64 // where the last Read began, while it is not settled
	taken  int           // frames handed out and not settled
	over   uint64        // of those, how many the lane has overwritten
	lowest uint64        // Seq of the first of those
	n      Counts

	// owned by the reader
	picked []place
	frames []sample.Frame
	refs   []sample.Ref
	vals   []float64
}

// place is where a frame lies.
type place struct {
	lane Lane
	at   uint64
}

// NewCursor returns a cursor at the end of the ring that wants nothing yet.
func (r *Ring) NewCursor() *Cursor {
	c := &Cursor{ring: r, wake: make(chan struct{}, 1), until: ^uint64(0)}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.lanes {
		c.pos[i] = r.lanes[i].end
	}
	r.cursors = append(r.cursors, c)
	return c
}

// Select makes the cursor want the frames that the source appends from now on.
func (c *Cursor) Select(id sample.SourceID) {
	c.ring.mu.Lock()
	defer c.ring.mu.Unlock()
	for int(id) >= len(c.want) {
		c.want = append(c.want, 0)
	}
	if c.want[id] == 0 {
		c.want[id] = c.ring.seq + 1
	}
}

// Stop makes the cursor want no frame that is appended from now on; what is
// pending can still be read.
func (c *Cursor) Stop() {
	c.ring.mu.Lock()
	defer c.ring.mu.Unlock()
	c.until = min(c.until, c.ring.seq+1)
}

// Wake receives when half of a lane is unread.
func (c *Cursor) Wake() <-chan struct{} { return c.wake }

func (c *Cursor) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Counts returns the account as it is now.
func (c *Cursor) Counts() Counts {
	c.ring.mu.Lock()
	defer c.ring.mu.Unlock()
	return c.n
}

// wants reports whether a frame is for this cursor.
func (c *Cursor) wants(id sample.SourceID, seq uint64) bool {
	return int(id) < len(c.want) && c.want[id] != 0 && seq >= c.want[id] && seq < c.until
}

// offer counts a frame that was appended.
func (c *Cursor) offer(id sample.SourceID, seq uint64) {
	if c.wants(id, seq) {
		c.n.Offered++
		c.n.Pending++
	}
}

// evicted is told of each frame that a lane gives up, oldest first: frame i of
// the lane, with header h.
func (c *Cursor) evicted(which Lane, i uint64, h *header) {
	wanted := c.wants(h.source, h.seq)
	switch {
	case i >= c.pos[which]:
		c.pos[which] = i + 1
		if wanted {
			c.drop(1)
		}
	case c.taken > 0 && i >= c.from[which] && wanted:
		c.over++
	}
}

// drop counts pending frames as lost.
func (c *Cursor) drop(n uint64) {
	c.n.Lost += n
	c.n.Dropped += n
	c.n.Pending -= n
}

// oldest returns the lowest Seq not settled; the highest number if none.
func (c *Cursor) oldest() uint64 {
	low := ^uint64(0)
	if c.taken > 0 {
		low = c.lowest
	}
	for i := range c.pos {
		if l := &c.ring.lanes[i]; c.pos[i] < l.end {
			low = min(low, l.head(c.pos[i]).seq)
		}
	}
	return low
}
