package agent_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// world is the time of a synctest bubble, with a machine that can be put to
// sleep and a wall clock that can be set.
type world struct {
	began        time.Time
	slept, moved atomic.Int64
}

func newWorld() *world { return &world{began: time.Now()} }

// boot is the boot clock: it goes on in sleep.
func (w *world) boot() int64 { return int64(time.Since(w.began)) + w.slept.Load() }

// wall is the wall clock: it goes on in sleep and can be set.
func (w *world) wall() int64 { return time.Now().UnixNano() + w.slept.Load() + w.moved.Load() }

// agent makes an agent that lives in the world.
func (w *world) agent(t *testing.T, c agent.Config) *agent.Agent {
	t.Helper()
	c.Clock = sample.Clock{Anchor: w.began.UnixNano(), Read: w.boot}
	a, err := agent.New(c)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	a.SetWall(w.wall)
	return a
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

// source makes a source of the run with a cadence of one second.
func source(name string, run sample.RunID, c agent.Collector) agent.Source {
	return agent.Source{Name: name, Run: run, Every: time.Second, Collector: c}
}

// output makes an output that gets all of the run and nothing of the host.
func output(name string, run sample.RunID, e agent.Exporter) agent.Output {
	return agent.Output{Name: name, Exporter: e, Select: agent.Select{Runs: []sample.RunID{run}, Rows: true}}
}

// statusOf returns the account of a source.
func statusOf(t *testing.T, a *agent.Agent, name string) agent.SourceStatus {
	t.Helper()
	for _, s := range a.Status().Sources {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("Status has no source %q", name)
	return agent.SourceStatus{}
}

// account returns the account of an output, ended or not.
func account(t *testing.T, a *agent.Agent, name string) agent.OutputStatus {
	t.Helper()
	st := a.Status()
	for _, o := range append(st.Outputs, st.Past...) {
		if o.Name == name {
			return o
		}
	}
	t.Fatalf("Status has no output %q", name)
	return agent.OutputStatus{}
}

// times returns when the frames were taken, in seconds since the start.
func times(frames []sample.Frame) (at []float64) {
	for _, f := range frames {
		at = append(at, float64(f.Time)/1e9)
	}
	return at
}

// texts returns the texts of the events of one kind.
func texts(events []sample.Event, kind sample.EventKind) (all []string) {
	for _, e := range events {
		if e.Kind == kind {
			all = append(all, e.Text)
		}
	}
	return all
}

func TestNewNamesEverythingWrong(t *testing.T) {
	_, err := agent.New(agent.Config{
		Sources: []agent.Source{
			source("twice", "", &agenttest.Const{}), source("twice", "", &agenttest.Const{}),
			source("", "", &agenttest.Const{}), source("nothing", "", nil),
			{Name: "hasty", Every: time.Microsecond, Collector: &agenttest.Const{}},
			source("agent/self", "", &agenttest.Const{}),
		},
		Outputs: []agent.Output{output("o", "", nil), {Name: "slow", Every: -1, Exporter: &agenttest.Recorder{}}},
	})
	if err == nil {
		t.Fatal("New took a wrong configuration")
	}
	for _, want := range []string{
		`source "twice": name is taken`, `source "": a source needs`, `source "nothing": a source needs`, `source "hasty": interval 1µs`,
		`source "agent/self": name is taken`, `output "o": an output needs`, `output "slow": interval -1ns`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("New: the error does not say %q:\n%v", want, err)
		}
	}
}

func TestZeroConfigRuns(t *testing.T) {
	a, err := agent.New(agent.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Run(ctx); err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := a.Run(ctx); err == nil {
		t.Error("second Run: got nil, want an error")
	}
	if err := a.AddSource(source("late", "", &agenttest.Const{})); !errors.Is(err, agent.ErrEnded) {
		t.Errorf("AddSource after the end: got %v, want ErrEnded", err)
	}
	if err := a.AddOutput(output("late", "r", &agenttest.Recorder{})); !errors.Is(err, agent.ErrEnded) {
		t.Errorf("AddOutput after the end: got %v, want ErrEnded", err)
	}
}

func TestTwoSecondsOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		time.Sleep(300 * time.Millisecond) // off the beat
		out := &agenttest.Recorder{}
		a := w.agent(t, agent.Config{
			Sources: []agent.Source{source("one", "r", &agenttest.Const{Value: 3})},
			Outputs: []agent.Output{output("out", "r", out)},
		})
		stop := start(t, a)
		time.Sleep(1900 * time.Millisecond)
		row := agent.FrameOf(a, "r", 7)
		a.Append(row)
		if err := a.Finish(t.Context(), "r"); err != nil {
			t.Errorf("Finish: %v", err)
		}
		a.Append(row)
		if got, want := times(out.Frames()), []float64{0.3, 1, 2, 2.2, 2.2}; !slices.Equal(got, want) {
			t.Errorf("frames: got them at %v s, want a first sample at once, then on the beat, the row and a last sample: %v", got, want)
		}
		if got := out.Values("row"); !slices.Equal(got, []float64{7}) {
			t.Errorf("rows: got %v, want 7 once", got)
		}
		if out.Shutdowns() != 1 {
			t.Errorf("Shutdown was called %d times, want once", out.Shutdowns())
		}
		if n := a.Status().Unknown; n != 1 {
			t.Errorf("rows after Finish: %d counted, want 1", n)
		}
		checkSeriesEnded(t, a, "r")
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if out.Shutdowns() != 1 {
			t.Errorf("Shutdown was called again at the end of Run")
		}
	})
}

