package gpu

import (
	"context"
	"os"
	"strconv"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/catalog"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// Follow returns the source that says which GPUs belong to a run, and how much
// of their memory each of its processes uses.
//
// member reports whether a process belongs to the run, its root included; it
// is called from the source's goroutine on every tick and must not block. The
// driver's process lists are 10 s old at most.
//
// The driver names processes by their numbers in the initial pid namespace.
// Where the agent lives in another one, member is never asked, because the
// number would mean another process here: the run's GPUs are then those that
// the environment of root, a process of the run in this namespace, shows it
// (NVIDIA_VISIBLE_DEVICES, CUDA_VISIBLE_DEVICES). Where even that does not
// tell, nothing is put.
func (d *Driver) Follow(run sample.RunID, root int, member func(pid int) bool, every time.Duration) agent.Source {
	return agent.Source{
		Name: "gpu/run/" + string(run), Run: run, Every: every,
		Collector: &follower{driver: d, root: root, member: member},
	}
}

// follower is the collector of Follow.
type follower struct {
	driver *Driver
	root   int
	member func(pid int) bool

	schema     *sample.Schema
	described  uint64
	gpus       []followedGPU
	processes  []processSeries
	numbersOK  bool   // the driver's process numbers mean the same here
	visible    []bool // by gpus, when they do not
	visibleOK  bool
	visibleLog bool // its absence was logged
	fresh      bool // Describe came after the last Collect
}

type followedGPU struct {
	slot *deviceSlot
	ref  sample.Ref
}

// processSeries is the memory of one process on one GPU.
type processSeries struct {
	slot      *deviceSlot
	pid       int
	kind      string
	ref       sample.Ref
	described bool
	seen      bool   // on this tick
	used      uint64 // bytes, sum over its entries
	usedOK    bool
}

func (m *follower) Describe(s *sample.Schema) error {
	d := m.driver
	d.mu.Lock()
	change := d.change
	slots := append([]*deviceSlot(nil), d.all...)
	d.mu.Unlock()
	m.gpus = m.gpus[:0]
	for _, g := range slots {
		ref, err := catalog.Add(s, "hwx.gpu.run.member", g.facts.UUID, g.name)
		if err != nil {
			return err
		}
		m.gpus = append(m.gpus, followedGPU{g, ref})
	}
	for i := range m.processes {
		if err := m.processes[i].describe(s); err != nil {
			return err
		}
	}
	m.schema, m.described, m.fresh = s, change, true
	m.numbersOK = initialNamespace(d.cfg.Proc)
	if !m.numbersOK {
		m.lookAtEnvironment()
	}
	return nil
}

func (p *processSeries) describe(s *sample.Schema) error {
	ref, err := catalog.Add(s, "hwx.process.gpu.memory.usage",
		p.slot.facts.UUID, p.slot.name, strconv.Itoa(p.pid), p.kind)
	p.ref, p.described = ref, err == nil
	return err
}

// Collect puts 1 for the GPUs of the run, 0 for the others and nothing for
// those of which it is not known.
func (m *follower) Collect(_ context.Context, f *sample.Frame) error {
	fresh := m.fresh
	m.fresh = false
	if !fresh && m.driver.changed(m.described) {
		return sample.ErrChanged
	}
	if !m.numbersOK {
		for i, g := range m.gpus {
			if m.visibleOK {
				f.Put(g.ref, boolean(m.visible[i]))
			}
		}
		return nil
	}
	if news := m.match(f); news && !fresh {
		return sample.ErrChanged // a process that came since Describe waits for the next tick
	}
	return nil
}

// match compares the driver's process lists with the run's processes, and
// reports whether there is a process that has no series yet.
func (m *follower) match(f *sample.Frame) (news bool) {
	for i := range m.processes {
		p := &m.processes[i]
		p.seen, p.used, p.usedOK = false, 0, false
	}
	for _, g := range m.gpus {
		g.slot.mu.Lock()
		compute, graphics := g.slot.compute, g.slot.graphics
		g.slot.mu.Unlock()
		if !compute.known && !graphics.known {
			continue
		}
		holds := m.count(g.slot, "compute", compute.list)
		holds = m.count(g.slot, "graphics", graphics.list) || holds
		f.Put(g.ref, boolean(holds))
	}
	return m.settle(f)
}

// count adds up one process list and reports whether the run is on it.
func (m *follower) count(g *deviceSlot, kind string, list []process) (holds bool) {
	for _, entry := range list {
		if !m.member(entry.pid) {
			continue
		}
		holds = true
		p := m.find(g, entry.pid, kind)
		p.seen = true
		if entry.used != notAvailable {
			p.used, p.usedOK = p.used+entry.used, true
		}
	}
	return holds
}

func (m *follower) find(g *deviceSlot, pid int, kind string) *processSeries {
	for i := range m.processes {
		if p := &m.processes[i]; p.slot == g && p.pid == pid && p.kind == kind {
			return p
		}
	}
	m.processes = append(m.processes, processSeries{slot: g, pid: pid, kind: kind})
	return &m.processes[len(m.processes)-1]
}

// settle puts the processes' memory and ends the series of those that are gone.
func (m *follower) settle(f *sample.Frame) (news bool) {
	kept := m.processes[:0]
	for _, p := range m.processes {
		switch {
		case !p.seen && p.described:
			m.schema.End(p.ref)
			continue
		case !p.seen:
			continue
		case !p.described:
			news = true
		case p.usedOK:
			f.Put(p.ref, float64(p.used))
		}
		kept = append(kept, p)
	}
	m.processes = kept
	return news
}

// initialPIDNamespace is the inode of the first pid namespace, the same on
// every Linux (PROC_PID_INIT_INO in the kernel's include/linux/proc_ns.h).
const initialPIDNamespace = "pid:[4026531836]"

// initialNamespace reports whether process numbers here are the driver's. When
// that cannot be read they are taken not to be.
func initialNamespace(proc string) bool {
	link, err := os.Readlink(proc + "/self/ns/pid")
	return err == nil && link == initialPIDNamespace
}

// lookAtEnvironment finds the GPUs that the run's environment shows it.
func (m *follower) lookAtEnvironment() {
	gpus := make([]sample.GPU, len(m.gpus))
	for i, g := range m.gpus {
		gpus[i] = g.slot.facts
	}
	env, err := readVisibility(m.driver.cfg.Proc, m.root)
	if err == nil {
		m.visible, m.visibleOK = env.gpus(gpus)
	}
	if !m.visibleOK && !m.visibleLog && len(gpus) > 0 {
		m.visibleLog = true
		m.driver.cfg.Logger.Warn("gpus of the run unknown in this container", "error", err,
			"nvidia_visible_devices", env.nvidia, "cuda_visible_devices", env.cuda)
	}
}
