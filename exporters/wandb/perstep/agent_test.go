package perstep

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

func TestMeterConforms(t *testing.T) {
	agenttest.Exporter(t, func() (agent.Exporter, func() []float64) { return New(Config{Metrics: []string{"*"}}), nil })
}

// scripted is a GPU whose energy is a function of time.
type scripted struct {
	now func() int64
	ref sample.Ref
}

func (s *scripted) Describe(schema *sample.Schema) (err error) {
	s.ref, err = schema.Add(sample.Desc{Name: "hw.energy", Kind: sample.Counter, Labels: []sample.Label{{Name: "hw.name", Value: "gpu0"}, {Name: "hw.type", Value: "gpu"}}})
	return err
}

func (s *scripted) Collect(_ context.Context, f *sample.Frame) error {
	f.Put(s.ref, joulesAt(begin+s.now()))
	return nil
}

// TestThroughAnAgent has an agent sample every second, and steps of 10 min and of
// 10 ms.
func TestThroughAnAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		now := func() int64 { return int64(time.Since(start)) }
		m := New(Config{})
		a, err := agent.New(agent.Config{
			Clock:   sample.Clock{Anchor: start.UnixNano(), Read: now},
			Sources: []agent.Source{{Name: "gpu", Every: time.Second, Collector: &scripted{now: now}}},
			Outputs: []agent.Output{{Name: "steps", Exporter: m, Select: agent.Select{Host: true}, Every: time.Second}},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- a.Run(ctx) }()
		var items []runlog.Item
		step := func(length time.Duration) (got, want float64) {
			from := begin + now()
			time.Sleep(length)
			m.Mark(now())
			items = m.Append(items[:0])
			for _, it := range items {
				got += it.F
			}
			return got, joulesAt(begin+now()) - joulesAt(from)
		}
		for range 3 {
			if got, want := step(10*time.Minute + 7*time.Millisecond); math.Abs(got-want) > 2*(high-low)*1.1 {
				t.Errorf("10 min: %v J, want %v", got, want)
			}
		}
		var sum, wanted float64
		for range 2000 {
			got, want := step(10 * time.Millisecond)
			if math.Abs(got-want) > 2*(high-low)*0.011 {
				t.Errorf("10 ms: %v J, want %v", got, want)
			}
			sum, wanted = sum+got, wanted+want
		}
		if math.Abs(sum-wanted) > 2*(high-low)*1.1 {
			t.Errorf("2000 steps: %v J, want %v", sum, wanted)
		}
		cancel()
		<-done
	})
}
