package agent_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// bubbleClock counts the time of a synctest bubble.
func bubbleClock() sample.Clock {
	began := time.Now()
	return sample.Clock{
		Anchor: began.UnixNano(),
		Read:   func() int64 { return int64(time.Since(began)) },
	}
}

// script is a collector with one series whose Collect is a function.
type script struct {
	ref     sample.Ref
	collect func(ctx context.Context, f *sample.Frame) error
}

func (s *script) Describe(sc *sample.Schema) (err error) {
	s.ref, err = sc.Add(sample.Desc{Name: "test.value", Unit: "1"})
	return err
}

func (s *script) Collect(ctx context.Context, f *sample.Frame) error {
	f.Put(s.ref, 1)
	if s.collect != nil {
		return s.collect(ctx, f)
	}
	return nil
}

// sink is an exporter that keeps copies and answers with a function.
type sink struct {
	mu       sync.Mutex
	frames   []sample.Frame
	events   []sample.Event
	shutdown int
	export   func(ctx context.Context, b *sample.Batch) error
}

func (s *sink) Export(ctx context.Context, b *sample.Batch) error {
	if s.export != nil {
		if err := s.export(ctx, b); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range b.Frames {
		f.Refs = append([]sample.Ref(nil), f.Refs...)
		f.Vals = append([]float64(nil), f.Vals...)
		s.frames = append(s.frames, f)
	}
	s.events = append(s.events, b.Events...)
	return nil
}

func (s *sink) Shutdown(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shutdown++
	return nil
}

// start runs the agent and returns a function that ends it.
func start(t *testing.T, a *agent.Agent) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

func mustNew(t *testing.T, c agent.Config) *agent.Agent {
	t.Helper()
	if c.Clock.Read == nil {
		c.Clock = bubbleClock()
	}
	a, err := agent.New(c)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return a
}

func TestTwoSecondsOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &sink{}
		a := mustNew(t, agent.Config{
			Sources: []agent.Source{{Name: "one", Run: "r", Collector: &script{}}},
			Outputs: []agent.Output{{Name: "out", Exporter: out, Select: agent.Select{Runs: []sample.RunID{"r"}, Rows: true}}},
		})
		stop := start(t, a)
		time.Sleep(2500 * time.Millisecond)
		id, schema := a.RowSource("r")
		ref, _ := schema.Add(sample.Desc{Name: "loss"})
		a.Append(&sample.Frame{Source: id, Time: a.Clock().Now(), Refs: []sample.Ref{ref}, Vals: []float64{0.5}})
		if err := a.Finish(t.Context(), "r"); err != nil {
			t.Errorf("Finish: %v", err)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if len(out.frames) != 5 || out.frames[3].Vals[0] != 0.5 {
			t.Errorf("frames: got %+v, want samples at 0, 1, 2 s, the row, the last sample", out.frames)
		}
		if out.shutdown != 1 {
			t.Errorf("Shutdown was called %d times, want once", out.shutdown)
		}
	})
}
