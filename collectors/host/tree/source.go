//go:build linux

package tree

import (
	"context"
	"errors"
	"fmt"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/internal/series"
)

// Sources returns what the agent is to tick for the given run: the fast source
// with CPU, memory and states, and the medium one with I/O. Call it once.
func (t *Tree) Sources(run sample.RunID) []agent.Source {
	return []agent.Source{
		{Name: "process/" + string(run), Run: run, Every: t.cfg.Every, Collector: &fast{t: t, run: run}},
		{Name: "process.io/" + string(run), Run: run, Every: t.cfg.Medium, Collector: &medium{t: t}},
	}
}

// stateNames are the states of proc_pid_stat(5) that are told apart.
const stateNames = "RSDZTtI"

// fast collects what one reading of stat and statm gives.
type fast struct {
	t   *Tree
	run sample.RunID
	set series.Set

	user, system, userUtil, systemUtil sample.Ref
	resident, virtual, threads         sample.Ref
	minor, major, processes, cpus      sample.Ref
	states                             [len(stateNames)]sample.Ref
	prev                               usage
	prevNS                             int64
}

var (
	_ agent.Collector = (*fast)(nil)
	_ agent.Prober    = (*fast)(nil)
	_ agent.Runner    = (*fast)(nil)
	_ agent.Collector = (*medium)(nil)
)

// Describe adds the series of the tree.
func (c *fast) Describe(s *sample.Schema) error {
	c.set.Begin(s)
	at := c.t.openNS
	err := errors.Join(
		c.set.Add(&c.user, at, "process.cpu.time", "user"),
		c.set.Add(&c.system, at, "process.cpu.time", "system"),
		c.set.Add(&c.userUtil, at, "process.cpu.utilization", "user"),
		c.set.Add(&c.systemUtil, at, "process.cpu.utilization", "system"),
		c.set.Add(&c.resident, at, "process.memory.usage"),
		c.set.Add(&c.virtual, at, "process.memory.virtual"),
		c.set.Add(&c.threads, at, "process.thread.count"),
		c.set.Add(&c.minor, at, "process.paging.faults", "minor"),
		c.set.Add(&c.major, at, "process.paging.faults", "major"),
		c.set.Add(&c.processes, at, "process.linux.count"),
		c.set.Add(&c.cpus, at, "process.linux.cpu.capacity"),
	)
	for i := range c.states {
		err = errors.Join(err, c.set.Add(&c.states[i], at, "process.linux.state", stateNames[i:i+1]))
	}
	return err
}

// Probe tells what process is followed.
func (c *fast) Probe(f *sample.Facts) error { return c.t.Probe(f) }

// Collect reads the tree. After the root exited one frame of counters follows,
// then nothing.
func (c *fast) Collect(_ context.Context, f *sample.Frame) error {
	t := c.t
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refresh()
	if t.closed && !t.ended {
		return nil
	}
	if t.ended {
		if c.set.Last() {
			c.putCounters(f)
		}
		return nil
	}
	c.putCounters(f)
	c.putUtilization(f)
	c.putGauges(f)
	return nil
}

func (c *fast) putCounters(f *sample.Frame) {
	u := c.t.ledger.out
	tick := float64(c.t.tickNS) / 1e9
	f.Put(c.user, float64(u.user)*tick)
	f.Put(c.system, float64(u.system)*tick)
	f.Put(c.minor, float64(u.minflt))
	f.Put(c.major, float64(u.majflt))
}

// putUtilization puts the share of the capacity used since the call before.
func (c *fast) putUtilization(f *sample.Frame) {
	now, u := c.t.cfg.Clock.Now(), c.t.ledger.out
	if dt, cpus := float64(now-c.prevNS), c.t.caps.cpus; c.prevNS != 0 && dt > 0 && cpus > 0 {
		scale := float64(c.t.tickNS) / dt / cpus
		f.Put(c.userUtil, float64(u.user-c.prev.user)*scale)
		f.Put(c.systemUtil, float64(u.system-c.prev.system)*scale)
	}
	c.prev, c.prevNS = u, now
}

// putGauges puts the sums of the moment. Memory is left out when it could not
// be read of every member.
func (c *fast) putGauges(f *sample.Frame) {
	var resident, virtual, threads uint64
	var states [len(stateNames)]int
	whole := true
	for _, m := range c.t.members {
		whole = whole && !m.noMemory
		resident += m.resident
		virtual += m.cur.virtual
		threads += m.cur.threads
		for i := range len(stateNames) {
			if stateNames[i] == m.cur.state {
				states[i]++
			}
		}
	}
	if whole {
		f.Put(c.resident, float64(resident*c.t.page))
	}
	f.Put(c.virtual, float64(virtual))
	f.Put(c.threads, float64(threads))
	f.Put(c.processes, float64(len(c.t.members)))
	if c.t.caps.cpus > 0 {
		f.Put(c.cpus, c.t.caps.cpus)
	}
	for i, n := range states {
		f.Put(c.states[i], float64(n))
	}
}

// Run is the ends watch: it reads members whose end nobody in the tree will see
// more often than the ticks do, and reports the end of the root.
func (c *fast) Run(ctx context.Context, emit func(sample.Event)) error {
	for told := false; ; {
		wait, ended := c.t.watchEnds()
		if ended && !told {
			told = true
			emit(sample.Event{
				Time: c.t.cfg.Clock.Now(), Run: c.run, Kind: sample.EventSeriesEnded,
				Text: fmt.Sprintf("process %d ended", c.t.rootPID),
			})
		}
		if !c.t.sleep(ctx, wait) {
			return nil
		}
	}
}

// Close releases the tree.
func (c *fast) Close() error { return c.t.Close() }

// medium collects what is dearer or changes slowly.
type medium struct {
	t           *Tree
	set         series.Set
	read, write sample.Ref
	warned      bool
}

// Describe adds the I/O series of the tree.
func (c *medium) Describe(s *sample.Schema) error {
	c.set.Begin(s)
	return errors.Join(
		c.set.Add(&c.read, c.t.openNS, "process.disk.io", "read"),
		c.set.Add(&c.write, c.t.openNS, "process.disk.io", "write"),
	)
}

// Collect reads the I/O counters, scans for members that the cheap ways missed,
// and looks again at what changes rarely.
func (c *medium) Collect(_ context.Context, f *sample.Frame) error {
	err, warn := c.collect(f)
	if warn != nil {
		c.t.cfg.Logger.Warn("process I/O not readable, left out", "pid", c.t.rootPID, "error", warn)
	}
	return err
}

func (c *medium) collect(f *sample.Frame) (err, warn error) {
	t := c.t
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refresh()
	if t.closed && !t.ended {
		return nil, nil
	}
	if t.ended {
		if c.set.Last() {
			c.put(f)
		}
		return nil, nil
	}
	err = t.scanIfDue()
	t.askParents()
	t.caps.refresh(t)
	for _, m := range t.members {
		t.readIO(m)
	}
	t.markWatched()
	if !c.put(f) && !c.warned {
		c.warned, warn = true, t.ioErr
	}
	return err, warn
}

func (c *medium) put(f *sample.Frame) bool {
	io, ok := c.t.ioTotal()
	if ok {
		f.Put(c.read, float64(io.read))
		f.Put(c.write, float64(io.write))
	}
	return ok
}
