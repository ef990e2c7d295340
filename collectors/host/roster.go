//go:build linux

package host

import "bytes"

// roster matches the lines of a list-like file with the devices described.
// Such files keep their order between two readings nearly always, so a name is
// compared with the one that stood at its position before; the map is asked
// only when that differs. List-like files are read in several calls, between
// which a device may come or go: a name may appear twice or not at all.
type roster struct {
	names [][]byte
	index map[string]int
	taken []uint64 // reading in which a slot was last matched
	turn  uint64   // number of this reading
	count int      // slots matched in this reading
}

// set replaces the devices; their slots are their positions.
func (r *roster) set(names [][]byte) {
	r.names = names
	r.index = make(map[string]int, len(names))
	for i, n := range names {
		r.index[string(n)] = i
	}
	r.taken, r.turn, r.count = make([]uint64, len(names)), 0, 0
}

// has reports whether name was among the devices set.
func (r *roster) has(name []byte) bool {
	_, ok := r.index[string(name)]
	return ok
}

// begin starts a reading.
func (r *roster) begin() { r.turn, r.count = r.turn+1, 0 }

// match returns the slot of the name on line pos, or -1 when it is new. again
// is true when the reading had the name already.
func (r *roster) match(pos int, name []byte) (slot int, again bool) {
	if pos < len(r.names) && bytes.Equal(r.names[pos], name) {
		slot = pos
	} else {
		var ok bool
		if slot, ok = r.index[string(name)]; !ok {
			return -1, false
		}
	}
	if r.taken[slot] == r.turn {
		return slot, true
	}
	r.taken[slot] = r.turn
	r.count++
	return slot, false
}

// complete reports whether the reading had every device.
func (r *roster) complete() bool { return r.count == len(r.names) }
