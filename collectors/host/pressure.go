//go:build linux

package host

import (
	"bytes"
	"fmt"

	"github.com/wandb-agent/wandb-agent/collectors/internal/counter"
	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// microseconds are in a second.
const microseconds = 1e6

// pressure reads one file of /proc/pressure (Documentation/accounting/psi.rst).
type pressure struct {
	file       file
	resource   string
	some, full *counter.Counter // nil: the resource has no such line
}

func newPressure(dir, resource string) *pressure {
	return &pressure{file: file{path: dir + "/" + resource, once: true}, resource: resource}
}

// stall is the content of a file: µs of waiting since boot.
type stall struct {
	some, full       uint64
	hasSome, hasFull bool
}

func parsePressure(b []byte) (s stall, err error) {
	var line []byte
	for rest := b; len(rest) > 0; {
		line, rest = procfile.Line(rest)
		i := bytes.LastIndex(line, []byte(" total="))
		if i < 0 {
			continue
		}
		v, _, ok := procfile.Uint(line[i+len(" total="):])
		switch {
		case !ok:
		case bytes.HasPrefix(line, []byte("some ")):
			s.some, s.hasSome = v, true
		case bytes.HasPrefix(line, []byte("full ")):
			s.full, s.hasFull = v, true
		}
	}
	if !s.hasSome && !s.hasFull {
		return s, fmt.Errorf("parse pressure %q: no total", b)
	}
	return s, nil
}

func (p *pressure) describe(r *registrar) error {
	b, err := p.file.read(&r.buf)
	if err != nil {
		return err
	}
	s, err := parsePressure(b)
	if err != nil {
		return err
	}
	p.some, p.full = nil, nil
	if s.hasSome {
		p.some = r.counter(counter.Rule{}, microseconds, false, "system.linux.psi.time", p.resource, "some")
	}
	// The full line of cpu is meaningless for the whole machine: the kernel
	// prints zeros for the sake of old readers.
	if s.hasFull && p.resource != "cpu" {
		p.full = r.counter(counter.Rule{}, microseconds, false, "system.linux.psi.time", p.resource, "full")
	}
	return nil
}

func (p *pressure) collect(t *tick) error {
	b, err := p.file.read(&t.buf)
	if err != nil {
		return err
	}
	s, err := parsePressure(b)
	if err != nil {
		return err
	}
	if p.some != nil && s.hasSome {
		p.some.Put(t.f, t.schema, t.prev, s.some)
	}
	if p.full != nil && s.hasFull {
		p.full.Put(t.f, t.schema, t.prev, s.full)
	}
	return nil
}

func (p *pressure) close() { p.file.close() }
