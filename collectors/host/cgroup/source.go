//go:build linux

package cgroup

import (
	"context"
	"errors"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
	"github.com/wandb-agent/wandb-agent/collectors/internal/series"
)

// Sources returns what the agent is to tick for the given run: the fast source
// with CPU time and usage, and the medium one with limits and details. Call it
// once.
func (c *Cgroup) Sources(run sample.RunID) []agent.Source {
	return []agent.Source{
		{Name: "cgroup/" + string(run), Run: run, Every: c.cfg.Every, Collector: &fast{c: c}},
		{Name: "cgroup.detail/" + string(run), Run: run, Every: c.cfg.Medium, Collector: &medium{c: c}},
	}
}

var (
	_ agent.Collector = (*fast)(nil)
	_ agent.Prober    = (*fast)(nil)
	_ agent.Collector = (*medium)(nil)
)

// fast collects what single small files give.
type fast struct {
	c     *Cgroup
	set   series.Set
	moves int

	user, system, periods, throttled, throttledTime sample.Ref
	usage, threads                                  sample.Ref
}

// Describe adds the series.
func (s *fast) Describe(schema *sample.Schema) error {
	s.set.Begin(schema)
	s.moves = s.c.movesNow()
	return errors.Join(
		s.set.Add(&s.user, 0, "container.cpu.time", "user"),
		s.set.Add(&s.system, 0, "container.cpu.time", "system"),
		s.set.Add(&s.periods, 0, "container.linux.cpu.periods"),
		s.set.Add(&s.throttled, 0, "container.linux.cpu.throttled_periods"),
		s.set.Add(&s.throttledTime, 0, "container.linux.cpu.throttled_time"),
		s.set.Add(&s.usage, 0, "container.memory.usage"),
		s.set.Add(&s.threads, 0, "container.linux.pids.count"),
	)
}

// Probe tells what the path and environment say about the process.
func (s *fast) Probe(f *sample.Facts) error { return s.c.Probe(f) }

// Close releases the files.
func (s *fast) Close() error { return s.c.Close() }

// Collect reads the group. After the process exited one more frame follows.
func (s *fast) Collect(_ context.Context, f *sample.Frame) error {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || (c.exit.Exited() && !s.set.Last()) {
		return nil
	}
	if s.moves != c.moves {
		s.moves = c.moves
		s.set.Restart(c.cfg.Clock.Now())
	}
	s.putCPU(f)
	put(f, s.usage, c.number(c.groups.memUsage), 1)
	put(f, s.threads, c.number(c.groups.pidsCount), 1)
	return nil
}

func (s *fast) putCPU(f *sample.Frame) {
	var st cpuStat
	if b, ok := s.c.read(s.c.groups.cpuStat); ok {
		st.parse(b)
	}
	if b, ok := s.c.read(s.c.groups.cpuacct); ok {
		st.parseAcct(b)
	}
	put(f, s.user, st.user, 1e-9)
	put(f, s.system, st.system, 1e-9)
	put(f, s.periods, st.periods, 1)
	put(f, s.throttled, st.throttled, 1)
	put(f, s.throttledTime, st.throttledNS, 1e-9)
}

// medium collects memory details, events and limits.
type medium struct {
	c     *Cgroup
	set   series.Set
	moves int

	workingSet, available, rss, file, shmem, mapped, sock, pageTables, kernel sample.Ref
	limit, high, peak, cpuLimit, threadLimit                                  sample.Ref
	events                                                                    [len(eventNames)]sample.Ref
}

