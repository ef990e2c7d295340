package otel

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// ticks counts its own calls: every reading is a different value.
type ticks struct {
	ref sample.Ref
	n   float64
}

func (c *ticks) Describe(s *sample.Schema) (err error) {
	c.ref, err = s.Add(sample.Desc{Name: "test.ticks", Kind: sample.Counter})
	return err
}

func (c *ticks) Collect(_ context.Context, f *sample.Frame) error {
	c.n++
	f.Put(c.ref, c.n)
	return nil
}

// reading is a value with its time in Unix nanoseconds.
type reading struct {
	value float64
	time  int64
}

// One sample, two sinks: behind a running agent, a receiver that fails at first
// gets every reading with the time that another output saw it at.
func TestBehindAnAgent(t *testing.T) {
	recv := newReceiver(t)
	recv.answerWith(func(w http.ResponseWriter, n int, _ *collector.ExportMetricsServiceRequest) {
		if n == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		acknowledge(w, 0, "")
	})
	record := &agenttest.Recorder{}
	e := open(t, Config{Endpoint: recv.URL})
	a, err := agent.New(agent.Config{
		Sources: []agent.Source{{Name: "ticks", Every: 50 * time.Millisecond, Collector: &ticks{}}},
		Outputs: []agent.Output{
			{Name: "otlp", Exporter: e, Select: agent.Select{Host: true}, Every: 100 * time.Millisecond},
			{Name: "record", Exporter: record, Select: agent.Select{Host: true}, Every: 100 * time.Millisecond},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	for deadline := time.Now().Add(30 * time.Second); len(readings(recv)) < 10 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatalf("Run: %v", err)
	}
	// A request cut short by the agent's end may have been stored: it comes twice.
	sent, want := slices.Compact(readings(recv)), recorded(record)
	if len(sent) < 10 || !slices.Equal(sent, want) {
		t.Errorf("receiver got %d readings %v\nother output got %d %v", len(sent), sent, len(want), want)
	}
}

// readings returns what the receiver confirmed of test.ticks.
func readings(r *receiver) (out []reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.requests[min(1, len(r.requests)):] {
		for _, metric := range m.ResourceMetrics[0].ScopeMetrics[0].Metrics {
			for _, p := range metric.GetSum().GetDataPoints() {
				if metric.Name == "test.ticks" {
					out = append(out, reading{p.GetAsDouble(), int64(p.TimeUnixNano)})
				}
			}
		}
	}
	return out
}

// recorded returns what the other output got of test.ticks.
func recorded(r *agenttest.Recorder) (out []reading) {
	for _, b := range r.Batches() {
		for _, f := range b.Frames {
			for i, ref := range f.Refs {
				if sr, ok := b.Schema.Series(ref); ok && sr.Name == "test.ticks" {
					out = append(out, reading{f.Vals[i], b.Clock.UnixNano(f.Time)})
				}
			}
		}
	}
	return out
}
