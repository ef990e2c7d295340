package runapi

import (
	"fmt"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Aggregate is a set of summary values of a metric.
type Aggregate uint16

// Summary values of a metric. With any of Min, Max, Mean, Best, First, Last,
// P50 and P95 the summary of the metric is an object of the chosen ones; with
// None there is none; Copy and 0 are the last value.
//
// All but None and Copy are of the numbers that were logged. Min, Max and Mean
// become NaN with the first NaN; Best, P50 and P95 leave NaN out. Best is the
// least number, or the greatest with Goal Maximize; the official client takes it
// and computes nothing. P50 and P95 are ours: percentiles by the nearest rank,
// within 1 % of the number there, of what is logged after the definition, in at
// most 64 KiB a metric.
const (
	Min Aggregate = 1 << iota
	Max
	Mean
	First
	Last
	None
	Best
	Copy
	P50
	P95
)

// Goal says which direction is better.
type Goal uint8

// Goals of a metric.
const (
	Minimize Goal = iota + 1
	Maximize
)

// MetricOptions say how a metric is shown and summarised.
type MetricOptions struct {
	StepMetric string    // metric to plot against, nested parts joined by dots
	NoStepSync bool      // do not add the step metric's newest value to rows that lack it
	Summary    Aggregate // sum of Min, Max, ...; 0 is the last value
	Hidden     bool      // not plotted by itself
	Goal       Goal      // 0 is neither; Best then takes less for better
	Overwrite  bool      // replace an earlier definition; else options are added to it
}

// Metric is a metric that was defined. Its methods are safe for concurrent use
// and on a nil *Metric.
type Metric struct {
	run  *Run
	name string
}

// Name is the name given to DefineMetric: what MetricOptions.StepMetric wants.
func (m *Metric) Name() string {
	if m == nil {
		return ""
	}
	return m.name
}

// Update adds o to the definition, or replaces it with Overwrite, as a further
// DefineMetric of the same name does.
func (m *Metric) Update(o MetricOptions) error {
	if m == nil {
		return nil
	}
	return m.run.define(m.name, o)
}

// DefineMetric defines the metric called name. Nested parts are joined by dots,
// a dot within a part is written \. ; a name that ends in * defines every
// metric that begins with what stands before it, slashes and dots included, and
// has no definition of its own; of several such names the longest counts. A
// further definition of the same name is added: options and summary values are
// joined, except that None counts only when the newest one says it; StepMetric
// and Goal are replaced where given. A metric that a name with * has defined
// already keeps that, and what is said of it by name is added.
//
// Errors are ErrKey, ErrFinished or those of the run log.
func (r *Run) DefineMetric(name string, o MetricOptions) (*Metric, error) {
	if err := r.define(name, o); err != nil {
		return nil, err
	}
	return &Metric{r, name}, nil
}

func (r *Run) define(name string, o MetricOptions) error {
	if r == nil || r.off {
		return nil
	}
	if err := checkMetric(name, o.StepMetric); err != nil {
		return err
	}
	if o.Goal > Maximize {
		return fmt.Errorf("define metric %q: goal %d: want Minimize or Maximize", name, o.Goal)
	}
	m := o.record(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return ErrFinished
	}
	r.noteMetric(m)
	return r.write(&wandbpb.Record{RecordType: &wandbpb.Record_Metric{Metric: m}})
}

// record is the definition as the log has it.
func (o *MetricOptions) record(name string) *wandbpb.MetricRecord {
	m := &wandbpb.MetricRecord{
		Name:       name,
		StepMetric: o.StepMetric,
		Options:    &wandbpb.MetricOptions{StepSync: o.StepMetric != "" && !o.NoStepSync, Hidden: o.Hidden, Defined: true},
		Goal:       wandbpb.MetricRecord_MetricGoal(o.Goal),
	}
	if strings.HasSuffix(name, "*") {
		m.Name, m.GlobName = "", name
	}
	if o.Summary != 0 {
		m.Summary = o.Summary.record()
	}
	if o.Overwrite {
		m.XControl = &wandbpb.MetricControl{Overwrite: true}
	}
	return m
}

func (a Aggregate) record() *wandbpb.MetricSummary {
	return &wandbpb.MetricSummary{
		Min: a&Min != 0, Max: a&Max != 0, Mean: a&Mean != 0, First: a&First != 0,
		Last: a&Last != 0, None: a&None != 0, Best: a&Best != 0, Copy: a&Copy != 0, P50: a&P50 != 0, P95: a&P95 != 0,
	}
}

func checkMetric(name, step string) error {
	for _, n := range []string{name, step} {
		if strings.HasPrefix(n, "_") && n != "_step" && n != "_runtime" && n != "_timestamp" {
			return keyError(n, "names that start with _ are W&B's own")
		}
		if len(n) > MaxKeyBytes {
			return keyError(n, "it is longer than 4096 bytes")
		}
	}
	switch i := strings.IndexByte(name, '*'); {
	case name == "":
		return keyError(name, "it is empty")
	case i >= 0 && i != len(name)-1:
		return keyError(name, "* may only stand at the end")
	case strings.Contains(step, "*"):
		return fmt.Errorf("step metric: %w", keyError(step, "it may not contain *"))
	}
	return nil
}

// noteMetric marks the features that the definition uses.
func (r *Run) noteMetric(m *wandbpb.MetricRecord) {
	f := &r.features
	f.Metric = true
	f.MetricSummary = f.MetricSummary || m.Summary != nil
	f.MetricGoal = f.MetricGoal || m.Goal != 0
	f.MetricHidden = f.MetricHidden || m.Options.Hidden
	f.MetricStepSync = f.MetricStepSync || m.Options.StepSync
}
