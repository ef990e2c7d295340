package agent_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// TestHangDelaysNobody runs 1000 ticks beside a collector that hangs.
func TestHangDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang, out := agenttest.NewHang(), &agenttest.Recorder{}
		a := newWorld().agent(t, agent.Config{
			Sources: []agent.Source{source("hang", "r", hang), source("good", "r", &agenttest.Const{Name: "good"})},
			Outputs: []agent.Output{output("out", "r", out)},
		})
		stop := start(t, a)
		time.Sleep(1500 * time.Millisecond)
		before := runtime.NumGoroutine()
		time.Sleep(5 * time.Second)
		if st := statusOf(t, a, "hang"); st.Stuck {
			t.Errorf("stuck after %d missed ticks", st.Missed)
		}
		time.Sleep(994 * time.Second)
		if n := runtime.NumGoroutine(); n > before {
			t.Errorf("goroutines grew from %d to %d", before, n)
		}
		if st := statusOf(t, a, "hang"); !st.Stuck || st.Missed != 1000 || hang.Calls() != 1 {
			t.Errorf("hanging source: %+v and %d calls; want stuck, 1000 ticks missed, 1 call", st, hang.Calls())
		}
		if st := statusOf(t, a, "good"); st.Ticks != 1001 || st.Missed != 0 {
			t.Errorf("source beside it: %+v; want 1001 ticks, none missed", st)
		}
		for i, at := range times(out.Frames())[1:] {
			if at != float64(i+1) {
				t.Fatalf("sample %d of the source beside it was taken at %v s", i+1, at)
			}
		}
		hang.Release()
		time.Sleep(2 * time.Second)
		if st := statusOf(t, a, "hang"); st.Stuck || st.Missed != 1000 || st.Ticks != 3 {
			t.Errorf("after the hang: %+v; want not stuck, 1000 missed, 3 ticks", st)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if got, want := texts(out.Events(), sample.EventCollector), []string{"hang: stuck", "hang: no longer stuck"}; !slices.Equal(got, want) {
			t.Errorf("events: got %q, want %q", got, want)
		}
	})
}

// TestStuckSourceIsLeftBehind: Run and Finish end although a Collect does not.
func TestStuckSourceIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, mine := agenttest.NewHang(), agenttest.NewHang()
		a := newWorld().agent(t, agent.Config{Sources: []agent.Source{source("host", "", host), source("mine", "r", mine)}})
		stop := start(t, a)
		time.Sleep(20 * time.Second)
		began := time.Now()
		err := a.Finish(t.Context(), "r")
		if err == nil || !strings.Contains(err.Error(), `"mine"`) || strings.Contains(err.Error(), `"host"`) {
			t.Errorf("Finish: got %v, want it to name the stuck source of the run", err)
		}
		if d := time.Since(began); d != 2*time.Second {
			t.Errorf("Finish took %v, want 2s", d)
		}
		began = time.Now()
		if err := stop(); err == nil || !strings.Contains(err.Error(), `"host"`) {
			t.Errorf("Run: got %v, want it to name the stuck source", err)
		}
		if d := time.Since(began); d != 2*time.Second {
			t.Errorf("Run took %v to end, want 2s", d)
		}
		if n := a.Status().Abandoned; n != 2 {
			t.Errorf("%d left behind, want 2", n)
		}
		host.Release()
		mine.Release()
	})
}

func TestPanicIsFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &agenttest.Recorder{}
		a := newWorld().agent(t, agent.Config{
			Sources: []agent.Source{source("panic", "r", &agenttest.Panic{}), source("good", "r", &agenttest.Const{Name: "good"})},
			Outputs: []agent.Output{output("out", "r", out)},
		})
		stop := start(t, a)
		time.Sleep(2500 * time.Millisecond)
		st := statusOf(t, a, "panic")
		if st.Panics != 3 || st.Errors != 3 || !st.Benched || !strings.Contains(st.LastErr, "panic: runtime error: index out of range") {
			t.Errorf("source that panics: %+v; want 3 panics, benched", st)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if n := len(out.Values("agenttest.const")); n != 0 {
			t.Errorf("%d values put before a panic were delivered", n)
		}
		if n := len(out.Values("good")); n != 3 {
			t.Errorf("source beside it: %d values, want 3", n)
		}
	})
}

