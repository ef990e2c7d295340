package runapi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors"
	"github.com/wandb-agent/wandb-agent/exporters/wandb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Bounds of what Finish waits for.
const (
	startGrace  = time.Second     // sources that are still being opened
	finishGrace = 3 * time.Second // last sample and outputs
)

// hardware is the agent of a run: sources, the output into the run's log, and
// the outputs of the program. nil when the run has neither.
type hardware struct {
	agent   *agent.Agent
	run     sample.RunID
	cancel  context.CancelFunc
	done    chan struct{}   // closed when Agent.Run has returned
	started chan struct{}   // closed when the sources were added
	sources *collectors.Set // set before started closes
	lane    *sample.Schema  // of rows; nil when no output can want them
	source  sample.SourceID
}

// startHardware makes the run's agent and starts it. Opening the sources (the
// GPU driver above all) happens beside.
func (r *Run) startHardware() error {
	steps := r.meterSteps()
	if r.set.DisableStats && len(r.set.Outputs) == 0 {
		return nil
	}
	run := sample.RunID(r.set.ID)
	outputs := append([]agent.Output{r.logOutput(run)}, steps...)
	for _, o := range r.set.Outputs {
		if s := o.Select; !s.Host && !s.All && !s.Rows && len(s.Runs) == 0 {
			o.Select = agent.Select{Host: true, Runs: []sample.RunID{run}, Rows: true}
		}
		if o.Clock == nil {
			o.Clock = &r.clock
		}
		outputs = append(outputs, o)
	}
	a, err := agent.New(agent.Config{Logger: r.set.Logger, Clock: r.clock, Outputs: outputs})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	h := &hardware{agent: a, run: run, cancel: cancel, done: make(chan struct{}), started: make(chan struct{})}
	if len(r.set.Outputs) > 0 {
		h.source, h.lane = a.RowSource(run)
	}
	r.hw = h
	go func() { // ends when cancel is called, by Finish
		defer close(h.done)
		if err := a.Run(ctx); err != nil {
			r.set.Logger.Warn("agent ended", "run", r.set.ID, "error", err)
		}
	}()
	go func() { // ends when the sources are open; Finish waits a while for it
		defer close(h.started)
		r.openSources(h)
	}()
	return nil
}

// logOutput is the output into the run's own log.
func (r *Run) logOutput(run sample.RunID) agent.Output {
	return agent.Output{
		Name: "wandb/" + r.set.ID,
		Exporter: wandb.New(r.log, wandb.Config{
			Run: run, Every: r.set.StatsInterval, Label: r.set.Label,
			Environment: r.addEnvironment, DisableEnvironment: r.set.DisableMeta,
		}),
		Select: agent.Select{Host: true, Runs: []sample.RunID{run}},
		Every:  min(r.set.SampleInterval, r.set.StatsInterval),
		Clock:  &r.clock,
	}
}

// openSources opens what is to be measured and adds it to the agent.
func (r *Run) openSources(h *hardware) {
	if r.set.DisableStats {
		return
	}
	cfg := collectors.Config{
		Run: h.run, PID: r.set.PID, Every: r.set.SampleInterval, Logger: r.set.Logger,
		ProcessOnly: r.set.noHost || r.set.HostSampling == HostNever,
		DiskPaths:   r.set.DiskPaths, GPULibrary: r.set.GPULibrary, OrphanMarker: r.set.OrphanMarker,
	}
	set, err := collectors.Open(cfg)
	if err != nil { // the process may be gone: the machine is still worth measuring
		r.set.Logger.Warn("process not followed", "run", r.set.ID, "pid", r.set.PID, "error", err)
		cfg.Run = ""
		if set, err = collectors.Open(cfg); err != nil {
			r.set.Logger.Warn("hardware not measured", "run", r.set.ID, "error", err)
			return
		}
	}
	h.sources = set
	for _, s := range set.Sources {
		if err := h.agent.AddSource(s); err != nil && !errors.Is(err, agent.ErrEnded) {
			r.set.Logger.Warn("source not added", "run", r.set.ID, "source", s.Name, "error", err)
		}
	}
}

// laneRef describes a key's series for the outputs that want rows.
func (r *Run) laneRef(name string) (sample.Ref, bool) {
	if r.hw == nil || r.hw.lane == nil {
		return 0, false
	}
	ref, err := r.hw.lane.Add(sample.RowDesc(name))
	return ref, err == nil
}

// toLane hands the numbers of a stored row to the agent. Called with mu held.
func (r *Run) toLane(v *values, step, now int64) {
	if r.hw == nil || r.hw.lane == nil {
		return
	}
	f := &r.frame
	f.Reset()
	f.Source, f.Step, f.Time = r.hw.source, step, now
	for i, k := range v.keys {
		if !k.lane {
			continue
		}
		if x, ok := asFloat(&v.items[i]); ok {
			f.Put(k.ref, x)
		}
	}
	if len(f.Refs) > 0 {
		r.hw.agent.Append(f)
	}
}

// addEnvironment stores what the agent found out about the machine.
func (r *Run) addEnvironment(env *wandbpb.EnvironmentRecord) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.storeEnvironment(env)
}

// finish takes the last sample, drains the outputs and ends the agent, all
// within ctx.
func (h *hardware) finish(ctx context.Context) error {
	if h == nil {
		return nil
	}
	opened := false
	select {
	case <-h.started:
		opened = true
	case <-time.After(startGrace):
	case <-ctx.Done():
	}
	err := h.agent.Finish(ctx, h.run)
	h.cancel()
	select {
	case <-h.done:
	case <-ctx.Done():
		return errors.Join(err, fmt.Errorf("end agent: %w", ctx.Err()))
	}
	if opened && h.sources != nil {
		err = errors.Join(err, h.sources.Close())
	}
	return err
}

// lost counts frames that did not reach the run's log.
func (h *hardware) lost() int64 {
	if h == nil {
		return 0
	}
	st := h.agent.Status()
	var n uint64
	for _, list := range [][]agent.OutputStatus{st.Outputs, st.Past} {
		for i := range list {
			if list[i].Name == "wandb/"+string(h.run) {
				n += list[i].Dropped
			}
		}
	}
	return int64(n)
}
