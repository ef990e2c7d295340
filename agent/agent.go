package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/internal/ring"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// Config is what an Agent is made of. The zero Config works: an agent that
// watches only itself and delivers nowhere.
type Config struct {
	Logger *slog.Logger // nil is silent
	Clock  sample.Clock // zero: sample.NewClock
	// MaxSeries is the ceiling of live series; 0 is the default of
	// sample.NewSchema.
	MaxSeries int
	// HardwareValues and RowValues are the sizes of the two lanes of the ring
	// in readings of 12 bytes. 0 means 300,000 (ten minutes at 500 a second)
	// and 65,536. A row wider than its whole lane reaches no output.
	HardwareValues, RowValues int
	Sources                   []Source
	Outputs                   []Output
}

// ErrEnded is returned by methods that need an agent whose Run has not ended.
var ErrEnded = errors.New("agent has ended")

// phase is the life of an Agent; it only moves forward.
type phase uint8

const (
	idle phase = iota
	running
	ended
)

// Agent ticks its sources and feeds its outputs while Run runs. All methods
// are safe for concurrent use.
type Agent struct {
	log    *slog.Logger
	clock  sample.Clock
	wall   func() int64 // Unix ns; tests step it
	schema *sample.Schema
	ring   *ring.Ring
	host   atomic.Pointer[sample.Clock] // anchored anew after a clock step
	facts  facts

	unknown   atomic.Uint64 // frames appended for a source that is none
	abandoned atomic.Uint64 // sources and outputs that did not end in time

	mu       sync.Mutex // guards all below
	phase    phase
	started  int64           // Clock time of Run
	ctx      context.Context // life of the sources; set by Run
	outCtx   context.Context // life of the outputs: longer, to drain
	sources  []*source
	outputs  []*output
	past     []OutputStatus // outputs that have ended, newest last
	rows     map[sample.RunID]rowSource
	revision uint64 // grows when sources or outputs change
}

// New checks the configuration and makes an agent. It starts nothing. The
// error names everything that is wrong.
func New(c Config) (*Agent, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Clock.Read == nil && c.Clock.Anchor == 0 {
		c.Clock = sample.NewClock()
	}
	a := &Agent{
		log:    c.Logger,
		clock:  c.Clock,
		wall:   func() int64 { return time.Now().UnixNano() },
		schema: sample.NewSchema(c.MaxSeries),
		ring:   ring.New(laneSize(c.HardwareValues, 300_000, 16), laneSize(c.RowValues, 64<<10, 4)),
		rows:   make(map[sample.RunID]rowSource),
	}
	a.host.Store(&c.Clock)
	var errs []error
	for _, o := range c.Outputs {
		errs = append(errs, a.AddOutput(o))
	}
	errs = append(errs, a.AddSource(Source{Name: selfName, Every: selfEvery, Collector: &self{agent: a}}))
	for _, s := range c.Sources {
		errs = append(errs, a.AddSource(s))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return a, nil
}

// laneSize sizes a lane for frames of some typical width.
func laneSize(values, byDefault, width int) ring.Size {
	if values <= 0 {
		values = byDefault
	}
	return ring.Size{Values: values, Frames: max(values/width, 64)}
}

// Schema returns the list of all series, scoped to the host.
func (a *Agent) Schema() *sample.Schema { return a.schema }

// Clock returns the clock of all frames. It never changes.
func (a *Agent) Clock() sample.Clock { return a.clock }

// Facts returns what all sources know so far: never nil, and not to be changed.
func (a *Agent) Facts() *sample.Facts {
	return a.facts.of(func(sample.RunID) bool { return true })
}

// AddSource adds a source; while the agent runs, its first sample is taken at
// once. An output gets the frames of a source only if it was added before that
// sample, so add a run's outputs first.
func (a *Agent) AddSource(src Source) error {
	every, err := cadence(src.Every)
	if err == nil && (src.Name == "" || src.Collector == nil) {
		err = errors.New("a source needs a name and a collector")
	}
	if err != nil {
		return fmt.Errorf("add source %q: %w", src.Name, err)
	}
	src.Every = every
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase == ended {
		return fmt.Errorf("add source %q: %w", src.Name, ErrEnded)
	}
	if a.sourceLocked(src.Name) != nil {
		return fmt.Errorf("add source %q: name is taken", src.Name)
	}
	s := newSource(a, src, a.ring.AddSource(ring.Hardware))
	a.selectLocked(s.id, src.Run, false)
	a.sources = append(a.sources, s)
	a.revision++
	if a.phase == running {
		s.start(a.ctx)
	}
	return nil
}

// RemoveSource ends a source and its series. A Collect that is under way is
// not waited for; its frame is lost.
func (a *Agent) RemoveSource(name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sourceLocked(name)
	if s == nil || name == selfName {
		return fmt.Errorf("remove source %q: no such source", name)
	}
	a.dropLocked(s)
	s.endSeries.Store(true)
	s.stop()
	return nil
}

// dropLocked takes a source out of the list and of the ring.
func (a *Agent) dropLocked(s *source) {
	for i, x := range a.sources {
		if x == s {
			a.sources = append(a.sources[:i:i], a.sources[i+1:]...)
			break
		}
	}
	a.ring.EndSource(s.id)
	a.facts.drop(s.id)
	a.revision++
}

func (a *Agent) sourceLocked(name string) *source {
	for _, s := range a.sources {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// AddOutput adds an output. It gets what is appended from now on.
func (a *Agent) AddOutput(out Output) error {
	every, err := cadence(out.Every)
	if err == nil && (out.Name == "" || out.Exporter == nil) {
		err = errors.New("an output needs a name and an exporter")
	}
	if err != nil {
		return fmt.Errorf("add output %q: %w", out.Name, err)
	}
	out.Every = every
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase == ended {
		return fmt.Errorf("add output %q: %w", out.Name, ErrEnded)
	}
	for _, o := range a.outputs {
		if o.Name == out.Name {
			return fmt.Errorf("add output %q: name is taken", out.Name)
		}
	}
	o := newOutput(a, out)
	a.selectAllLocked(o)
	a.outputs = append(a.outputs, o)
	a.revision++
	if a.phase == running {
		o.start(a.outCtx)
	}
	return nil
}

// selectLocked shows a new source to the outputs that want it.
func (a *Agent) selectLocked(id sample.SourceID, run sample.RunID, row bool) {
	for _, o := range a.outputs {
		if o.Select.matches(run, row) {
			o.cursor.Select(id)
		}
	}
}

// selectAllLocked shows the present sources to a new output.
func (a *Agent) selectAllLocked(o *output) {
	for _, s := range a.sources {
		if o.Select.matches(s.Run, false) {
			o.cursor.Select(s.id)
		}
	}
	for run, r := range a.rows {
		if o.Select.matches(run, true) {
			o.cursor.Select(r.id)
		}
	}
}

// minEvery and maxEvery bound the cadence of sources and outputs.
const (
	minEvery = 10 * time.Millisecond
	maxEvery = 24 * time.Hour
)

// cadence returns every with its default, or what is wrong with it.
func cadence(every time.Duration) (time.Duration, error) {
	if every == 0 {
		return time.Second, nil
	}
	if every < minEvery || every > maxEvery {
		return 0, fmt.Errorf("interval %v is not within %v and %v", every, minEvery, maxEvery)
	}
	return every, nil
}
