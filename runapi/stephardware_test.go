package runapi

import (
	"io"
	"log/slog"
	"math"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/collectors/gpu/gputest"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/perstep"
)

// cpuSeconds is what getrusage says that this process used.
func cpuSeconds(t testing.TB) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Skip(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// burn uses so much CPU time.
func burn(t testing.TB, seconds float64) {
	x := 1.0
	for begin := cpuSeconds(t); cpuSeconds(t)-begin < seconds; {
		for range 10_000 {
			x = math.Sqrt(x + 1)
		}
	}
	if math.IsNaN(x) {
		t.Fatal("not a number")
	}
}

// TestBurstOfOneStep plants CPU work in one short step of a thousand: only its
// row shows it, and all rows agree with getrusage.
func TestBurstOfOneStep(t *testing.T) {
	const steps, planted, burst = 1000, 617, 0.25
	// What getrusage and the process clock may differ by for one step: other
	// goroutines of the process, and the calls themselves.
	const bound = 0.01
	s := quiet(t)
	s.DisableStats, s.StepHardware = false, []string{"default"}
	r := start(t, s)
	loss, row := r.Key("loss"), r.Row()
	var used [steps]float64
	first := cpuSeconds(t)
	for i := range steps {
		before := cpuSeconds(t)
		time.Sleep(100 * time.Microsecond)
		if i == planted {
			burn(t, burst)
		}
		row.Float(loss, float64(i))
		if err := r.LogRow(&row); err != nil {
			t.Fatal(err)
		}
		used[i] = cpuSeconds(t) - before
	}
	total := cpuSeconds(t) - first
	run := load(t, r)
	if len(run.History) != steps {
		t.Fatalf("%d rows", len(run.History))
	}
	var sum float64
	for i, h := range run.History[1:] { // the first step begins with Init
		got, ok := h.Values[perstep.CPUKey].(float64)
		if !ok {
			t.Fatalf("step %d tells %v", h.Step, h.Values)
		}
		sum += got
		if off := math.Abs(got - used[i+1]); off > bound {
			t.Errorf("step %d: %.4f s, getrusage says %.4f s", h.Step, got, used[i+1])
		}
		if shows := got > burst/2; shows != (h.Step == planted) {
			t.Errorf("step %d shows %.4f s", h.Step, got)
		}
	}
	if math.Abs(sum-total) > bound {
		t.Errorf("all steps: %.4f s, getrusage says %.4f s", sum, total)
	}
	t.Logf("planted %.4f s, row says %.4f s; all rows %.4f s, getrusage %.4f s", used[planted], run.History[planted].Values[perstep.CPUKey], sum, total)
}

// TestStepsOfAGPU puts a GPU's energy and use on the rows.
func TestStepsOfAGPU(t *testing.T) {
	s := quiet(t)
	s.DisableStats, s.SampleInterval = false, minInterval
	s.GPULibrary = gputest.Build(t, t.TempDir()).Path
	s.StepHardware = []string{"gpu.0.powerWatts", "cpu"}
	r := start(t, s)
	var joules, seconds, early float64
	last := time.Now()
	waitFor(t, func() bool {
		time.Sleep(10 * time.Millisecond)
		if err := r.Log(map[string]any{"a": 1}, Commit()); err != nil {
			t.Fatal(err)
		}
		_, ok := r.Summary().Get(perstep.JoulesKey)
		if ok && early == 0 {
			early = float64(r.Step())
			last = time.Now()
		}
		return ok && time.Since(last) > time.Second
	})
	run := load(t, r)
	prev := 0.0
	for _, h := range run.History {
		if v, ok := h.Values[perstep.JoulesKey].(float64); ok && float64(h.Step) > early {
			joules += v
			seconds += h.Runtime - prev
		}
		prev = h.Runtime
	}
	if watts := joules / seconds; watts < 200 || watts > 1600 || seconds < 0.5 {
		t.Errorf("%.1f J in %.2f s: the stand-in's GPUs use 62 and 550 W", joules, seconds)
	}
	end := run.History[len(run.History)-1].Values
	if v, ok := end["hardware/gpu.0.powerWatts.mean"].(float64); !ok || v <= 0 || v > end["hardware/gpu.0.powerWatts.max"].(float64) {
		t.Errorf("the last row tells %v", end)
	}
}

// TestOpenStepsTellHardware leaves steps open: each ends with the last call
// that adds to it.
func TestOpenStepsTellHardware(t *testing.T) {
	s := quiet(t)
	s.StepHardware = []string{"default"}
	var log strings.Builder
	s.Logger = slog.New(slog.NewTextHandler(&syncWriter{w: &log}, nil))
	r := start(t, s)
	for i := range int64(3) {
		if i == 1 {
			burn(t, 0.1)
		}
		for range 2 {
			if err := r.Log(map[string]any{"a": i}, AtStep(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	run := load(t, r)
	for _, h := range run.History {
		if v, _ := h.Values[perstep.CPUKey].(float64); (v > 0.05) != (h.Step == 1) {
			t.Errorf("step %d used %v s, and step 1 has 0.1 s", h.Step, v)
		}
	}
	if !strings.Contains(log.String(), "CPU seconds only") {
		t.Errorf("nothing says that the hardware is not measured: %s", log.String())
	}
}

func TestStepHardwareNames(t *testing.T) {
	s := quiet(t)
	s.Environ = []string{"WANDB_AGENT_STEP_HARDWARE=cpu, gpu.*"}
	if r := start(t, s); len(r.Settings().StepHardware) != 2 || r.Settings().StepHardware[1] != "gpu.*" {
		t.Errorf("names are %q", r.Settings().StepHardware)
	}
	s.StepHardware = []string{""}
	if _, err := Init(t.Context(), s); err == nil || !strings.Contains(err.Error(), "step hardware") {
		t.Errorf("an empty name: %v", err)
	}
}

func TestStepHardwareAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s := quiet(t)
	s.StepHardware = []string{"default"}
	s.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	logRow := fiveScalars(t, start(t, s))
	for range 100 {
		logRow()
	}
	if n := testing.AllocsPerRun(500, logRow); n != 0 {
		t.Errorf("a row allocates %v times, want 0", n)
	}
}
