//go:build linux

package host

import (
	"bytes"

	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// keyed picks numbers out of files of "name value" lines (meminfo, vmstat).
// Such files keep their order while the kernel runs, so each line is first
// compared with what stood there the time before; only a line that moved is
// looked up by name.
type keyed struct {
	sep    byte           // follows the name
	index  map[string]int // wanted name to its place in vals
	layout []keyedLine    // by line number
	vals   []uint64       // numbers of the newest parse
	have   []bool         // which of them were there
}

// keyedLine is what stood on a line: the name with its separator, and where
// its number goes, or -1.
type keyedLine struct {
	name []byte
	slot int
}

func newKeyed(sep byte, names ...string) *keyed {
	k := &keyed{sep: sep, index: make(map[string]int, len(names)), vals: make([]uint64, len(names)), have: make([]bool, len(names))}
	for i, n := range names {
		k.index[n] = i
	}
	return k
}

// parse fills vals and have from b. Lines that do not read "name value" are
// passed over.
func (k *keyed) parse(b []byte) {
	clear(k.have)
	var line []byte
	for n := 0; len(b) > 0; n++ {
		line, b = procfile.Line(b)
		if n >= len(k.layout) {
			k.layout = append(k.layout, k.lookup(line))
		} else if l := &k.layout[n]; len(l.name) == 0 || !bytes.HasPrefix(line, l.name) {
			*l = k.lookup(line)
		}
		l := &k.layout[n]
		if l.slot < 0 {
			continue
		}
		if v, _, ok := procfile.Uint(line[len(l.name):]); ok {
			k.vals[l.slot], k.have[l.slot] = v, true
		}
	}
}

// lookup finds the slot of a line that was not expected where it stands.
func (k *keyed) lookup(line []byte) keyedLine {
	i := bytes.IndexByte(line, k.sep)
	if i < 0 {
		return keyedLine{slot: -1}
	}
	slot, ok := k.index[string(line[:i])]
	if !ok {
		slot = -1
	}
	return keyedLine{name: bytes.Clone(line[:i+1]), slot: slot}
}

// get returns the number of a name; ok is false when the newest parse had
// none.
func (k *keyed) get(name string) (v uint64, ok bool) {
	i, ok := k.index[name]
	if !ok || !k.have[i] {
		return 0, false
	}
	return k.vals[i], true
}
