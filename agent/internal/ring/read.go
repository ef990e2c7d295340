package ring

import (
	"slices"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// Read returns the next frames the cursor wants, in order of Seq, copied into
// memory that the next Read reuses. more says that the batch was cut and
// another Read would return frames at once. Frames read before and not settled
// are handed out again, unless the ring has overwritten them since.
func (c *Cursor) Read() (frames []sample.Frame, more bool) {
	c.ring.mu.Lock()
	defer c.ring.mu.Unlock()
	if c.closed {
		return nil, false
	}
	c.rewind()
	c.from = c.pos
	total, more := c.pick()
	c.refs = slices.Grow(c.refs[:0], total)[:total]
	c.vals = slices.Grow(c.vals[:0], total)[:total]
	c.fill()
	c.taken = len(c.frames)
	if c.taken > 0 {
		c.lowest = c.frames[0].Seq
	}
	return c.frames, more
}

// pick moves pos over one batch, notes which frames are in it and returns how
// many readings they have.
func (c *Cursor) pick() (total int, more bool) {
	c.picked = c.picked[:0]
	for {
		p, h := c.next()
		if h == nil {
			return total, false
		}
		if c.wants(h.source, h.seq) {
			if k := len(c.picked); k == maxBatchFrames || k > 0 && total+int(h.n) > maxBatchValues {
				return total, true
			}
			c.picked = append(c.picked, p)
			total += int(h.n)
		}
		c.pos[p.lane]++
	}
}

// next returns the unread frame of lowest Seq over both lanes; nil if none.
func (c *Cursor) next() (p place, h *header) {
	for i := range c.pos {
		l := &c.ring.lanes[i]
		if c.pos[i] == l.end {
			continue
		}
		if x := l.head(c.pos[i]); h == nil || x.seq < h.seq {
			p, h = place{Lane(i), c.pos[i]}, x
		}
	}
	return p, h
}

// fill copies the frames that pick noted.
func (c *Cursor) fill() {
	c.frames = c.frames[:0]
	used := 0
	for _, p := range c.picked {
		l := &c.ring.lanes[p.lane]
		h := l.head(p.at)
		end := used + int(h.n)
		f := sample.Frame{
			Seq: h.seq, Source: h.source, Step: h.step, Time: h.time,
			Refs: c.refs[used:end:end], Vals: c.vals[used:end:end],
		}
		l.copyOut(h, f.Refs, f.Vals)
		c.frames = append(c.frames, f)
		used = end
	}
}

// Settle ends the account of the last Read: of its frames, sent were confirmed
// and dropped never will be, all of them together. With zeroes nothing is
// settled and the next Read hands the frames out again; those that the ring
// has overwritten meanwhile are lost.
func (c *Cursor) Settle(sent, dropped int) {
	c.ring.mu.Lock()
	defer c.ring.mu.Unlock()
	if sent+dropped == 0 {
		c.rewind()
		return
	}
	if c.closed || c.taken == 0 {
		return
	}
	sent = min(max(sent, 0), c.taken)
	c.n.Sent += uint64(sent)
	c.n.Dropped += uint64(c.taken - sent)
	c.n.Pending -= uint64(c.taken)
	c.taken, c.over = 0, 0
}

// rewind puts frames that were handed out back, as far as they still exist.
func (c *Cursor) rewind() {
	if c.taken == 0 {
		return
	}
	for i := range c.pos {
		c.pos[i] = max(c.from[i], c.ring.lanes[i].first)
	}
	c.drop(c.over)
	c.taken, c.over = 0, 0
}

// Close ends the cursor: what is pending counts as dropped. Closing twice, or
// settling afterwards, does nothing.
func (c *Cursor) Close() {
	c.ring.mu.Lock()
	defer c.ring.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	c.n.Dropped += c.n.Pending
	c.n.Pending, c.taken, c.over = 0, 0, 0
	c.ring.cursors = slices.DeleteFunc(c.ring.cursors, func(x *Cursor) bool { return x == c })
}