func checkSeriesEnded(t *testing.T, a *agent.Agent, run sample.RunID) {
	t.Helper()
	all, _ := a.Schema().AppendSeries(nil)
	for _, sr := range all {
		if sr.Run == run && !sr.Ended {
			t.Errorf("series %s of run %q goes on after Finish", sr.Name, run)
		}
		if sr.Run != run && sr.Ended && !strings.HasPrefix(sr.Name, "wandb_agent.") {
			t.Errorf("series %s of run %q ended with run %q", sr.Name, sr.Run, run)
		}
	}
}

// TestFinishTakesOnlyItsRun: another run and the host go on.
func TestFinishTakesOnlyItsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, mine, both := &agenttest.Recorder{}, &agenttest.Recorder{}, &agenttest.Recorder{}
		a := newWorld().agent(t, agent.Config{
			Sources: []agent.Source{
				source("host", "", &agenttest.Const{Name: "host"}),
				source("a", "a", &agenttest.Const{Name: "a"}), source("b", "b", &agenttest.Const{Name: "b"}),
			},
			Outputs: []agent.Output{
				{Name: "host", Exporter: host, Select: agent.Select{Host: true}}, output("a", "a", mine),
				{Name: "both", Exporter: both, Select: agent.Select{Runs: []sample.RunID{"a", "b"}}},
			},
		})
		stop := start(t, a)
		time.Sleep(1500 * time.Millisecond)
		if err := a.Finish(t.Context(), "a"); err != nil {
			t.Errorf("Finish: %v", err)
		}
		if mine.Shutdowns() != 1 || host.Shutdowns() != 0 || both.Shutdowns() != 0 {
			t.Errorf("Shutdown: a's output %d times, the host's %d, that of a and b %d; want 1, 0, 0", mine.Shutdowns(), host.Shutdowns(), both.Shutdowns())
		}
		if n := len(host.Values("a")) + len(mine.Values("host")) + len(mine.Values("b")); n != 0 {
			t.Errorf("%d values reached outputs that do not select them", n)
		}
		seen := len(both.Values("b"))
		time.Sleep(2 * time.Second)
		if err := a.Finish(t.Context(), "b"); err != nil {
			t.Errorf("Finish: %v", err)
		}
		if len(both.Values("b")) < seen+2 || both.Shutdowns() != 1 {
			t.Errorf("run b after the end of a: %d values, then %d, %d shutdowns", seen, len(both.Values("b")), both.Shutdowns())
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if host.Shutdowns() != 1 {
			t.Errorf("host output: %d shutdowns, want 1", host.Shutdowns())
		}
	})
}

func TestFinishWithoutRun(t *testing.T) {
	out := &agenttest.Recorder{}
	a, err := agent.New(agent.Config{Outputs: []agent.Output{output("out", "r", out)}})
	if err != nil {
		t.Fatal(err)
	}
	a.Append(agent.FrameOf(a, "r", 1))
	if err := a.Finish(t.Context(), "r"); err != nil {
		t.Errorf("Finish: %v", err)
	}
	if len(out.Frames()) != 1 || out.Shutdowns() != 1 {
		t.Errorf("got %d frames and %d shutdowns, want one each", len(out.Frames()), out.Shutdowns())
	}
	if err := a.Finish(t.Context(), ""); err == nil {
		t.Error("Finish of the host: got nil, want an error")
	}
}

