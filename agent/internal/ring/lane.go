package ring

import "github.com/wandb-agent/wandb-agent/agent/sample"

// header is a frame without its readings.
type header struct {
	seq    uint64
	time   int64
	step   int64
	start  uint64 // position of the first reading
	n      uint32 // readings
	source sample.SourceID
}

// lane is two circular buffers: headers, and readings as separate arrays of
// refs and values. Positions count up for ever and are taken modulo the size.
type lane struct {
	heads []header
	refs  []sample.Ref
	vals  []float64
	first uint64 // oldest frame
	end   uint64 // after the newest frame
	tail  uint64 // after the newest reading
}

func (l *lane) init(s Size) {
	values := max(s.Values, 1)
	l.heads = make([]header, max(s.Frames, 1))
	l.refs = make([]sample.Ref, values)
	l.vals = make([]float64, values)
}

func (l *lane) head(i uint64) *header { return &l.heads[i%uint64(len(l.heads))] }

// used returns the number of readings held.
func (l *lane) used() uint64 {
	if l.first == l.end {
		return 0
	}
	return l.tail - l.head(l.first).start
}

// fits reports whether a frame of n readings can be pushed now.
func (l *lane) fits(n int) bool {
	return l.end-l.first < uint64(len(l.heads)) && l.used()+uint64(n) <= uint64(len(l.vals))
}

// push stores f, for which there is room.
func (l *lane) push(f *sample.Frame, seq uint64) {
	*l.head(l.end) = header{
		seq: seq, time: f.Time, step: f.Step, source: f.Source,
		start: l.tail, n: uint32(len(f.Refs)),
	}
	at := int(l.tail % uint64(len(l.vals)))
	k := copy(l.refs[at:], f.Refs)
	copy(l.refs, f.Refs[k:])
	k = copy(l.vals[at:], f.Vals[:len(f.Refs)])
	copy(l.vals, f.Vals[k:len(f.Refs)])
	l.tail += uint64(len(f.Refs))
	l.end++
}

// copyOut copies the readings of h into refs and vals of length h.n.
func (l *lane) copyOut(h *header, refs []sample.Ref, vals []float64) {
	at := int(h.start % uint64(len(l.vals)))
	k := copy(refs, l.refs[at:])
	copy(refs[k:], l.refs)
	k = copy(vals, l.vals[at:])
	copy(vals[k:], l.vals)
}

// unread reports whether half of the lane or more lies at or after position i.
func (l *lane) unread(i uint64) bool {
	if i == l.end {
		return false
	}
	return 2*(l.end-i) >= uint64(len(l.heads)) || 2*(l.tail-l.head(i).start) >= uint64(len(l.vals))
}
