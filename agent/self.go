package agent

import (
	"context"
	"runtime"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/internal/ring"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// The source under which the agent reports on itself.
const (
	selfName  = "agent/self"
	selfEvery = 10 * time.Second
)

// selfMetric is an index into selfDescs and into the refs of one subject.
type selfMetric int

// Per source.
const (
	srcTicks selfMetric = iota
	srcMissed
	srcErrors
	srcPanics
	srcTime
	srcLateTime
	srcLateCount
	srcLateMax
	srcMetrics
)

// Per output.
const (
	outOffered selfMetric = iota
	outSent
	outDropped
	outLost
	outPending
	outExports
	outFailed
	outTime
	outEvents
	outMetrics
)

// Of the whole agent.
const (
	allSeries selfMetric = iota
	allRefused
	allUnknown
	allUptime
	allGoroutines
	allRSS
	allCPU
	allMetrics
)

var sourceDescs = [srcMetrics]sample.Desc{
	srcTicks:     {Name: "wandb_agent.source.samples", Unit: "{sample}", Kind: sample.Counter, Help: "Samples that the source tried to take."},
	srcMissed:    {Name: "wandb_agent.source.missed", Unit: "{tick}", Kind: sample.Counter, Help: "Ticks without a sample: the one before still ran, the tick came late, or the source is benched."},
	srcErrors:    {Name: "wandb_agent.source.errors", Unit: "{error}", Kind: sample.Counter, Help: "Samples that failed, panics included."},
	srcPanics:    {Name: "wandb_agent.source.panics", Unit: "{panic}", Kind: sample.Counter, Help: "Samples that ended in a panic of the collector."},
	srcTime:      {Name: "wandb_agent.source.collect.time", Unit: "s", Kind: sample.Counter, Help: "Time spent taking samples."},
	srcLateTime:  {Name: "wandb_agent.source.lateness.time", Unit: "s", Kind: sample.Counter, Help: "Sum of how late ticks were."},
	srcLateCount: {Name: "wandb_agent.source.lateness.count", Unit: "{tick}", Kind: sample.Counter, Help: "Ticks whose lateness is in the sum."},
	srcLateMax:   {Name: "wandb_agent.source.lateness.max", Unit: "s", Kind: sample.Gauge, Help: "Longest lateness of a tick since the start."},
}

var outputDescs = [outMetrics]sample.Desc{
	outOffered: {Name: "wandb_agent.output.offered", Unit: "{frame}", Kind: sample.Counter, Help: "Frames that the output selects; always sent + dropped + pending."},
	outSent:    {Name: "wandb_agent.output.sent", Unit: "{frame}", Kind: sample.Counter, Help: "Frames that the receiver confirmed."},
	outDropped: {Name: "wandb_agent.output.dropped", Unit: "{frame}", Kind: sample.Counter, Help: "Frames that were refused or lost."},
	outLost:    {Name: "wandb_agent.output.lost", Unit: "{frame}", Kind: sample.Counter, Help: "Dropped frames that were overwritten in the ring before they were sent."},
	outPending: {Name: "wandb_agent.output.pending", Unit: "{frame}", Kind: sample.UpDown, Help: "Frames not yet sent."},
	outExports: {Name: "wandb_agent.output.exports", Unit: "{export}", Kind: sample.Counter, Help: "Exports that ended."},
	outFailed:  {Name: "wandb_agent.output.failed", Unit: "{export}", Kind: sample.Counter, Help: "Exports that ended with an error."},
	outTime:    {Name: "wandb_agent.output.export.time", Unit: "s", Kind: sample.Counter, Help: "Time spent in exports."},
	outEvents:  {Name: "wandb_agent.output.events.dropped", Unit: "{event}", Kind: sample.Counter, Help: "Events pushed out by newer ones before they were sent."},
}

var agentDescs = [allMetrics]sample.Desc{
	allSeries:     {Name: "wandb_agent.series", Unit: "{series}", Kind: sample.UpDown, Help: "Slots of the list of series, ended series that wait for reuse included."},
	allRefused:    {Name: "wandb_agent.series.refused", Unit: "{series}", Kind: sample.Counter, Help: "Attempts to add a series above the ceiling."},
	allUnknown:    {Name: "wandb_agent.frames.unknown", Unit: "{frame}", Kind: sample.Counter, Help: "Rows appended for a run that is none or has finished."},
	allUptime:     {Name: "wandb_agent.uptime", Unit: "s", Kind: sample.Gauge, Help: "Time since the agent began to run."},
	allGoroutines: {Name: "wandb_agent.goroutines", Unit: "{goroutine}", Kind: sample.UpDown, Help: "Goroutines of the process that the agent runs in."},
	allRSS:        {Name: "wandb_agent.process.memory.rss", Unit: "By", Kind: sample.UpDown, Help: "Resident memory of the process that the agent runs in."},
	allCPU:        {Name: "wandb_agent.process.cpu.time", Unit: "s", Kind: sample.Counter, Help: "CPU time, user and system, of the process that the agent runs in."},
}

// fillDesc is reported once per lane.
var fillDesc = sample.Desc{Name: "wandb_agent.ring.fill", Unit: "1", Kind: sample.Gauge, Help: "Part of the ring's lane that holds frames."}

// self is the Collector of the agent's own numbers. It describes again when
// sources or outputs come or go.
type self struct {
	agent    *Agent
	process  process
	revision uint64
	sources  []sourceRefs
	outputs  []outputRefs
	refs     [allMetrics]sample.Ref
	fill     [2]sample.Ref
}

type sourceRefs struct {
	source *source
	refs   [srcMetrics]sample.Ref
}

type outputRefs struct {
	output *output
	refs   [outMetrics]sample.Ref
}

// Describe describes what the agent has now and ends the series of what it has
// no more.
func (c *self) Describe(s *sample.Schema) error {
	a := c.agent
	a.mu.Lock()
	sources := append([]*source(nil), a.sources...)
	outputs := append([]*output(nil), a.outputs...)
	c.revision = a.revision
	a.mu.Unlock()
	keep := make(map[sample.Ref]bool)
	add := add{schema: s, keep: keep}
	old := c.all()
	c.sources, c.outputs = c.sources[:0], c.outputs[:0]
	for _, x := range sources {
		r := sourceRefs{source: x}
		add.each(sourceDescs[:], r.refs[:], sample.Label{Name: "source", Value: x.Name})
		c.sources = append(c.sources, r)
	}
	for _, x := range outputs {
		r := outputRefs{output: x}
		add.each(outputDescs[:], r.refs[:], sample.Label{Name: "output", Value: x.Name})
		c.outputs = append(c.outputs, r)
	}
	add.each(agentDescs[:], c.refs[:])
	add.each([]sample.Desc{fillDesc}, c.fill[:1], sample.Label{Name: "lane", Value: "hardware"})
	add.each([]sample.Desc{fillDesc}, c.fill[1:], sample.Label{Name: "lane", Value: "rows"})
	for _, ref := range old {
		if !keep[ref] {
			s.End(ref)
		}
	}
	return nil
}

// all returns the refs of sources and outputs described before.
func (c *self) all() (refs []sample.Ref) {
	for i := range c.sources {
		refs = append(refs, c.sources[i].refs[:]...)
	}
	for i := range c.outputs {
		refs = append(refs, c.outputs[i].refs[:]...)
	}
	return refs
}

// add describes many series. One that the ceiling refuses is left out: the
// others are needed most when the list is full.
type add struct {
	schema *sample.Schema
	keep   map[sample.Ref]bool
}

// noRef stands for a series that was refused.
const noRef = ^sample.Ref(0)

// put adds a reading of a series that was not refused.
func put(f *sample.Frame, ref sample.Ref, v float64) {
	if ref != noRef {
		f.Put(ref, v)
	}
}

func (a *add) each(descs []sample.Desc, refs []sample.Ref, labels ...sample.Label) {
	for i, d := range descs {
		d.Labels = labels
		ref, err := a.schema.Add(d)
		if err != nil {
			refs[i] = noRef
			continue
		}
		refs[i] = ref
		a.keep[ref] = true
	}
}

// Collect puts the account of everything described.
func (c *self) Collect(_ context.Context, f *sample.Frame) error {
	a := c.agent
	a.mu.Lock()
	changed := c.revision != a.revision
	started := a.started
	a.mu.Unlock()
	if changed {
		return sample.ErrChanged
	}
	for i := range c.sources {
		c.sources[i].put(f)
	}
	for i := range c.outputs {
		c.outputs[i].put(f)
	}
	put(f, c.fill[0], a.ring.Fill(ring.Hardware))
	put(f, c.fill[1], a.ring.Fill(ring.Rows))
	put(f, c.refs[allSeries], float64(a.schema.Len()))
	put(f, c.refs[allRefused], float64(a.schema.Refused()))
	put(f, c.refs[allUnknown], float64(a.unknown.Load()))
	put(f, c.refs[allUptime], time.Duration(f.Time-started).Seconds())
	put(f, c.refs[allGoroutines], float64(runtime.NumGoroutine()))
	if rss, ok := c.process.rss(); ok {
		put(f, c.refs[allRSS], rss)
	}
	if cpu, ok := c.process.cpu(); ok {
		put(f, c.refs[allCPU], cpu)
	}
	return nil
}

func (r *sourceRefs) put(f *sample.Frame) {
	st := r.source.snapshot()
	put(f, r.refs[srcTicks], float64(st.ticks))
	put(f, r.refs[srcMissed], float64(st.missed))
	put(f, r.refs[srcErrors], float64(st.errs))
	put(f, r.refs[srcPanics], float64(st.panics))
	put(f, r.refs[srcTime], st.tookAll.Seconds())
	put(f, r.refs[srcLateTime], st.lateAll.Seconds())
	put(f, r.refs[srcLateCount], float64(st.lateN))
	put(f, r.refs[srcLateMax], st.lateMax.Seconds())
}

func (r *outputRefs) put(f *sample.Frame) {
	n := r.output.cursor.Counts()
	r.output.mu.Lock()
	last, events := r.output.last, r.output.events.dropped
	r.output.mu.Unlock()
	put(f, r.refs[outOffered], float64(n.Offered))
	put(f, r.refs[outSent], float64(n.Sent))
	put(f, r.refs[outDropped], float64(n.Dropped))
	put(f, r.refs[outLost], float64(n.Lost))
	put(f, r.refs[outPending], float64(n.Pending))
	put(f, r.refs[outExports], float64(last.exports))
	put(f, r.refs[outFailed], float64(last.failed))
	put(f, r.refs[outTime], last.took.Seconds())
	put(f, r.refs[outEvents], float64(events))
}

// Close gives the descriptors back.
func (c *self) Close() error { return c.process.close() }
