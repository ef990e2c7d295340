//go:build linux

package host

import (
	"bytes"
	"fmt"
	"sync/atomic"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/internal/counter"
	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// netColumns is how many numbers follow the name in /proc/net/dev.
const netColumns = 16

// netFields are the columns in order.
var netFields = [netColumns]struct{ metric, direction string }{
	{"system.network.io", "receive"},
	{"system.network.packet.count", "receive"},
	{"system.network.errors", "receive"},
	{"system.network.packet.dropped", "receive"},
	{"system.linux.network.fifo_errors", "receive"},
	{"system.linux.network.frame_errors", ""},
	{"system.linux.network.compressed", "receive"},
	{"system.linux.network.multicast", ""},
	{"system.network.io", "transmit"},
	{"system.network.packet.count", "transmit"},
	{"system.network.errors", "transmit"},
	{"system.network.packet.dropped", "transmit"},
	{"system.linux.network.fifo_errors", "transmit"},
	{"system.linux.network.collisions", ""},
	{"system.linux.network.carrier_errors", ""},
	{"system.linux.network.compressed", "transmit"},
}

// netdev reads /proc/net/dev: the interfaces of the network namespace of the
// thread that opens it.
type netdev struct {
	file   file
	roster roster
	ifs    [][netColumns]*counter.Counter // by slot
	// changes counts descriptions with another set of interfaces, for the
	// reader of their links in another tier.
	changes *atomic.Uint64
}

func newNetdev(path string, changes *atomic.Uint64) *netdev {
	return &netdev{file: file{path: path}, changes: changes}
}

// netLine is one interface.
type netLine struct {
	name []byte // points into the reading
	v    [netColumns]uint64
}

// parseNetdev reads a line; ok is false for the two lines of headings.
func parseNetdev(line []byte) (l netLine, ok bool, err error) {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return l, false, nil
	}
	l.name = bytes.TrimLeft(line[:colon], " ")
	rest := line[colon+1:]
	for i := range l.v {
		var fits bool
		if l.v[i], rest, fits = procfile.Uint(rest); !fits {
			return l, false, fmt.Errorf("parse net/dev line %q: column %d is no number", line, i+1)
		}
	}
	return l, true, nil
}

func (n *netdev) describe(r *registrar) error {
	b, err := n.file.read(&r.buf)
	if err != nil {
		return err
	}
	var names [][]byte
	first, others := n.roster.index == nil, false
	n.ifs = n.ifs[:0]
	var line []byte
	for len(b) > 0 {
		line, b = procfile.Line(b)
		l, ok, err := parseNetdev(line)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		isNew := !first && !n.roster.has(l.name)
		others = others || isNew
		names = append(names, bytes.Clone(l.name))
		n.ifs = append(n.ifs, describeInterface(r, label(l.name), isNew))
	}
	if others || !first && len(names) != len(n.roster.names) {
		n.changes.Add(1)
	}
	n.roster.set(names)
	return nil
}

func describeInterface(r *registrar, name string, isNew bool) (c [netColumns]*counter.Counter) {
	for i, f := range netFields {
		values := []string{name, f.direction}
		if f.metric == "system.network.packet.count" {
			values = append(values, name) // the convention's label here is system.device
		}
		c[i] = r.counter(counter.Rule{}, 1, isNew, f.metric, values...)
	}
	return c
}

func (n *netdev) collect(t *tick) error {
	b, err := n.file.read(&t.buf)
	if err != nil {
		return err
	}
	n.roster.begin()
	var line []byte
	for pos := 0; len(b) > 0; {
		line, b = procfile.Line(b)
		l, ok, err := parseNetdev(line)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		slot, again := n.roster.match(pos, l.name)
		pos++
		if slot < 0 {
			return sample.ErrChanged
		}
		if again {
			continue
		}
		for i, c := range n.ifs[slot] {
			c.Put(t.f, t.schema, t.prev, l.v[i])
		}
	}
	if !n.roster.complete() {
		return sample.ErrChanged
	}
	return nil
}

func (n *netdev) close() { n.file.close() }
