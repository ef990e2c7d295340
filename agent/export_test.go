package agent

import (
	"testing"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// SetWall makes the agent read the wall clock through f. Call it before Run.
func (a *Agent) SetWall(f func() int64) { a.wall = f }

// TickAllocs returns how much a tick of the named source allocates. The agent
// must not be running.
func (a *Agent) TickAllocs(t *testing.T, name string) float64 {
	s := a.sourceLocked(name)
	if s == nil {
		t.Fatalf("no source %q", name)
	}
	for range 5 {
		s.tick(t.Context(), a.clock.Now())
	}
	n := testing.AllocsPerRun(100, func() { s.tick(t.Context(), a.clock.Now()) })
	if st := s.snapshot(); st.lastErr != nil || st.ok < 100 {
		t.Fatalf("ticks of %q failed: %v", name, st.lastErr)
	}
	return n
}

// FlushAllocs returns how much a tick of the source and a flush of the named
// output allocate together. The agent must not be running.
func (a *Agent) FlushAllocs(t *testing.T, source, output string) float64 {
	s := a.sourceLocked(source)
	for _, o := range a.outputs {
		if o.Name != output {
			continue
		}
		round := func() {
			s.tick(t.Context(), a.clock.Now())
			o.flush(t.Context())
		}
		for range 5 {
			round()
		}
		return testing.AllocsPerRun(100, round)
	}
	t.Fatalf("no output %q", output)
	return 0
}

// Jitter is jitter.
var Jitter = jitter

// FrameOf returns a frame of one value for a row source.
func FrameOf(a *Agent, run sample.RunID, v float64) *sample.Frame {
	id, schema := a.RowSource(run)
	ref, err := schema.Add(sample.Desc{Name: "row"})
	if err != nil {
		return nil
	}
	return &sample.Frame{Source: id, Step: int64(v), Time: a.clock.Now(), Refs: []sample.Ref{ref}, Vals: []float64{v}}
}
