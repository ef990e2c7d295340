package agent_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// answers is the Answer of a Recorder by number of the call, from 0.
func answers(f func(call int, b *sample.Batch) error) func(context.Context, *sample.Batch) error {
	call := -1
	return func(_ context.Context, b *sample.Batch) error {
		call++
		return f(call, b)
	}
}

// hangs is the Answer of a receiver that neither answers nor notices that the
// context ended.
func hangs(release <-chan struct{}) func(context.Context, *sample.Batch) error {
	return func(context.Context, *sample.Batch) error {
		<-release
		return nil
	}
}

// checkAdds fails unless offered = sent + dropped + pending.
func checkAdds(t *testing.T, o agent.OutputStatus) {
	t.Helper()
	if o.Offered != o.Sent+o.Dropped+o.Pending {
		t.Errorf("output %s: offered %d is not sent %d + dropped %d + pending %d", o.Name, o.Offered, o.Sent, o.Dropped, o.Pending)
	}
}

func TestHangingOutputDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		bad, good := &agenttest.Recorder{Answer: hangs(release)}, &agenttest.Recorder{}
		a := newWorld().agent(t, agent.Config{
			HardwareValues: 1000,
			Sources:        []agent.Source{source("s", "r", &agenttest.Const{Series: 10})},
			Outputs:        []agent.Output{output("bad", "r", bad), output("good", "r", good)},
		})
		stop := start(t, a)
		time.Sleep(2200 * time.Millisecond)
		before := runtime.NumGoroutine()
		for i := range 500 {
			time.Sleep(time.Second)
			if n := len(good.Frames()); n != i+4 {
				t.Fatalf("after %d.2 s the healthy output has %d frames, want %d", i+3, n, i+4)
			}
		}
		if n := runtime.NumGoroutine(); n > before {
			t.Errorf("goroutines grew from %d to %d", before, n)
		}
		b := account(t, a, "bad")
		checkAdds(t, b)
		if b.Sent != 0 || b.Lost == 0 || b.Offered != 503 {
			t.Errorf("hanging output: %+v; want 503 offered, some lost, none sent", b)
		}
		began := time.Now()
		if err := stop(); err == nil || !strings.Contains(err.Error(), `"bad"`) {
			t.Errorf("Run: got %v, want it to name the output that hangs", err)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("Run took %v to end", d)
		}
		checkAdds(t, account(t, a, "bad"))
		if g := account(t, a, "good"); g.Sent != 503 || g.Pending != 0 || g.Dropped != 0 {
			t.Errorf("healthy output: %+v; want 503 sent", g)
		}
		close(release)
	})
}

// TestRetryKeepsTheFrames: a receiver that is down for a while gets everything,
// once, in order.
func TestRetryKeepsTheFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		out := &agenttest.Recorder{Answer: func(context.Context, *sample.Batch) error {
			if w.boot() < int64(time.Minute) {
				return errors.New("connection refused")
			}
			return nil
		}}
		a := w.agent(t, agent.Config{
			Sources: []agent.Source{source("s", "r", &agenttest.Const{})},
			Outputs: []agent.Output{output("out", "r", out)},
		})
		stop := start(t, a)
		time.Sleep(1200 * time.Millisecond)
		if o := account(t, a, "out"); o.Failed == 0 || o.Pending != 2 || o.LastErr != "connection refused" || !o.LastOK.IsZero() {
			t.Errorf("receiver down: %+v; want failures, two frames pending", o)
		}
		time.Sleep(3 * time.Minute)
		if o := account(t, a, "out"); o.Failed < 5 || o.Dropped != 0 || o.LastErr != "" || o.LastOK.IsZero() {
			t.Errorf("receiver back: %+v; want some failures, nothing dropped", o)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		for i, at := range times(out.Frames()) {
			if at != float64(i) {
				t.Fatalf("frame %d is of %v s", i, at)
			}
		}
	})
}

func TestJitterIsFullAndBounded(t *testing.T) {
	for failures, bound := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 7: time.Minute, 1000: time.Minute} {
		var longest time.Duration
		for range 1000 {
			d := agent.Jitter(failures)
			if d <= 0 || d > bound+time.Millisecond {
				t.Fatalf("after %d failures: wait of %v, want up to %v", failures, d, bound)
			}
			longest = max(longest, d)
		}
		if longest < bound*9/10 {
			t.Errorf("after %d failures: longest of 1000 waits is %v, want about %v", failures, longest, bound)
		}
	}
}

func TestHopelessAndPartialBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &agenttest.Recorder{Answer: answers(func(call int, b *sample.Batch) error {
			switch call {
			case 0:
				return agent.Permanent(errors.New("bad request"))
			case 1:
				return &agent.PartialError{Rejected: 3, Err: errors.New("too old")}
			case 2:
				panic("no")
			}
			return nil
		})}
		every := output("out", "r", out)
		every.Every = 10 * time.Second
		a := newWorld().agent(t, agent.Config{Sources: []agent.Source{source("s", "r", &agenttest.Const{})}, Outputs: []agent.Output{every}})
		stop := start(t, a)
		for _, want := range []agent.OutputStatus{
			{Offered: 1, Pending: 1},
			{Offered: 11, Dropped: 11, LastErr: "bad request"},
			{Offered: 21, Dropped: 14, Sent: 7, LastErr: "receiver refused 3 frames: too old"},
			{Offered: 31, Dropped: 24, Sent: 7, LastErr: "panic: no"},
			{Offered: 41, Dropped: 24, Sent: 17},
		} {
			time.Sleep(500 * time.Millisecond)
			o := account(t, a, "out")
			got := agent.OutputStatus{Offered: o.Offered, Sent: o.Sent, Dropped: o.Dropped, Pending: o.Pending, LastErr: o.LastErr}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			time.Sleep(9500 * time.Millisecond)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// TestRowFloodLeavesHardware: a loop that logs without end fills the row lane;
// the samples of the hardware all arrive, and half a lane of rows wakes the
// output before its time.
func TestRowFloodLeavesHardware(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &agenttest.Recorder{}
		late := output("out", "r", out)
		late.Every = time.Minute
		a := newWorld().agent(t, agent.Config{
			RowValues: 1000,
			Sources:   []agent.Source{source("s", "r", &agenttest.Const{Name: "hw"})},
			Outputs:   []agent.Output{late},
		})
		stop := start(t, a)
		row := agent.FrameOf(a, "r", 1)
		for range 55 {
			for range 10_000 {
				a.Append(row)
			}
			time.Sleep(time.Second)
		}
		if err := a.Finish(t.Context(), "r"); err != nil {
			t.Errorf("Finish: %v", err)
		}
		if n := len(out.Values("hw")); n != 57 {
			t.Errorf("%d samples of the hardware arrived, want 57", n)
		}
		o := account(t, a, "out")
		checkAdds(t, o)
		if o.Lost == 0 || o.Sent != uint64(len(out.Frames())) || o.Offered != 550_057 {
			t.Errorf("account: %+v with %d frames received; want 550057 offered, some lost, the rest sent", o, len(out.Frames()))
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// TestDrainIsBounded: a server that was never reached holds up Finish as long
// as its context allows, and what is left is counted.
func TestDrainIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		refuse := &agenttest.Recorder{Answer: func(context.Context, *sample.Batch) error { return errors.New("connection refused") }}
		waits := &agenttest.Recorder{Answer: func(ctx context.Context, _ *sample.Batch) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		deaf := &agenttest.Recorder{Answer: hangs(release)}
		a := newWorld().agent(t, agent.Config{
			Sources: []agent.Source{source("s", "r", &agenttest.Const{})},
			Outputs: []agent.Output{output("refuse", "r", refuse), output("waits", "r", waits), output("deaf", "r", deaf)},
		})
		stop := start(t, a)
		time.Sleep(10500 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		began := time.Now()
		err := a.Finish(ctx, "r")
		if d := time.Since(began); d > 3*time.Second {
			t.Errorf("Finish took %v", d)
		}
		for _, want := range []string{`"refuse": 12 frames not delivered: connection refused`, `"waits": 12 frames`, `"deaf": still exporting`} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Finish: the error does not say %q:\n%v", want, err)
			}
		}
		for _, name := range []string{"refuse", "waits", "deaf"} {
			o := account(t, a, name)
			checkAdds(t, o)
			if o.Dropped != 12 || o.Pending != 0 {
				t.Errorf("output %s: %+v; want 12 dropped", name, o)
			}
		}
		if refuse.Shutdowns() != 1 || waits.Shutdowns() != 1 {
			t.Errorf("%d and %d shutdowns, want one each", refuse.Shutdowns(), waits.Shutdowns())
		}
		close(release)
		synctest.Wait()
		if o := account(t, a, "deaf"); o.Dropped != 12 || o.Sent != 0 {
			t.Errorf("output deaf after it came back: %+v; its account is closed", o)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// TestDrainEndsAlthoughSamplesGoOn: a run's output that also selects the host
// is drained up to the moment of Finish, not for as long as the host lives.
func TestDrainEndsAlthoughSamplesGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &agenttest.Recorder{Answer: func(context.Context, *sample.Batch) error {
			time.Sleep(300 * time.Millisecond)
			return nil
		}}
		both := output("out", "r", out)
		both.Select.Host = true
		fast := source("fast", "", &agenttest.Const{})
		fast.Every = 100 * time.Millisecond
		a := newWorld().agent(t, agent.Config{Sources: []agent.Source{fast}, Outputs: []agent.Output{both}})
		stop := start(t, a)
		time.Sleep(5 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if err := a.Finish(ctx, "r"); err != nil {
			t.Errorf("Finish: %v", err)
		}
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("Finish took %v with exports of 0.3s", d)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// TestEventsWaitForTheOutput: they survive failed exports, arrive once, and at
// the bound the oldest go first, counted.
func TestEventsWaitForTheOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		out := &agenttest.Recorder{Answer: func(context.Context, *sample.Batch) error {
			if !up.Load() {
				return errors.New("down")
			}
			return nil
		}}
		a := newWorld().agent(t, agent.Config{Outputs: []agent.Output{output("out", "r", out)}})
		stop := start(t, a)
		time.Sleep(time.Second)
		for range 1100 {
			a.Emit(sample.Event{Run: "r", Kind: sample.EventXID, Text: "x"})
			a.Emit(sample.Event{Run: "other", Kind: sample.EventXID, Text: "not ours"})
			a.Emit(sample.Event{Kind: sample.EventXID, Text: "the host's"})
		}
		time.Sleep(time.Minute)
		up.Store(true)
		time.Sleep(2 * time.Minute)
		if got := texts(out.Events(), sample.EventXID); len(got) != 1024 || got[0] != "x" {
			t.Errorf("%d events arrived, want the newest 1024 of the run", len(got))
		}
		if o := account(t, a, "out"); o.EventsDropped != 76 {
			t.Errorf("%d events dropped, want 76", o.EventsDropped)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// whim is a receiver of many moods that remembers what it confirmed.
type whim struct {
	t     *testing.T
	rnd   *rand.Rand
	check func()

	mu        sync.Mutex
	calm      bool
	confirmed uint64
	refused   uint64
	last      uint64 // newest Seq that was settled
}

func (w *whim) Export(ctx context.Context, b *sample.Batch) error {
	w.check()
	w.mu.Lock()
	mood := w.rnd.IntN(8)
	hold := time.Duration(w.rnd.IntN(3000)) * time.Millisecond
	calm := w.calm
	w.mu.Unlock()
	if calm {
		mood, hold = 0, 0
	}
	time.Sleep(hold)
	w.check()
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(b.Frames); n > 0 {
		if b.Frames[0].Seq <= w.last {
			w.t.Errorf("frame %d comes again after %d was settled", b.Frames[0].Seq, w.last)
		}
		if mood != 1 && mood != 2 {
			w.last = b.Frames[n-1].Seq
		}
	}
	switch n := uint64(len(b.Frames)); mood {
	case 1, 2:
		return errors.New("try again")
	case 3:
		w.refused += n
		return agent.Permanent(errors.New("never"))
	case 4:
		k := uint64(w.rnd.Int64N(int64(n) + 1))
		w.refused += k
		w.confirmed += n - k
		return &agent.PartialError{Rejected: int(k), Err: errors.New("some")}
	case 5:
		w.refused += n
		panic("mood")
	default:
		w.confirmed += n
		return nil
	}
}

func (w *whim) Shutdown(context.Context) error { return nil }

// TestAccountAlwaysAddsUp checks the account at every step of random schedules
// against what the receivers themselves counted.
func TestAccountAlwaysAddsUp(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { randomSchedule(t, seed) })
	}
}

func randomSchedule(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 7))
	a := newWorld().agent(t, agent.Config{HardwareValues: 64, RowValues: 256})
	check := func() {
		for _, o := range a.Status().Outputs {
			checkAdds(t, o)
		}
	}
	names := []string{"x", "y", "z"}
	whims := map[string]*whim{}
	for i, name := range names {
		w := &whim{t: t, rnd: rand.New(rand.NewPCG(seed, uint64(i))), check: check}
		whims[name] = w
		if err := a.AddOutput(output(name, "r", w)); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.AddSource(source("s", "r", &agenttest.Const{Series: 5})); err != nil {
		t.Fatal(err)
	}
	stop := start(t, a)
	rows := uint64(0)
	for range 200 {
		for range rnd.IntN(60) {
			a.Append(agent.FrameOf(a, "r", float64(rows)))
			rows++
			check()
		}
		time.Sleep(time.Duration(rnd.IntN(1500)) * time.Millisecond)
		check()
	}
	for _, w := range whims {
		w.mu.Lock()
		w.calm = true
		w.mu.Unlock()
	}
	if err := a.Finish(t.Context(), "r"); err != nil {
		t.Errorf("seed %d: Finish: %v", seed, err)
	}
	var lost uint64
	for _, name := range names {
		o, w := account(t, a, name), whims[name]
		checkAdds(t, o)
		if o.Pending != 0 || o.Sent != w.confirmed || o.Dropped-o.Lost != w.refused || o.Offered <= rows {
			t.Errorf("seed %d: output %s: %+v, but the receiver confirmed %d and refused %d of %d rows and the samples", seed, name, o, w.confirmed, w.refused, rows)
		}
		lost += o.Lost
	}
	if lost == 0 {
		t.Errorf("seed %d: nothing was lost: the schedule does not reach the bounds", seed)
	}
	if err := stop(); err != nil {
		t.Errorf("seed %d: Run: %v", seed, err)
	}
}
