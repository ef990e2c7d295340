package gpu

import (
	"fmt"

	"github.com/wandb-agent/wandb-agent/agent"
)

// Explain says why there are no GPUs, which of them are not read, and which
// numbers of the others the driver does not give.
func (d *Driver) Explain() []agent.Absence {
	d.mu.Lock()
	status := d.status
	slots := append([]*deviceSlot(nil), d.all...)
	d.mu.Unlock()
	var out []agent.Absence
	if status.Reason != "" {
		out = append(out, agent.Absence{Metric: "hw.gpu.*, hwx.gpu.*", Reason: status.Reason, Remedy: status.remedy()})
	}
	if status.State != Running {
		return out
	}
	for _, g := range slots {
		out = append(out, g.explain()...)
	}
	return out
}

func (s Status) remedy() string {
	switch {
	case Unavailable() != "":
		return "use a program built with cgo on Linux"
	case s.State == Absent:
		return "install the NVIDIA driver, or give the container its GPUs; neither needs a restart of the agent"
	case s.State == Lost:
		return "see that nvidia-smi works; the library is tried again by itself"
	}
	return ""
}

// explain says what is missing of one GPU.
func (g *deviceSlot) explain() []agent.Absence {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.stuck:
		return []agent.Absence{{Metric: "all of " + g.name, Reason: "a driver call hangs", Remedy: "it goes on when the driver answers; else the GPU or the machine needs a reset"}}
	case g.working && g.health != fine:
		return []agent.Absence{{Metric: "all of " + g.name, Reason: "the GPU is " + healthStates[g.health], Remedy: "reset the GPU or the machine; it is looked for once a minute"}}
	}
	var out []agent.Absence
	for c, answer := range g.answers {
		kind := answer.class()
		if kind == classOK || kind == classNothing || calls[c].gives == "" {
			continue
		}
		a := agent.Absence{Metric: calls[c].gives, Reason: fmt.Sprintf("%s on %s: %s", calls[c].name, g.name, answer.Error())}
		if kind == classDenied {
			a.Remedy = "needs more rights, or the whole GPU instead of a part of it"
		}
		out = append(out, a)
	}
	return out
}
