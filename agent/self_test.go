package agent_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// newest returns the newest value of each series of an exporter's frames, by
// name and value of the first label.
func newest(a *agent.Agent, frames []sample.Frame) map[[2]string]float64 {
	values := map[[2]string]float64{}
	for _, f := range frames {
		for i, ref := range f.Refs {
			sr, _ := a.Schema().Series(ref)
			key := [2]string{sr.Name}
			if len(sr.Labels) > 0 {
				key[1] = sr.Labels[0].Value
			}
			values[key] = f.Vals[i]
		}
	}
	return values
}

func TestSelfMetricsTellTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := &agenttest.Recorder{}
		flaky := &agenttest.Flaky{Answer: func(call int) error {
			if call == 1 {
				return errors.New("no")
			}
			return nil
		}}
		a := newWorld().agent(t, agent.Config{
			Sources: []agent.Source{source("slow", "", &slow{takes: 1500 * time.Millisecond}), source("flaky", "", flaky)},
			Outputs: []agent.Output{{Name: "out", Exporter: host, Select: agent.Select{Host: true}}},
		})
		stop := start(t, a)
		time.Sleep(20500 * time.Millisecond)
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		got := newest(a, host.Frames())
		for key, want := range map[[2]string]float64{
			{"wandb_agent.source.errors", "flaky"}:      1,
			{"wandb_agent.source.missed", "flaky"}:      0,
			{"wandb_agent.source.missed", "slow"}:       10,
			{"wandb_agent.source.collect.time", "slow"}: 15,
			{"wandb_agent.output.dropped", "out"}:       0,
			{"wandb_agent.uptime", ""}:                  20,
			{"wandb_agent.frames.unknown", ""}:          0,
		} {
			if v, ok := got[key]; !ok || v != want {
				t.Errorf("%v: got %v, %v; want %v", key, v, ok, want)
			}
		}
		// Their tick at 20 s may come before or after that of the agent itself.
		for key, want := range map[[2]string]float64{
			{"wandb_agent.source.samples", "flaky"}:       20,
			{"wandb_agent.source.lateness.count", "slow"}: 10,
		} {
			if v := got[key]; v != want && v != want+1 {
				t.Errorf("%v: got %v, want %v or one more", key, v, want)
			}
		}
		offered, sent, pending := got[[2]string{"wandb_agent.output.offered", "out"}], got[[2]string{"wandb_agent.output.sent", "out"}], got[[2]string{"wandb_agent.output.pending", "out"}]
		if offered < 30 || offered != sent+pending {
			t.Errorf("output: offered %v, sent %v, pending %v do not add up", offered, sent, pending)
		}
		for _, name := range []string{"wandb_agent.goroutines", "wandb_agent.series"} {
			if got[[2]string{name}] < 1 {
				t.Errorf("%s: got %v, want at least 1", name, got[[2]string{name}])
			}
		}
	})
}

// TestSelfMetricsFollowChanges: what has gone is no series any more.
func TestSelfMetricsFollowChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWorld().agent(t, agent.Config{
			Sources: []agent.Source{source("one", "r", &agenttest.Const{})},
			Outputs: []agent.Output{output("out", "r", &agenttest.Recorder{})},
		})
		stop := start(t, a)
		time.Sleep(time.Second)
		if err := a.Finish(t.Context(), "r"); err != nil {
			t.Errorf("Finish: %v", err)
		}
		if err := a.AddSource(source("two", "", &agenttest.Const{})); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		live := map[string]bool{}
		all, _ := a.Schema().AppendSeries(nil)
		for _, sr := range all {
			if !sr.Ended && len(sr.Labels) > 0 {
				live[sr.Labels[0].Value] = true
			}
		}
		if live["one"] || live["out"] || !live["two"] {
			t.Errorf("series of the agent itself are about %v; want two and not one or out", live)
		}
		if st := statusOf(t, a, "agent/self"); st.Errors != 0 {
			t.Errorf("agent/self: %+v; want no errors", st)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestTicksDoNotAllocate(t *testing.T) {
	if underRace {
		t.Skip("the race detector allocates")
	}
	out := &quiet{}
	a, err := agent.New(agent.Config{
		Sources: []agent.Source{source("s", "", &agenttest.Const{Series: 200})},
		Outputs: []agent.Output{{Name: "out", Exporter: out, Select: agent.Select{All: true}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := a.TickAllocs(t, "s"); n != 0 {
		t.Errorf("a tick of 200 series: %v allocations, want 0", n)
	}
	if n := a.TickAllocs(t, "agent/self"); n != 0 {
		t.Errorf("a tick of the agent's own numbers: %v allocations, want 0", n)
	}
	if n := a.FlushAllocs(t, "s", "out"); n != 0 {
		t.Errorf("a tick and its export: %v allocations, want 0", n)
	}
	if out.frames == 0 {
		t.Error("nothing was exported")
	}
}

// quiet is an exporter that only counts.
type quiet struct{ frames int }

func (q *quiet) Export(_ context.Context, b *sample.Batch) error {
	q.frames += len(b.Frames)
	return nil
}

func (q *quiet) Shutdown(context.Context) error { return nil }
