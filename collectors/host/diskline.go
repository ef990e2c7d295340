//go:build linux

package host

import (
	"fmt"

	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// devID is the number of a block device.
type devID struct{ major, minor uint64 }

// diskLine is one line parsed.
type diskLine struct {
	id   devID
	name []byte // points into the reading
	v    [diskFlush]uint64
	n    int // numbers that the kernel has
}

// diskName splits a line into the device's number, its name and the rest.
func diskName(line []byte) (id devID, name, rest []byte, ok bool) {
	var ok1, ok2 bool
	id.major, rest, ok1 = procfile.Uint(line)
	id.minor, rest, ok2 = procfile.Uint(rest)
	name, rest = procfile.Field(rest)
	return id, name, rest, ok1 && ok2 && len(name) > 0
}

func parseDisk(line []byte) (l diskLine, err error) {
	id, name, rest, ok := diskName(line)
	if !ok {
		return l, fmt.Errorf("parse diskstats line %q: no device", line)
	}
	l.id, l.name = id, name
	for l.n < len(l.v) {
		v, after, ok := procfile.Uint(rest)
		if !ok {
			break
		}
		l.v[l.n], rest = v, after
		l.n++
	}
	switch {
	case l.n < diskBase:
		return l, fmt.Errorf("parse diskstats line %q: %d numbers", line, l.n)
	case l.n < diskDiscard:
		l.n = diskBase
	case l.n < diskFlush:
		l.n = diskDiscard
	}
	return l, nil
}
