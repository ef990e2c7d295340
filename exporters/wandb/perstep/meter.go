package perstep

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/catalog"
	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/exporters/internal/derive"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// Prefix begins the keys of all items.
const Prefix = "hardware/"

// Keys of what every step has that is measured.
const (
	CPUKey    = Prefix + "cpu_seconds" // CPU time of this process, user and system
	JoulesKey = Prefix + "joules"      // of the GPUs
)

// Default is what a program gets that names no metrics.
var Default = []string{"cpu", "memory_percent", "proc.memory.rssMB", "gpu.*.gpu", "gpu.*.memoryAllocated", "gpu.*.powerWatts"}

// Config says what a Meter tells. The zero Config tells of this process only.
type Config struct {
	Run     sample.RunID   // whose series count, beside the host's
	Metrics []string       // W&B names of system metrics; * stands for any text
	Every   time.Duration  // between samples; 0 is a second
	CPU     func() float64 // CPU seconds used so far, such as ProcessCPU; nil leaves them out
}

// Meter is the output of an agent that knows what the hardware did since the
// last step. Its methods may be called from any goroutine, Export from one.
type Meter struct {
	cfg   Config
	set   *derive.Set         // used by Export only
	fresh []derive.Value      // likewise
	keep  func(derive.Value)  // appends to fresh; made once
	seen  map[string]measured // by W&B name; likewise

	mu     sync.Mutex // guards what follows, held for moments
	gauges []*gaugeItems
	totals []*totalItem
	gpus   []*consumer
	cpu    float64 // at the last mark
	used   float64 // by the step up to there
}

// measured is what a W&B name feeds; nil is nothing.
type measured struct {
	gauge  *gaugeItems
	total  *totalItem
	energy *consumer // that counts millijoules under this name
	power  *consumer // that tells watts under this name
}

type gaugeItems struct {
	gauge
	mean, max runlog.Key
}

type totalItem struct {
	total
	key runlog.Key
}

// consumer is one GPU. Its power counts as long as it shows no energy.
type consumer struct {
	name    string
	joules  total
	counted bool // by a counter of its own
}

var cpuKey, joulesKey = runlog.NewKey(CPUKey), runlog.NewKey(JoulesKey)

// New returns a Meter. The first step begins now.
func New(cfg Config) *Meter {
	if cfg.Every <= 0 {
		cfg.Every = time.Second
	}
	m := &Meter{cfg: cfg, seen: make(map[string]measured)}
	m.set = derive.New(catalog.WandB, func(s sample.Series) bool { return s.Run == "" || s.Run == cfg.Run })
	m.keep = func(v derive.Value) { m.fresh = append(m.fresh, v) }
	if cfg.CPU != nil {
		m.cpu = cfg.CPU()
	}
	return m
}

// Export takes readings in.
func (m *Meter) Export(ctx context.Context, b *sample.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.set.Observe(b)
	m.fresh = m.fresh[:0]
	m.set.Evaluate(m.keep)
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.fresh {
		m.take(&m.fresh[i])
	}
	return nil
}

// Shutdown does nothing: what came last belongs to no step.
func (m *Meter) Shutdown(context.Context) error { return nil }

// take is called with mu held.
func (m *Meter) take(v *derive.Value) {
	to, ok := m.seen[v.Key]
	if !ok {
		to = m.meet(v)
		m.seen[v.Key] = to
	}
	if to.gauge != nil {
		to.gauge.read(v.Time, v.V)
	}
	if to.total != nil {
		to.total.read(v.Time, v.V)
	}
	if e := to.energy; e != nil {
		if !e.counted {
			e.counted, e.joules = true, total{pace: m.pace(), upto: e.joules.upto}
		}
		e.joules.read(v.Time, v.V/1e3)
	}
	if p := to.power; p != nil && !p.counted {
		p.joules.power(v.Time, v.V)
	}
}

func (m *Meter) pace() pace { return pace{every: int64(m.cfg.Every)} }

// meet finds out what a name is for.
func (m *Meter) meet(v *derive.Value) (to measured) {
	for _, pattern := range m.cfg.Metrics {
		if !match(pattern, v.Key) {
			continue
		}
		if v.Total {
			to.total = &totalItem{total: total{pace: m.pace()}, key: runlog.NewKey(Prefix + v.Key + ".increase")}
			m.totals = append(m.totals, to.total)
		} else {
			to.gauge = &gaugeItems{gauge: gauge{pace: m.pace()}, mean: runlog.NewKey(Prefix + v.Key + ".mean"), max: runlog.NewKey(Prefix + v.Key + ".max")}
			m.gauges = append(m.gauges, to.gauge)
		}
		break
	}
	gpu, what, ok := cutGPU(v.Key)
	switch {
	case ok && what == "totalEnergyConsumption":
		to.energy = m.consumer(gpu)
	case ok && what == "powerWatts":
		to.power = m.consumer(gpu)
	}
	return to
}

// cutGPU cuts gpu.<number>.<what>; others are not a whole GPU's.
func cutGPU(key string) (gpu, what string, ok bool) {
	rest, ok := strings.CutPrefix(key, "gpu.")
	gpu, what, cut := strings.Cut(rest, ".")
	return gpu, what, ok && cut && strings.Trim(gpu, "0123456789") == ""
}

func (m *Meter) consumer(name string) *consumer {
	for _, c := range m.gpus {
		if c.name == name {
			return c
		}
	}
	c := &consumer{name: name, joules: total{pace: m.pace()}}
	m.gpus = append(m.gpus, c)
	return c
}

// match says whether * in pattern can be replaced by texts to make name.
func match(pattern, name string) bool {
	head, rest, some := strings.Cut(pattern, "*")
	if !some {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, head)
	for ok && len(name) >= 0 {
		if match(rest, name) {
			return true
		}
		if name == "" {
			break
		}
		name = name[1:]
	}
	return false
}

// Mark says that the step lasts until now, Clock time, at least: what was
// measured since the last Mark is the step's. It allocates nothing.
func (m *Meter) Mark(now int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cfg.CPU != nil {
		cpu := m.cfg.CPU()
		m.used, m.cpu = m.used+cpu-m.cpu, cpu
	}
	for _, c := range m.gpus {
		c.joules.mark(now)
	}
	for _, g := range m.gauges {
		g.mark(now)
	}
	for _, t := range m.totals {
		t.mark(now)
	}
}

// Append ends the step at the last Mark and appends what is known of it. It
// allocates nothing once items has grown.
func (m *Meter) Append(items []runlog.Item) []runlog.Item {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cfg.CPU != nil {
		items = append(items, runlog.Item{Key: cpuKey, F: m.used})
		m.used = 0
	}
	joules, known := 0.0, false
	for _, c := range m.gpus {
		share, ok := c.joules.take()
		joules, known = joules+share, known || ok
	}
	if known {
		items = append(items, runlog.Item{Key: joulesKey, F: joules})
	}
	for _, g := range m.gauges {
		if mean, top, ok := g.take(); ok {
			items = append(items, runlog.Item{Key: g.mean, F: mean}, runlog.Item{Key: g.max, F: top})
		}
	}
	for _, t := range m.totals {
		if share, ok := t.take(); ok {
			items = append(items, runlog.Item{Key: t.key, F: share})
		}
	}
	return items
}
