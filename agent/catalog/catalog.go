// Package catalog is the one table of metrics: a row per metric with its
// canonical name, unit, kind and help, and its Views: how other vocabularies
// (W&B keys, node_exporter, dcgm-exporter) spell and scale it.
//
// Collectors make every built-in sample.Desc here, exporters read the Views,
// and docs/metrics.md is generated from it, so a name stands in one place.
//
// Names follow the OpenTelemetry semantic conventions v1.44.0 where they have
// one (Standard), else they are ours (hwx. for GPUs, system.linux.,
// process.linux., container.linux.): docs/metrics.md marks them.
package catalog

import (
	"fmt"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// Stability says where a name comes from.
type Stability uint8

const (
	// Ours is a name that no convention has.
	Ours Stability = iota
	// Development is OpenTelemetry's mark for a name that may still change.
	Development
	// ReleaseCandidate is OpenTelemetry's mark for a name about to be stable.
	ReleaseCandidate
)

// Metric is a row of the table.
type Metric struct {
	Name   string // canonical, unique in the table: system.cpu.time
	Unit   string // UCUM
	Kind   sample.Kind
	Help   string   // one sentence for people, in every vocabulary the same
	Labels []string // names of the labels, in order
	Status Stability
	Source string // the kernel file and field, or NVML call, it is read from
	Views  []View // the metric in other vocabularies
}

// Desc returns the sample.Desc of the metric called name with the given label
// values in the order of Metric.Labels. It is an error, and a programming
// mistake that a test finds, if there is no such row or the count differs;
// trailing labels may be left out.
func Desc(name string, values ...string) (sample.Desc, error) {
	m, ok := Lookup(name)
	if !ok {
		return sample.Desc{}, fmt.Errorf("catalog has no metric %q", name)
	}
	if len(values) > len(m.Labels) {
		return sample.Desc{}, fmt.Errorf("metric %q has %d labels, got %d values", name, len(m.Labels), len(values))
	}
	d := sample.Desc{Name: m.Name, Unit: m.Unit, Kind: m.Kind, Help: m.Help}
	for i, v := range values {
		if v != "" {
			d.Labels = append(d.Labels, sample.Label{Name: m.Labels[i], Value: v})
		}
	}
	return d, nil
}

// Add describes the metric in the schema: Desc and Schema.Add in one.
func Add(s *sample.Schema, name string, values ...string) (sample.Ref, error) {
	d, err := Desc(name, values...)
	if err != nil {
		return 0, err
	}
	return s.Add(d)
}

// Lookup finds a row by canonical name.
func Lookup(name string) (*Metric, bool) {
	for _, list := range [][]Metric{hostMetrics, processMetrics, cgroupMetrics, gpuMetrics, agentMetrics} {
		for i := range list {
			if list[i].Name == name {
				return &list[i], true
			}
		}
	}
	return nil, false
}

// All returns the rows in order of the documentation. The slice is the
// caller's, the rows are shared.
func All() []*Metric {
	var all []*Metric
	for _, list := range [][]Metric{hostMetrics, processMetrics, cgroupMetrics, gpuMetrics, agentMetrics} {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	return all
}
