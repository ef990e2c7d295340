package catalog_test

import (
	"context"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/agent/catalog"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// TestAgentDescribesItselfAsCatalogued runs an agent and compares the series it
// has about itself with the rows of the catalogue, both ways.
func TestAgentDescribesItselfAsCatalogued(t *testing.T) {
	a, err := agent.New(agent.Config{
		Outputs: []agent.Output{{Name: "out", Exporter: &agenttest.Recorder{}, Select: agent.Select{Host: true}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()
	for len(describedBy(a)) == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	described := describedBy(a)
	for _, m := range catalog.All() {
		if sr, ok := described[m.Name]; ok {
			checkRow(t, m, sr)
			delete(described, m.Name)
		} else if len(m.Name) > 12 && m.Name[:12] == "wandb_agent." {
			t.Errorf("the agent does not describe %s, which is in the catalogue", m.Name)
		}
	}
	for name := range described {
		t.Errorf("the agent describes %s, which is not in the catalogue", name)
	}
}

// describedBy returns the series of the agent by name.
func describedBy(a *agent.Agent) map[string]sample.Series {
	all, _ := a.Schema().AppendSeries(nil)
	described := make(map[string]sample.Series)
	for _, sr := range all {
		described[sr.Name] = sr
	}
	return described
}

func checkRow(t *testing.T, m *catalog.Metric, sr sample.Series) {
	t.Helper()
	if sr.Unit != m.Unit || sr.Kind != m.Kind || sr.Help != m.Help {
		t.Errorf("%s: the agent says unit %q, kind %v, help %q; the catalogue %q, %v, %q", m.Name, sr.Unit, sr.Kind, sr.Help, m.Unit, m.Kind, m.Help)
	}
	if len(sr.Labels) != len(m.Labels) {
		t.Errorf("%s: the agent says %d labels, the catalogue %d", m.Name, len(sr.Labels), len(m.Labels))
		return
	}
	for i, l := range sr.Labels {
		if l.Name != m.Labels[i] {
			t.Errorf("%s: label %d is %q, in the catalogue %q", m.Name, i, l.Name, m.Labels[i])
		}
	}
}
