package otel

import (
	"testing"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
)

func TestExporterContract(t *testing.T) {
	agenttest.Exporter(t, func() (agent.Exporter, func() []float64) {
		recv := newReceiver(t)
		return open(t, Config{Endpoint: recv.URL}), func() (values []float64) {
			for _, p := range recv.all(0) {
				if p.name == agenttest.Gauge {
					values = append(values, p.value)
				}
			}
			return values
		}
	})
}
