package otel

import (
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// scopeName is the instrumentation scope of all metrics.
const scopeName = "github.com/wandb-agent/wandb-agent"

// assemble makes the message of one request: one metric per metricID, in order
// of first appearance, with a data point per reading.
func (e *Exporter) assemble(res *resource.Resource, points []point) *metricdata.ResourceMetrics {
	index := make(map[metricID]int)
	var ids []metricID
	var helps []string
	var data [][]metricdata.DataPoint[float64]
	for _, p := range points {
		s := &e.table.series[p.ref]
		at, ok := index[s.metric]
		if !ok {
			at = len(ids)
			index[s.metric] = at
			ids, helps, data = append(ids, s.metric), append(helps, s.help), append(data, nil)
		}
		dp := metricdata.DataPoint[float64]{Attributes: s.attrs, Time: e.clock.Wall(p.time), Value: p.val}
		if s.metric.kind != sample.Gauge {
			dp.StartTime = e.clock.Wall(p.start)
		}
		data[at] = append(data[at], dp)
	}
	metrics := make([]metricdata.Metrics, len(ids))
	for i, id := range ids {
		metrics[i] = metricdata.Metrics{Name: id.name, Description: helps[i], Unit: id.unit, Data: aggregation(id.kind, data[i])}
	}
	return &metricdata.ResourceMetrics{
		Resource:     res,
		ScopeMetrics: []metricdata.ScopeMetrics{{Scope: instrumentation.Scope{Name: scopeName, Version: e.conf.Version}, Metrics: metrics}},
	}
}

// aggregation wraps data points by kind.
func aggregation(kind sample.Kind, points []metricdata.DataPoint[float64]) metricdata.Aggregation {
	if kind == sample.Gauge {
		return metricdata.Gauge[float64]{DataPoints: points}
	}
	return metricdata.Sum[float64]{
		DataPoints:  points,
		Temporality: metricdata.CumulativeTemporality,
		IsMonotonic: kind == sample.Counter,
	}
}
