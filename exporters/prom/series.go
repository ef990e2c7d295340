package prom

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// runLabel names the run on its series.
const runLabel = "run_id"

// rendered is a series as Prometheus sees it: made once, shared by scrapes.
type rendered struct {
	name    string
	help    string
	key     string // labels, for finding collisions
	labels  []*dto.LabelPair
	counter bool
	created *timestamppb.Timestamp
}

// render makes name and labels of a series.
func render(sr *sample.Series, clock sample.Clock) *rendered {
	r := &rendered{
		name:    MetricName(sr.Name, sr.Unit, sr.Kind),
		help:    strings.ToValidUTF8(sr.Help, "\uFFFD"),
		counter: sr.Kind == sample.Counter,
		labels:  labelPairs(sr),
	}
	if r.counter && sr.Start != 0 {
		r.created = timestamppb.New(clock.Wall(sr.Start))
	}
	var key strings.Builder
	for _, p := range r.labels {
		key.WriteString(p.GetName())
		key.WriteByte(0)
		key.WriteString(p.GetValue())
		key.WriteByte(0)
	}
	r.key = key.String()
	return r
}

// labelPairs returns the labels sorted by name, with values of names that fall
// together joined by a semicolon. Prometheus takes an empty label for none.
func labelPairs(sr *sample.Series) []*dto.LabelPair {
	values := make(map[string][]string, len(sr.Labels)+1)
	labels := slices.Clone(sr.Labels)
	if sr.Run != "" {
		labels = append(labels, sample.Label{Name: runLabel, Value: string(sr.Run)})
	}
	slices.SortStableFunc(labels, func(a, b sample.Label) int { return strings.Compare(a.Name, b.Name) })
	var names []string
	for _, l := range labels {
		if l.Value == "" {
			continue
		}
		name := labelName(l.Name)
		if values[name] == nil {
			names = append(names, name)
		}
		values[name] = append(values[name], strings.ToValidUTF8(l.Value, "\uFFFD"))
	}
	slices.Sort(names)
	pairs := make([]*dto.LabelPair, 0, len(names))
	for _, name := range names {
		value := strings.Join(values[name], ";")
		pairs = append(pairs, &dto.LabelPair{Name: &name, Value: &value})
	}
	return pairs
}

// point is one value of one scrape.
type point struct {
	series *rendered
	desc   *prometheus.Desc
	value  float64
}

var _ prometheus.Metric = (*point)(nil)

// Desc returns the description of the family.
func (p *point) Desc() *prometheus.Desc { return p.desc }

// Write fills in the message that client_golang encodes.
func (p *point) Write(out *dto.Metric) error {
	out.Label = p.series.labels
	if p.series.counter {
		out.Counter = &dto.Counter{Value: &p.value, CreatedTimestamp: p.series.created}
	} else {
		out.Gauge = &dto.Gauge{Value: &p.value}
	}
	return nil
}