// TestBenchAndBack: failures at 0, 1, 2 s bench the source; it is tried at 4, 7,
// 12, 21, 38 s and succeeds there.
func TestBenchAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var tried []int
		flaky := &agenttest.Flaky{Answer: func(call int) error {
			tried = append(tried, int(w.boot()/1e9))
			if call < 7 {
				return errors.New("no such device")
			}
			return nil
		}}
		out := &agenttest.Recorder{}
		a := w.agent(t, agent.Config{
			Sources: []agent.Source{source("flaky", "r", flaky)},
			Outputs: []agent.Output{output("out", "r", out)},
		})
		stop := start(t, a)
		time.Sleep(30500 * time.Millisecond)
		if st := statusOf(t, a, "flaky"); !st.Benched || st.Errors != 7 || st.Ticks+st.Missed != 31 {
			t.Errorf("on the bench: %+v; want 7 errors, 31 ticks tried or missed", st)
		}
		time.Sleep(10 * time.Second)
		if st := statusOf(t, a, "flaky"); st.Benched || st.LastErr != "" || st.LastOK.IsZero() {
			t.Errorf("back in play: %+v", st)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if want := []int{0, 1, 2, 4, 7, 12, 21, 38, 39, 40}; !slices.Equal(tried, want) {
			t.Errorf("tried at %v s, want %v", tried, want)
		}
		want := []string{"flaky: benched after failures: collect flaky: no such device", "flaky: back after failures"}
		if got := texts(out.Events(), sample.EventCollector); !slices.Equal(got, want) {
			t.Errorf("events: got %q, want %q", got, want)
		}
	})
}

// TestBackOffIsBounded: a source that never works is tried once in 61 ticks.
func TestBackOffIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flaky := &agenttest.Flaky{Answer: func(int) error { return errors.New("no") }}
		a := newWorld().agent(t, agent.Config{Sources: []agent.Source{source("flaky", "r", flaky)}})
		stop := start(t, a)
		time.Sleep(time.Hour)
		before := flaky.Calls()
		time.Sleep(61 * time.Minute)
		if n := flaky.Calls() - before; n != 60 {
			t.Errorf("%d tries in 61 minutes, want 60", n)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// slow takes some time to collect.
type slow struct {
	agenttest.Const
	takes time.Duration
}

func (s *slow) Collect(ctx context.Context, f *sample.Frame) error {
	time.Sleep(s.takes)
	return s.Const.Collect(ctx, f)
}

// TestSlowCollectorMissesItsTicks: 2.5 s per sample at a cadence of one second.
func TestSlowCollectorMissesItsTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &agenttest.Recorder{}
		a := newWorld().agent(t, agent.Config{
			Sources: []agent.Source{source("slow", "r", &slow{takes: 2500 * time.Millisecond})},
			Outputs: []agent.Output{output("out", "r", out)},
		})
		stop := start(t, a)
		time.Sleep(8800 * time.Millisecond)
		st := statusOf(t, a, "slow")
		if st.Ticks != 3 || st.Missed != 6 || st.LastDuration != 2500*time.Millisecond || st.Errors != 0 {
			t.Errorf("slow source: %+v; want 3 ticks, 6 missed, 2.5s each, no errors", st)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if got, want := times(out.Frames()), []float64{0, 3, 6}; !slices.Equal(got, want) {
			t.Errorf("samples at %v s, want %v: on the beat, no burst", got, want)
		}
	})
}

// changing has one more series after every third Collect.
type changing struct {
	agenttest.Const
	calls, described int
	always           bool
}

func (c *changing) Describe(s *sample.Schema) error {
	c.described++
	return c.Const.Describe(s)
}

func (c *changing) Collect(ctx context.Context, f *sample.Frame) error {
	c.calls++
	if c.always || c.calls%3 == 0 {
		c.Series++
		f.Put(0, -1)
		return sample.ErrChanged
	}
	return c.Const.Collect(ctx, f)
}

func TestChangedSeriesAreDescribedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, c := &agenttest.Recorder{}, &changing{Const: agenttest.Const{Series: 1}}
		always := &changing{Const: agenttest.Const{Name: "always"}, always: true}
		a := newWorld().agent(t, agent.Config{
			Sources: []agent.Source{source("changing", "r", c), source("always", "r", always)},
			Outputs: []agent.Output{output("out", "r", out)},
		})
		stop := start(t, a)
		time.Sleep(3500 * time.Millisecond)
		if st := statusOf(t, a, "changing"); st.Ticks != 4 || st.Errors != 0 {
			t.Errorf("source that changes: %+v; want 4 ticks, no errors", st)
		}
		st := statusOf(t, a, "always")
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if st.Errors != 3 || always.described != 6 {
			t.Errorf("source that changes all the time: %+v, described %d times; want 3 failures of one more Describe each", st, always.described)
		}
		var widths []int
		for _, f := range out.Frames() {
			widths = append(widths, len(f.Refs))
			if slices.Contains(f.Vals, -1) {
				t.Error("what a Collect put before ErrChanged was delivered")
			}
		}
		if want := []int{1, 1, 2, 2}; !slices.Equal(widths, want) {
			t.Errorf("frames have %v values, want %v", widths, want)
		}
	})
}

