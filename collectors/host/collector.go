//go:build linux

package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// Collector is one tier: readers that are read one after the other. It
// implements agent.Collector, agent.Explainer and io.Closer.
type Collector struct {
	members []member
	reg     registrar
	tick    tick
	last    int64 // Clock time of the newest reading; 0 before the first
	absent  absences
}

// A reader reads one kernel file, or a few of one subject. describe is called
// first and again when the set of series changed; collect only after describe
// succeeded. collect returns sample.ErrChanged when the set of series it
// described does not stand any more.
type reader interface {
	describe(*registrar) error
	collect(*tick) error
	close()
}

// member is a reader with what is known of its state.
type member struct {
	reader
	about  about
	active bool // described, so it may be collected
	failed bool // its last failure is in absent
}

// about says in words what is missing when a reader fails.
type about struct {
	metric string // canonical name or names
	remedy string
}

// tick is one reading under way.
type tick struct {
	f      *sample.Frame
	schema *sample.Schema
	buf    procfile.Buffer // a reading is valid until the next one
	prev   int64           // Clock time of the reading before; 0 none
}

func newCollector(log *slog.Logger, members ...member) *Collector {
	return &Collector{members: members, absent: absences{log: log}}
}

// Describe adds the series of all readers. Those that cannot be read are
// absent; it fails only when the schema does.
func (c *Collector) Describe(s *sample.Schema) error {
	c.reg.begin(s, c.last)
	for i := range c.members {
		m := &c.members[i]
		err := m.describe(&c.reg)
		m.active = err == nil
		if c.reg.err != nil {
			return c.reg.err
		}
		c.outcome(m, err)
	}
	c.reg.commit()
	c.tick.schema = s
	return nil
}

// Collect reads everything once. A reader that fails leaves its values out;
// an error is returned when the set of series changed or none could be read.
func (c *Collector) Collect(_ context.Context, f *sample.Frame) error {
	c.tick.f, c.tick.prev = f, c.last
	defer func() { c.tick.f = nil }()
	had := len(f.Refs)
	var last error
	for i := range c.members {
		m := &c.members[i]
		if !m.active {
			continue
		}
		err := m.collect(&c.tick)
		if errors.Is(err, sample.ErrChanged) {
			return err
		}
		if err != nil || m.failed {
			c.outcome(m, err)
		}
		if err != nil {
			last = err
		}
	}
	if last != nil && len(f.Refs) == had {
		return fmt.Errorf("nothing could be read, last: %w", last)
	}
	c.last = f.Time
	return nil
}

// outcome keeps the list of absences: a failure goes in once, a success takes
// it out.
func (c *Collector) outcome(m *member, err error) {
	if errors.Is(err, errNothing) {
		err = nil
	}
	m.failed = err != nil
	c.absent.set(m.about, err)
}

// Explain lists what could not be measured and why.
func (c *Collector) Explain() []agent.Absence { return c.absent.list() }

// Close closes the kept descriptors. The collector is not used afterwards.
func (c *Collector) Close() error {
	for i := range c.members {
		c.members[i].close()
	}
	return nil
}

// errNothing is returned by describe when there is nothing to read and nothing
// is wrong.
var errNothing = errors.New("nothing to read")