// TestRunBeginsDuringFinish: the output that is being drained is not started a
// second time.
func TestRunBeginsDuringFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &agenttest.Recorder{Answer: func(context.Context, *sample.Batch) error {
			time.Sleep(time.Second)
			return nil
		}}
		a := newWorld().agent(t, agent.Config{Outputs: []agent.Output{output("out", "r", out)}})
		a.Append(agent.FrameOf(a, "r", 1))
		finished := make(chan error)
		go func() { finished <- a.Finish(t.Context(), "r") }()
		synctest.Wait()
		stop := start(t, a)
		if err := <-finished; err != nil {
			t.Errorf("Finish: %v", err)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if out.Shutdowns() != 1 || len(out.Frames()) != 1 {
			t.Errorf("%d shutdowns and %d frames, want one each", out.Shutdowns(), len(out.Frames()))
		}
	})
}

// TestAddAndRemoveWhileRunning: a new output starts at now, a removed source
// takes its series along and frees its name.
func TestAddAndRemoveWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWorld().agent(t, agent.Config{Sources: []agent.Source{source("old", "r", &agenttest.Const{Name: "old"})}})
		stop := start(t, a)
		time.Sleep(2500 * time.Millisecond)
		out := &agenttest.Recorder{}
		if err := a.AddOutput(output("out", "r", out)); err != nil {
			t.Fatal(err)
		}
		if err := a.AddSource(source("new", "r", &agenttest.Const{Name: "new"})); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := a.RemoveSource("old"); err != nil {
			t.Fatal(err)
		}
		if err := a.RemoveSource("old"); err == nil {
			t.Error("second RemoveSource: got nil, want an error")
		}
		time.Sleep(time.Second)
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if got, want := len(out.Values("old")), 1; got != want {
			t.Errorf("series old: %d values, want %d: none from before the output, none after the end", got, want)
		}
		if got, want := len(out.Values("new")), 3; got != want {
			t.Errorf("series new: %d values, want %d: at once and two ticks", got, want)
		}
		if got := texts(out.Events(), sample.EventSeriesEnded); len(got) != 1 {
			t.Errorf("series ended: got events %q, want one", got)
		}
	})
}

// knows is a Prober.
type knows struct {
	agenttest.Const
	facts sample.Facts
}

func (k *knows) Probe(f *sample.Facts) error {
	*f = k.facts
	return nil
}

func TestFactsAreMergedPerRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &agenttest.Recorder{}
		a := newWorld().agent(t, agent.Config{
			Sources: []agent.Source{
				source("host", "", &knows{facts: sample.Facts{Hostname: "h", Disks: map[string]sample.Disk{"/": {Total: 1}}}}),
				source("fs", "", &knows{facts: sample.Facts{Disks: map[string]sample.Disk{"/data": {Total: 2}}}}),
				source("r", "r", &knows{facts: sample.Facts{ProcessPID: 5}}),
				source("other", "other", &knows{facts: sample.Facts{ProcessExe: "x"}}),
			},
			Outputs: []agent.Output{{Name: "out", Exporter: out, Select: agent.Select{Host: true, Runs: []sample.RunID{"r"}}}},
		})
		stop := start(t, a)
		time.Sleep(1500 * time.Millisecond)
		if f := a.Facts(); f.Hostname != "h" || len(f.Disks) != 2 || f.ProcessPID != 5 || f.ProcessExe != "x" {
			t.Errorf("Facts: got %+v, want what all sources know", f)
		}
		if err := a.RemoveSource("fs"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		batches := out.Batches()
		if f := batches[0].Facts; f.Hostname != "h" || len(f.Disks) != 2 || f.ProcessPID != 5 || f.ProcessExe != "" {
			t.Errorf("Facts of a batch: got %+v, want those of the host and the run", f)
		}
		if f := batches[len(batches)-1].Facts; len(f.Disks) != 1 {
			t.Errorf("Facts after a source went: got %+v, want one disk", f)
		}
	})
}
