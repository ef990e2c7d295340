package gpu

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// Config says which library to load and how patient to be. The zero Config is
// right for a machine.
type Config struct {
	Library string        // path, or soname found as the system does; default libnvidia-ml.so.1
	Proc    string        // procfs, default /proc
	Late    time.Duration // a tick waits this long for the GPUs, default 200 ms
	Stuck   time.Duration // a driver call that runs this long is stuck, default 5 s

	Clock  sample.Clock // the agent's clock
	Logger *slog.Logger // nil is silence
}

func (c Config) withDefaults() Config {
	if c.Library == "" {
		c.Library = "libnvidia-ml.so.1"
	}
	if c.Proc == "" {
		c.Proc = "/proc"
	}
	if c.Late <= 0 {
		c.Late = 200 * time.Millisecond
	}
	if c.Stuck <= 0 {
		c.Stuck = 5 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// maxStuck workers may hang in the driver; with more, the driver itself is
// taken to be hanging and nothing more is asked of it.
const maxStuck = 2

// startWait is how long the first Collect waits for the library, and the first
// tick for GPUs that wake up, so that a program of two seconds has GPU numbers.
const startWait = time.Second

// Driver is the collector of all NVIDIA GPUs of a machine. There can be one in
// a process: NVML is one library with one state. The zero Driver is not usable;
// New makes one, and its Run does the work.
type Driver struct {
	cfg      Config
	lib      library
	pace     pace
	finished chan struct{} // a worker has finished a tick; size 1
	gone     chan code     // a worker saw the library fail; size 1
	opened   chan struct{} // closed after the first try to open the library
	once     sync.Once     // closes opened

	// Owned by the goroutine that calls Describe and Collect.
	schema    *sample.Schema
	described uint64
	slots     []*deviceSlot // those described
	tick      uint64
	waited    bool
	fresh     bool // Describe came after the last Collect
	timer     *time.Timer
	asked     bool // a tick has gone to a worker
	stopped   bool // more than maxStuck workers are stuck

	mu     sync.Mutex // guards all below
	emit   func(sample.Event)
	all    []*deviceSlot // every GPU ever seen; grows only
	change uint64        // grows with all and with status
	status Status
}

var (
	_ agent.Collector = (*Driver)(nil)
	_ agent.Prober    = (*Driver)(nil)
	_ agent.Runner    = (*Driver)(nil)
	_ agent.Explainer = (*Driver)(nil)
)

// New returns a driver that has not touched the system yet.
func New(cfg Config) *Driver {
	cfg = cfg.withDefaults()
	return newDriver(cfg, newLibrary(cfg.Library))
}

func newDriver(cfg Config, lib library) *Driver {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &Driver{
		cfg: cfg, lib: lib, pace: usualPace, timer: timer,
		finished: make(chan struct{}, 1), gone: make(chan code, 1), opened: make(chan struct{}),
		emit:   func(sample.Event) {},
		status: Status{State: Absent, Reason: "not started"},
	}
}

// Source returns the source of the machine's GPUs, read at the given interval;
// 0 is the agent's default.
func (d *Driver) Source(every time.Duration) agent.Source {
	return agent.Source{Name: "gpu", Every: every, Collector: d}
}

// Probe fills in what the machine's GPUs are, or why there are none.
func (d *Driver) Probe(f *sample.Facts) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f.GPUDriver, f.CUDAVersion, f.GPUStatus = d.status.Driver, d.status.CUDA, d.status.Reason
	f.GPUs = nil
	for _, g := range d.all {
		f.GPUs = append(f.GPUs, g.facts)
	}
	return nil
}

// Describe adds the series of the GPUs known by now.
func (d *Driver) Describe(s *sample.Schema) error {
	d.mu.Lock()
	change := d.change
	d.slots = append(d.slots[:0], d.all...)
	d.mu.Unlock()
	for _, g := range d.slots {
		if err := g.describe(s); err != nil {
			return err
		}
	}
	d.schema, d.described, d.fresh = s, change, true
	return nil
}

// Collect starts a tick on every GPU whose worker is idle, waits for them for
// Config.Late at most, and puts what they read. GPUs that are late are left
// out; what they still read belongs to no tick.
func (d *Driver) Collect(ctx context.Context, f *sample.Frame) error {
	fresh := d.fresh && d.waited
	d.fresh = false
	d.awaitOpen(ctx)
	if !fresh && d.changed(d.described) {
		return sample.ErrChanged
	}
	now := d.cfg.Clock.Now()
	d.tick++
	d.watch(now)
	if !d.stopped {
		d.ask(now)
	}
	for _, g := range d.slots {
		g.put(f, d.schema, d.tick, now)
	}
	return nil
}

// changed reports whether GPUs or status differ from those of change number n.
func (d *Driver) changed(n uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.change != n
}

// ask has every idle worker read its GPU and waits for them.
func (d *Driver) ask(now int64) {
	waiting := false
	for _, g := range d.slots {
		waiting = g.start(d.tick, now) || waiting
	}
	if !waiting {
		return
	}
	patience := d.cfg.Late
	if !d.asked {
		patience = max(patience, startWait)
	}
	d.asked = true
	d.timer.Reset(patience)
	defer d.timer.Stop()
	for d.anyPending() {
		select {
		case <-d.finished:
		case <-d.timer.C:
			return
		}
	}
}

func (d *Driver) anyPending() bool {
	for _, g := range d.slots {
		if g.pending(d.tick) {
			return true
		}
	}
	return false
}

// watch finds the workers that are stuck in a driver call.
func (d *Driver) watch(now int64) {
	n := 0
	for _, g := range d.slots {
		stuck, turned := g.overdue(now, d.cfg.Stuck)
		if stuck {
			n++
		}
		if turned {
			d.sayStuckSlow(g, stuck)
		}
	}
	if stop := n > maxStuck; stop != d.stopped {
		d.stopped = stop
		d.cfg.Logger.Warn("gpu collection stopped or resumed", "stopped", stop, "stuck", n)
	}
}

// sayStuckSlow reports that a GPU's driver call hangs, or returned.
func (d *Driver) sayStuckSlow(g *deviceSlot, stuck bool) {
	text := g.name + ": driver call returned"
	if stuck {
		text = g.name + ": driver call runs for more than " + d.cfg.Stuck.String()
	}
	d.cfg.Logger.Warn("gpu driver call stuck or back", "gpu", g.name, "stuck", stuck)
	d.event(sample.EventCollector, text)
}

// awaitOpen holds up the first Collect until the library was tried.
func (d *Driver) awaitOpen(ctx context.Context) {
	if d.waited {
		return
	}
	d.waited = true
	d.timer.Reset(startWait)
	defer d.timer.Stop()
	select {
	case <-d.opened:
	case <-d.timer.C:
	case <-ctx.Done():
	}
}

// event hands an event to the agent.
func (d *Driver) event(kind sample.EventKind, text string) {
	d.mu.Lock()
	emit := d.emit
	d.mu.Unlock()
	emit(sample.Event{Time: d.cfg.Clock.Now(), Kind: kind, Text: text})
}
