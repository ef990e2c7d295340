package prom

import (
	"context"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// lastSeen is an exporter that notes what a scrape shows just before Shutdown,
// which forgets it.
type lastSeen struct {
	*Exporter
	values []float64
}

func (l *lastSeen) Shutdown(ctx context.Context) error {
	for _, p := range l.points() {
		var m dto.Metric
		if err := p.Write(&m); err == nil && p.series.name == MetricName(agenttest.Gauge, "1", sample.Gauge) {
			l.values = append(l.values, m.GetGauge().GetValue())
		}
	}
	return l.Exporter.Shutdown(ctx)
}

func TestExporterContract(t *testing.T) {
	agenttest.Exporter(t, func() (agent.Exporter, func() []float64) {
		l := &lastSeen{Exporter: New(Config{})}
		return l, func() []float64 { return l.values }
	})
}
