package gpu

import (
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/catalog"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// health is the state of a GPU as its worker last saw it.
type health uint8

const (
	fine health = iota
	degraded
	failed
)

// healthStates are the hw.state values, by health.
var healthStates = [...]string{fine: "ok", degraded: "degraded", failed: "failed"}

// deviceSlot is one GPU for the life of the Driver: its number, its identity,
// its series and what its worker last read. The library coming and going, and
// the GPU being lost and found, do not change it.
type deviceSlot struct {
	index int    // number in gpu{index}; never given to another GPU
	name  string // gpu0
	facts sample.GPU

	work chan uint64 // tick numbers for the worker; size 1, sent only while it is idle

	// Owned by the goroutine that calls Describe and Collect.
	refs       slotRefs
	infoDriver string // driver version that refs.info names
	lastEnergy float64

	mu        sync.Mutex // guards all below
	driver    string     // driver version
	working   bool       // a worker exists
	busy      bool       // it has a tick that it has not finished
	tick      uint64     // that tick, or the last it had
	busySince int64      // Clock time in ns at which it got the tick
	stuck     bool       // busy for longer than the limit, and reported
	done      uint64     // the tick that latest belongs to
	latest    reading
	took      time.Duration
	errors    [callCount]uint64
	answers   [callCount]code
	health    health
	compute   processList
	graphics  processList
}

// slotRefs are the series of one GPU.
type slotRefs struct {
	values   [valueCount]sample.Ref
	states   [len(healthStates)]sample.Ref
	errors   [callCount]sample.Ref
	up       sample.Ref
	info     sample.Ref
	duration sample.Ref
}

// describe adds all series of the GPU to the schema.
func (g *deviceSlot) describe(s *sample.Schema) error {
	uuid := g.facts.UUID
	if err := describeValues(s, &g.refs.values, uuid, g.name); err != nil {
		return err
	}
	add := adder{schema: s, uuid: uuid, name: g.name}
	for i, state := range healthStates {
		g.refs.states[i] = add.ref("hw.status", "gpu", state)
	}
	for c := range calls {
		g.refs.errors[c] = add.ref("hwx.gpu.collect.errors", calls[c].name)
	}
	g.refs.up = add.ref("hwx.gpu.collect.up")
	g.refs.duration = add.ref("hwx.gpu.collect.duration")
	g.describeInfo(s, &add)
	// The energy counter counts since the driver was loaded, a time the driver
	// does not tell: since boot at the earliest.
	if add.err == nil && g.lastEnergy == 0 {
		s.SetStart(g.refs.values[energy], 1)
	}
	return add.err
}

// describeInfo adds the series that says what the GPU is; one that names an
// older driver ends.
func (g *deviceSlot) describeInfo(s *sample.Schema, add *adder) {
	g.mu.Lock()
	driver := g.driver
	g.mu.Unlock()
	if g.infoDriver != "" && g.infoDriver != driver {
		s.End(g.refs.info)
	}
	g.infoDriver = driver
	g.refs.info = add.ref("hwx.gpu.info", g.facts.Name, "nvidia", driver, g.facts.Architecture)
}

// adder adds series of one GPU and keeps the first error.
type adder struct {
	schema     *sample.Schema
	uuid, name string
	err        error
}

func (a *adder) ref(metric string, labels ...string) sample.Ref {
	ref, err := catalog.Add(a.schema, metric, append([]string{a.uuid, a.name}, labels...)...)
	if a.err == nil {
		a.err = err
	}
	return ref
}

// start hands the tick to the worker when it is idle, and reports whether the
// tick is to be waited for.
func (g *deviceSlot) start(tick uint64, now int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.working || g.busy {
		return false
	}
	g.busy, g.tick, g.busySince = true, tick, now
	g.work <- tick
	return true
}

// pending reports whether the worker has this tick and has not finished it. A
// worker still busy with an earlier one is not waited for.
func (g *deviceSlot) pending(tick uint64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.busy && g.tick == tick
}

// leave takes back what the worker was handed and will not do, so that nobody
// waits for it.
func (g *deviceSlot) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.work:
	default:
	}
	g.working, g.busy = false, false
}

// overdue notices that the worker's call became stuck, or returned: turned
// says that this is news.
func (g *deviceSlot) overdue(now int64, limit time.Duration) (stuck, turned bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	stuck = g.busy && now-g.busySince >= int64(limit)
	turned = stuck != g.stuck
	g.stuck = stuck
	return stuck, turned
}

// hire makes the slot ready for a new worker; no other exists. It returns the
// error counts to go on from.
func (g *deviceSlot) hire(driver string) [callCount]uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.work: // a tick that the last worker left behind
	default:
	}
	g.working, g.busy, g.stuck, g.health = true, false, false, fine
	g.driver = driver
	return g.errors
}

// dismiss stops ticks from being handed out. The worker may still be busy.
func (g *deviceSlot) dismiss() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.working = false
	g.compute, g.graphics = processList{}, processList{}
}

// publish takes over what the worker read.
func (g *deviceSlot) publish(tick uint64, r *reader, took time.Duration, h health) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done, g.busy = tick, false
	g.latest, g.took, g.errors, g.answers, g.health = r.out, took, r.errors, r.answers, h
	if h != fine {
		g.latest.has = 0
		g.compute, g.graphics = processList{}, processList{}
		return
	}
	g.compute, g.graphics = r.compute, r.graphics
}

// put adds what the tick brought, and what is known of the GPU without it.
func (g *deviceSlot) put(f *sample.Frame, s *sample.Schema, tick uint64, now int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.working {
		f.Put(g.refs.up, 0)
		return
	}
	fresh := g.done == tick
	if fresh && g.health == fine && g.latest.has != 0 {
		g.checkEnergy(s, now)
		g.latest.put(f, &g.refs.values)
		f.Put(g.refs.up, 1)
		f.Put(g.refs.duration, g.took.Seconds())
		f.Put(g.refs.info, 1)
	} else if fresh || g.stuck {
		f.Put(g.refs.up, 0)
	}
	for i, ref := range g.refs.states {
		f.Put(ref, boolean(int(g.health) == i))
	}
	for c, ref := range g.refs.errors {
		f.Put(ref, float64(g.errors[c]))
	}
}

// checkEnergy notices that the driver was loaded anew: the counter fell.
func (g *deviceSlot) checkEnergy(s *sample.Schema, now int64) {
	joules, found := g.latest.get(energy)
	if !found {
		return
	}
	if joules < g.lastEnergy {
		s.SetStart(g.refs.values[energy], now)
	}
	g.lastEnergy = joules
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
