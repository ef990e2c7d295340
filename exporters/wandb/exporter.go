package wandb

import (
	"context"
	"fmt"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/catalog"
	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/exporters/internal/derive"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// DefaultEvery is the time between stats records.
const DefaultEvery = 5 * time.Second

// Config says what an Exporter writes. The zero Config works.
type Config struct {
	// Run is the run whose series are written beside the host's.
	Run sample.RunID
	// Every is the time between stats records; 0 is DefaultEvery. An output
	// that exports more often only makes the first record come sooner.
	Every time.Duration
	// Label is appended to every key as /l:<label>; W&B groups by it.
	Label string
	// Environment is called with what is known of the machine, first and
	// whenever that changes, from the goroutine that calls Export. nil writes
	// an environment record.
	Environment func(*wandbpb.EnvironmentRecord) error
	// DisableEnvironment leaves environment records out.
	DisableEnvironment bool
}

// Exporter writes stats and environment records of one run. Of a key that was
// read several times since the last record it writes the mean over time, of one
// that counts up the last value, and where the catalogue asks for it the
// highest as agent.max.<key>. It is made for one output of an agent.
type Exporter struct {
	log   *runlog.Writer
	cfg   Config
	set   *derive.Set
	means map[string]*mean // by W&B name
	facts *sample.Facts    // of the last environment record

	items   []runlog.StatItem
	active  []*mean // those that have something since the last record
	newest  int64   // Clock time of the newest reading in them
	written int64   // Clock time of the frame that made the last record
	began   bool    // a record was written
	seen    int64   // Clock time of the newest frame
	clock   sample.Clock
	emit    func(derive.Value) // e.take, made once
}

// New returns an Exporter that writes to w, which stays the caller's.
func New(w *runlog.Writer, cfg Config) *Exporter {
	if cfg.Every <= 0 {
		cfg.Every = DefaultEvery
	}
	e := &Exporter{log: w, cfg: cfg, means: make(map[string]*mean)}
	e.set = derive.New(catalog.WandB, func(s sample.Series) bool { return s.Run == "" || s.Run == cfg.Run })
	if e.cfg.Environment == nil {
		e.cfg.Environment = e.writeEnvironment
	}
	e.emit = e.take
	return e
}

// Export takes the batch in and writes a stats record when it is time for one.
// Errors are permanent: the log keeps what it accepted, and what it refuses
// now would only be counted twice if offered again.
func (e *Exporter) Export(ctx context.Context, b *sample.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.clock = b.Clock
	if !e.cfg.DisableEnvironment && b.Facts != nil && b.Facts != e.facts {
		e.facts = b.Facts
		if env := environment(b.Facts); env != nil {
			if err := e.cfg.Environment(env); err != nil {
				return agent.Permanent(fmt.Errorf("write environment: %w", err))
			}
		}
	}
	if len(b.Frames) == 0 {
		return nil
	}
	e.set.Observe(b)
	e.set.Evaluate(e.emit)
	e.seen = max(e.seen, b.Frames[len(b.Frames)-1].Time)
	// Samples come on ticks: one that is late by less than a tenth is due.
	if e.began && e.seen-e.written < int64(e.cfg.Every)*9/10 {
		return nil
	}
	return e.write()
}

// Shutdown writes what came since the last record.
func (e *Exporter) Shutdown(context.Context) error { return e.write() }

// write appends one stats record of what came since the last one.
func (e *Exporter) write() error {
	if len(e.active) == 0 {
		return nil
	}
	e.items = e.items[:0]
	for _, m := range e.active {
		e.items = m.appendTo(e.items)
		m.reset()
	}
	newest := e.newest
	e.active, e.newest, e.began, e.written = e.active[:0], 0, true, e.seen
	if err := e.log.Stats(e.clock.UnixNano(newest), e.items); err != nil {
		return agent.Permanent(fmt.Errorf("write stats: %w", err))
	}
	return nil
}

// take adds one value to the record being made.
func (e *Exporter) take(v derive.Value) {
	m, ok := e.means[v.Key]
	if !ok {
		m = newMean(v, e.cfg.Label)
		e.means[v.Key] = m
	}
	if m.count == 0 {
		e.active = append(e.active, m)
	}
	m.add(v)
	e.newest = max(e.newest, v.Time)
}
