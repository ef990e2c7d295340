//go:build linux

package host

import (
	"strconv"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/internal/counter"
	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// stat reads /proc/stat.
type stat struct {
	file   file
	totals bool // series of the machine instead of one set per CPU
	cpus   []cpuSeries
	last   map[int]cpuTimes // of CPUs described before, also of those that went offline
	util   [modes]sample.Ref
	shares shares

	switches, created *counter.Counter
	running, blocked  sample.Ref
}

// cpuSeries are the series of one cpu line, in order of the file.
type cpuSeries struct {
	cpu   int
	modes [modes]*counter.Counter
	busy  *counter.Counter
	last  cpuTimes
}

func newStat(path string, totals bool) *stat {
	return &stat{file: file{path: path, once: true}, totals: totals, last: make(map[int]cpuTimes)}
}

func (s *stat) describe(r *registrar) error {
	b, err := s.file.read(&r.buf)
	if err != nil {
		return err
	}
	s.rememberGone()
	s.cpus = s.cpus[:0]
	for isCPU(b) {
		line, rest := procfile.Line(b)
		cpu, times, err := parseCPU(line)
		if err != nil {
			return err
		}
		if s.wants(cpu) {
			s.cpus = append(s.cpus, s.describeCPU(r, cpu, &times))
		}
		b = rest
	}
	for m, name := range modeNames {
		s.util[m] = r.gauge("system.cpu.utilization", name)
	}
	s.switches = r.counter(counter.Rule{}, 1, false, "system.linux.context_switches")
	s.created = r.counter(counter.Rule{}, 1, false, "system.process.created")
	s.running = r.gauge("system.process.count", "running")
	s.blocked = r.gauge("system.process.count", "blocked")
	return nil
}

// wants reports whether a line has series: with totals the machine's does,
// else those of the CPUs.
func (s *stat) wants(cpu int) bool { return s.totals == (cpu == allCPUs) }

// rememberGone keeps the newest times of every CPU described so far.
func (s *stat) rememberGone() {
	for i := range s.cpus {
		s.last[s.cpus[i].cpu] = s.cpus[i].last
	}
}

// describeCPU adds the series of a line. Most times go on where they were when
// a CPU comes back online; those that are below what they were start anew.
func (s *stat) describeCPU(r *registrar, cpu int, now *cpuTimes) cpuSeries {
	before := s.last[cpu]
	c := cpuSeries{cpu: cpu, last: before}
	number := ""
	if cpu != allCPUs {
		number = strconv.Itoa(cpu)
	}
	rule := counter.Rule{Slack: tickSlack}
	for m, name := range modeNames {
		c.modes[m] = r.counter(rule, ticksPerSecond, now[m] < before[m], "system.cpu.time", name, number)
	}
	c.busy = r.counter(rule, ticksPerSecond, now.busy() < before.busy(), "system.linux.cpu.busy_time", number)
	return c
}

func isCPU(b []byte) bool { return len(b) > 3 && string(b[:3]) == "cpu" }

func (s *stat) collect(t *tick) error {
	b, err := s.file.read(&t.buf)
	if err != nil {
		return err
	}
	next := 0
	for isCPU(b) {
		line, rest := procfile.Line(b)
		cpu, times, err := parseCPU(line)
		if err != nil {
			return err
		}
		b = rest
		if cpu == allCPUs {
			s.putShares(t, &times)
		}
		if !s.wants(cpu) {
			continue
		}
		if next == len(s.cpus) || s.cpus[next].cpu != cpu {
			return sample.ErrChanged
		}
		s.cpus[next].put(t, &times)
		next++
	}
	if next != len(s.cpus) {
		return sample.ErrChanged
	}
	s.putRest(t, b)
	return nil
}

func (c *cpuSeries) put(t *tick, times *cpuTimes) {
	for m, ticks := range times {
		c.modes[m].Put(t.f, t.schema, t.prev, ticks)
	}
	c.busy.Put(t.f, t.schema, t.prev, times.busy())
	c.last = *times
}

// shares is the times of the whole machine that its shares are computed from.
type shares struct {
	before cpuTimes // at the reading before, if known
	known  bool
	now    cpuTimes // at the newest reading, which may have been discarded
	seen   bool
	prev   int64 // tick.prev when before was set
}

// putShares puts what share of the machine's time each mode took since the
// reading before. A mode that stepped back took nothing.
func (s *stat) putShares(t *tick, now *cpuTimes) {
	h := &s.shares
	if h.seen && t.prev != h.prev { // else the newest reading was discarded
		h.before, h.known, h.prev = h.now, true, t.prev
	}
	h.now, h.seen = *now, true
	if !h.known {
		return
	}
	var took cpuTimes
	var all uint64
	for m, ticks := range now {
		if ticks > h.before[m] {
			took[m] = ticks - h.before[m]
			all += took[m]
		}
	}
	if all == 0 {
		return
	}
	for m, ticks := range took {
		t.f.Put(s.util[m], float64(ticks)/float64(all))
	}
}

// putRest handles the lines after those of the CPUs.
func (s *stat) putRest(t *tick, b []byte) {
	var line []byte
	for len(b) > 0 {
		line, b = procfile.Line(b)
		key, rest := procfile.Field(line)
		switch string(key) {
		case "ctxt":
			putCounter(t, s.switches, rest)
		case "processes":
			putCounter(t, s.created, rest)
		case "procs_running":
			putGauge(t, s.running, rest)
		case "procs_blocked":
			putGauge(t, s.blocked, rest)
			return // only softirq follows
		}
	}
}

func putCounter(t *tick, c *counter.Counter, b []byte) {
	if v, _, ok := procfile.Uint(b); ok {
		c.Put(t.f, t.schema, t.prev, v)
	}
}

func putGauge(t *tick, ref sample.Ref, b []byte) {
	if v, _, ok := procfile.Uint(b); ok {
		t.f.Put(ref, float64(v))
	}
}

func (s *stat) close() { s.file.close() }