// Describe adds the series.
func (s *medium) Describe(schema *sample.Schema) error {
	s.set.Begin(schema)
	s.moves = s.c.movesNow()
	err := errors.Join(
		s.set.Add(&s.workingSet, 0, "container.memory.working_set"),
		s.set.Add(&s.available, 0, "container.memory.available"),
		s.set.Add(&s.rss, 0, "container.memory.rss"),
		s.set.Add(&s.file, 0, "container.linux.memory.file"),
		s.set.Add(&s.shmem, 0, "container.linux.memory.shmem"),
		s.set.Add(&s.mapped, 0, "container.linux.memory.file_mapped"),
		s.set.Add(&s.sock, 0, "container.linux.memory.sock"),
		s.set.Add(&s.pageTables, 0, "container.linux.memory.page_tables"),
		s.set.Add(&s.kernel, 0, "container.linux.memory.kernel"),
		s.set.Add(&s.limit, 0, "container.linux.memory.limit"),
		s.set.Add(&s.high, 0, "container.linux.memory.high"),
		s.set.Add(&s.peak, 0, "container.linux.memory.peak"),
		s.set.Add(&s.cpuLimit, 0, "container.linux.cpu.limit"),
		s.set.Add(&s.threadLimit, 0, "container.linux.pids.limit"),
	)
	for i, name := range eventNames {
		err = errors.Join(err, s.set.Add(&s.events[i], 0, "container.linux.memory.events", name))
	}
	return err
}

// Collect looks whether the process moved, reads the limits again, and puts the
// details. After the process exited one more frame follows: its oom_kill tells
// an out-of-memory kill from any other.
func (s *medium) Collect(_ context.Context, f *sample.Frame) error {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	exited := c.exit.Exited()
	if c.closed || (exited && !s.set.Last()) {
		return nil
	}
	if !exited {
		if err := c.relocate(); err != nil && !c.exit.Exited() {
			return err
		}
		c.limits = c.readLimits()
	}
	if s.moves != c.moves {
		s.moves = c.moves
		s.set.Restart(c.cfg.Clock.Now())
	}
	s.putMemory(f)
	s.putEvents(f)
	putLimit(f, s.high, float64(c.limits.high))
	putLimit(f, s.cpuLimit, c.limits.cpu)
	putLimit(f, s.threadLimit, float64(c.limits.threads))
	return nil
}

func (s *medium) putMemory(f *sample.Frame) {
	c := s.c
	var st memoryStat
	usage := c.number(c.groups.memUsage)
	if b, ok := c.read(c.groups.memStat); ok {
		st.parse(b, c.groups.memory.v2)
	}
	if usage.ok && st.inactiveFile.ok {
		f.Put(s.workingSet, float64(floorSub(usage.v, st.inactiveFile.v)))
	}
	put(f, s.rss, st.anon, 1)
	put(f, s.file, st.file, 1)
	put(f, s.shmem, st.shmem, 1)
	put(f, s.mapped, st.mapped, 1)
	put(f, s.sock, st.sock, 1)
	put(f, s.pageTables, st.pageTables, 1)
	put(f, s.kernel, st.kernel, 1)
	put(f, s.peak, c.number(c.groups.memPeak), 1)
	limit := c.limits.memory
	if h := st.hierarchical; h.ok && h.v < v1NoLimit {
		limit = tighter(limit, h.v) // of groups above that we cannot see
	}
	putLimit(f, s.limit, float64(limit))
	if left, ok := c.available(); ok {
		f.Put(s.available, float64(left))
	}
}

func (s *medium) putEvents(f *sample.Frame) {
	var ev memoryEvents
	if b, ok := s.c.read(s.c.groups.memEvents); ok {
		ev.parse(b)
	}
	if n := s.c.number(s.c.groups.failcnt); n.ok {
		ev[2] = n // max: v1 counts meetings with the limit in a file of its own
	}
	for i, r := range ev {
		put(f, s.events[i], r, 1)
	}
}

func put(f *sample.Frame, ref sample.Ref, r reading, scale float64) {
	if r.ok {
		f.Put(ref, float64(r.v)*scale)
	}
}

// putLimit leaves a limit out that is not set.
func putLimit(f *sample.Frame, ref sample.Ref, v float64) {
	if v > 0 {
		f.Put(ref, v)
	}
}

// read reads a kept file; false for one that is not there or no more.
func (c *Cgroup) read(file *procfile.File) ([]byte, bool) {
	if file == nil {
		return nil, false
	}
	b, err := file.Read(&c.buf)
	return b, err == nil
}

func (c *Cgroup) number(file *procfile.File) reading {
	b, ok := c.read(file)
	if !ok {
		return reading{}
	}
	v, _, ok := procfile.Uint(b)
	return reading{v, ok}
}

func (c *Cgroup) movesNow() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.moves
}
