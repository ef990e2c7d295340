package agent_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// TestSuspendIsOneGap: an hour of sleep gives one event and no burst of ticks.
func TestSuspendIsOneGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		out := &agenttest.Recorder{}
		a := w.agent(t, agent.Config{
			Sources: []agent.Source{source("a", "r", &agenttest.Const{}), source("b", "r", &agenttest.Const{Name: "b"})},
			Outputs: []agent.Output{output("out", "r", out)},
		})
		stop := start(t, a)
		time.Sleep(2500 * time.Millisecond)
		w.slept.Add(int64(time.Hour))
		time.Sleep(3 * time.Second)
		if st := statusOf(t, a, "a"); st.Missed != 0 {
			t.Errorf("%d ticks missed; sleep is not the source's fault", st.Missed)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if got := texts(out.Events(), sample.EventGap); len(got) != 1 || !strings.HasPrefix(got[0], "no samples for 1h0m0s: suspend") {
			t.Errorf("gaps: got %q, want one of an hour", got)
		}
		if got := texts(out.Events(), sample.EventClockStep); len(got) != 0 {
			t.Errorf("clock steps: got %q, want none", got)
		}
		if n := len(out.Values("b")); n != 6 {
			t.Errorf("%d samples, want 6: three before and three after", n)
		}
	})
}

// TestStoppedProcessIsOneGap: both clocks go on while nothing runs, as after
// SIGSTOP and SIGCONT. A wall clock that is read for 30 s stands in for it.
func TestStoppedProcessIsOneGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		out := &agenttest.Recorder{}
		a := w.agent(t, agent.Config{Outputs: []agent.Output{output("out", "r", out)}})
		stopped := false
		a.SetWall(func() int64 {
			if !stopped && w.boot() >= int64(3*time.Second) {
				stopped = true
				time.Sleep(30 * time.Second)
			}
			return w.wall()
		})
		stop := start(t, a)
		time.Sleep(40 * time.Second)
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if got := texts(out.Events(), sample.EventGap); len(got) != 1 || !strings.Contains(got[0], "stopped or starved") {
			t.Errorf("gaps: got %q, want one", got)
		}
		if got := texts(out.Events(), sample.EventClockStep); len(got) != 0 {
			t.Errorf("clock steps: got %q, want none from clocks read 30 s apart", got)
		}
	})
}

// TestClockStep: the wall clock is set back by a day. A run's time does not
// move, the host's is anchored anew, frames go on in order.
func TestClockStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		host, mine := &agenttest.Recorder{}, &agenttest.Recorder{}
		anchor := sample.Clock{Anchor: w.began.UnixNano(), Read: w.boot}
		fixed := output("mine", "r", mine)
		fixed.Clock = &anchor
		a := w.agent(t, agent.Config{
			Sources: []agent.Source{source("host", "", &agenttest.Const{}), source("mine", "r", &agenttest.Const{Name: "mine"})},
			Outputs: []agent.Output{fixed, {Name: "host", Exporter: host, Select: agent.Select{Host: true}}},
		})
		stop := start(t, a)
		time.Sleep(4500 * time.Millisecond)
		const day = 24 * time.Hour
		w.moved.Add(int64(-day))
		time.Sleep(4 * time.Second)
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		for _, r := range []*agenttest.Recorder{host, mine} {
			if got, want := texts(r.Events(), sample.EventClockStep), []string{"wall clock stepped by -24h0m0s"}; !slices.Equal(got, want) {
				t.Errorf("clock steps: got %q, want %q", got, want)
			}
		}
		last := func(r *agenttest.Recorder) time.Duration {
			b := r.Batches()
			batch := b[len(b)-1]
			f := batch.Frames[len(batch.Frames)-1]
			return batch.Clock.Wall(f.Time).Sub(w.began)
		}
		if got := last(mine); got != 8*time.Second {
			t.Errorf("last sample of the run: %v after its start by its own clock, want 8s", got)
		}
		if got := last(host); got != 8*time.Second-day {
			t.Errorf("last sample of the host: at %v by the wall clock, want %v", got, 8*time.Second-day)
		}
	})
}

// TestSlowDriftIsFollowedSilently: slewing at 0.05 % is no step.
func TestSlowDriftIsFollowedSilently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		out := &agenttest.Recorder{}
		a := w.agent(t, agent.Config{
			Sources: []agent.Source{source("host", "", &agenttest.Const{})},
			Outputs: []agent.Output{{Name: "out", Exporter: out, Select: agent.Select{Host: true}}},
		})
		stop := start(t, a)
		for range 3000 {
			time.Sleep(time.Second)
			w.moved.Add(int64(500 * time.Microsecond))
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if got := texts(out.Events(), sample.EventClockStep); len(got) != 0 {
			t.Errorf("clock steps: got %q, want none", got)
		}
		b := out.Batches()
		batch := b[len(b)-1]
		at := batch.Frames[len(batch.Frames)-1].Time
		want := w.began.Add(time.Duration(at) + time.Duration(w.moved.Load()))
		if off := batch.Clock.Wall(at).Sub(want).Abs(); off > 510*time.Millisecond {
			t.Errorf("host's time is off by %v after a drift of %v", off, time.Duration(w.moved.Load()))
		}
	})
}

// TestEndedSeriesSlotsAreReused: a thousand runs, one after the other, use few
// slots of the schema.
func TestEndedSeriesSlotsAreReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &agenttest.Recorder{}
		a := newWorld().agent(t, agent.Config{Outputs: []agent.Output{{Name: "out", Exporter: out, Select: agent.Select{All: true}}}})
		stop := start(t, a)
		for range 300 {
			if err := a.AddSource(source("s", "r", &agenttest.Const{Series: 10})); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			if err := a.RemoveSource("s"); err != nil {
				t.Fatal(err)
			}
		}
		if n := a.Status().Series; n > 300 {
			t.Errorf("%d slots after 300 sources of 10 series, one after the other", n)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}
