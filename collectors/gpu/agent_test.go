//go:build linux && cgo && !nonvml

package gpu

import (
	"context"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/gpu/gputest"
)

// TestConformance runs the suite on a driver whose library is open already.
func TestConformance(t *testing.T) {
	agenttest.Collector(t, func() agent.Collector {
		h := run(t, Config{}, fakeLibrary{[]*fakeDevice{newFake()}})
		h.up("gpu0")
		return collecting{h.d}
	}, agenttest.NoAllocs)
}

func TestConformanceOfFollow(t *testing.T) {
	agenttest.Collector(t, func() agent.Collector {
		f := follow(t, namespace(t, initialPIDNamespace))
		f.pass()
		return f.follow
	}, agenttest.NoAllocs)
}

// collecting is a driver without its Run, which is under way.
type collecting struct{ d *Driver }

func (c collecting) Describe(s *sample.Schema) error { return c.d.Describe(s) }
func (c collecting) Probe(f *sample.Facts) error     { return c.d.Probe(f) }
func (c collecting) Collect(ctx context.Context, f *sample.Frame) error {
	return c.d.Collect(ctx, f)
}

// TestInTheAgent has the real agent read the stand-in: values arrive, and the
// facts say what the GPUs are.
func TestInTheAgent(t *testing.T) {
	lib := gputest.Build(t, t.TempDir())
	d := New(Config{Library: lib.Path})
	out := &agenttest.Recorder{}
	a, err := agent.New(agent.Config{
		Sources: []agent.Source{d.Source(time.Second)},
		Outputs: []agent.Output{{Name: "out", Exporter: out, Select: agent.Select{Host: true}, Every: 10 * time.Millisecond}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	for start := time.Now(); len(out.Values("hw.gpu.utilization")) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > deadline {
			t.Fatalf("no GPU value; status %+v", d.Status())
		}
	}
	facts := a.Facts()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	if len(facts.GPUs) != 2 || facts.GPUDriver != "580.01" || facts.GPUStatus != "" {
		t.Errorf("facts: got %d GPUs of driver %q, status %q", len(facts.GPUs), facts.GPUDriver, facts.GPUStatus)
	}
	if n := lib.Count(gputest.System, "Shutdown"); n != 1 {
		t.Errorf("the library was shut down %d times, want once", n)
	}
}