// explodes describes a thousand series with keys that were never there before.
type explodes struct {
	agenttest.Const
	calls int
}

func (e *explodes) Describe(s *sample.Schema) error {
	if err := e.Const.Describe(s); err != nil {
		return err
	}
	for i := range 1000 {
		e.calls++
		d := sample.Desc{Name: "explodes", Labels: []sample.Label{{Name: "key", Value: fmt.Sprint(e.calls)}}}
		if _, err := s.Add(d); err != nil && i == 0 {
			return err
		}
	}
	return nil
}

// TestSeriesExplosionIsCapped: the ceiling holds, the refusals are counted and
// logged once with the name of what crowds, and sources beside go on.
func TestSeriesExplosionIsCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		out, host := &agenttest.Recorder{}, &agenttest.Recorder{}
		a := newWorld().agent(t, agent.Config{
			MaxSeries: 500,
			Logger:    slog.New(slog.NewTextHandler(&log, nil)),
			Sources:   []agent.Source{source("good", "r", &agenttest.Const{Name: "good"})},
			Outputs:   []agent.Output{output("out", "r", out), {Name: "host", Exporter: host, Select: agent.Select{Host: true}}},
		})
		stop := start(t, a)
		time.Sleep(500 * time.Millisecond)
		if err := a.AddSource(source("explodes", "r", &explodes{})); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if st := a.Status(); st.Series != 500 || st.Refused < 500 {
			t.Errorf("%d series, %d refused; want 500 at a ceiling of 500, the rest refused", st.Series, st.Refused)
		}
		if got := a.Crowd(1); len(got) != 1 || got[0].Name != "explodes" || got[0].Series < 400 {
			t.Errorf("Crowd: got %v, want explodes", got)
		}
		if st := statusOf(t, a, "agent/self"); st.Errors != 0 {
			t.Errorf("agent/self: %+v; want the numbers that have a place", st)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		for _, f := range host.Frames() {
			for _, ref := range f.Refs {
				if _, ok := a.Schema().Series(ref); !ok {
					t.Errorf("a frame of the agent itself mentions ref %d, which is none", ref)
				}
			}
		}
		if n := len(out.Values("good")); n != 11 {
			t.Errorf("source beside it: %d values, want 11", n)
		}
		if n := strings.Count(log.String(), "series ceiling reached"); n != 1 || !strings.Contains(log.String(), "explodes") {
			t.Errorf("logged %d times, want once, with the name of what crowds:\n%s", n, log.String())
		}
	})
}

// runs is a Runner that reports an event and ends with an error when told.
type runs struct {
	agenttest.Const
	end    chan error
	closed int
}

func (r *runs) Run(ctx context.Context, emit func(sample.Event)) error {
	emit(sample.Event{Kind: sample.EventXID, Text: "xid 79"})
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-r.end:
		return err
	}
}

func (r *runs) Close() error {
	r.closed++
	return nil
}

func TestRunnerRunsBesideTheTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		out, good, bad := &agenttest.Recorder{}, &runs{}, &runs{end: make(chan error, 1)}
		a := w.agent(t, agent.Config{
			Sources: []agent.Source{source("good", "r", good), source("bad", "r", bad)},
			Outputs: []agent.Output{output("out", "r", out)},
		})
		time.Sleep(time.Second)
		stop := start(t, a)
		time.Sleep(1500 * time.Millisecond)
		bad.end <- errors.New("driver gone")
		time.Sleep(time.Second)
		if st := statusOf(t, a, "bad"); st.Errors != 1 {
			t.Errorf("source whose thread ended: %+v; want one error", st)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if good.closed != 1 || bad.closed != 1 {
			t.Errorf("closed %d and %d times, want once each", good.closed, bad.closed)
		}
		events := out.Events()
		if got := texts(events, sample.EventXID); len(got) != 2 {
			t.Fatalf("events: got %q, want one of each source", got)
		}
		if e := events[0]; e.Run != "r" || e.Source == 0 || e.Time != int64(time.Second) {
			t.Errorf("event: %+v; want run, source and time filled in", e)
		}
		if got := texts(events, sample.EventCollector); len(got) != 1 || got[0] != "bad: thread ended: driver gone" {
			t.Errorf("events: got %q, want the end of the thread", got)
		}
	})
}
