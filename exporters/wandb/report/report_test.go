package report

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

func exampleRun() *runlog.Run {
	run := &runlog.Run{
		ID: "abc12345", Tags: []string{"a", "b"}, Project: "digits", Name: "first", Start: time.Unix(1700000000, 0),
		Config:  map[string]any{"lr": 0.1, "net": map[string]any{"hidden": int64(32)}},
		Summary: map[string]any{"loss": 0.25, "val": map[string]any{"acc": map[string]any{"max": 0.9}}, "_step": int64(3)},
		Exit:    &runlog.Exit{Known: true, Runtime: 12 * time.Second},

		Environment: &wandbpb.EnvironmentRecord{GpuNvidia: []*wandbpb.GpuNvidiaInfo{{Name: "Model X"}, {Name: "Model X"}}},
	}
	for i := range 4 {
		run.History = append(run.History, runlog.HistoryRow{Step: int64(i), Runtime: float64(i), Values: map[string]any{
			"loss": 1 / float64(i+1), "val": map[string]any{"acc": 0.3 * float64(i)}}})
		run.Stats = append(run.Stats, runlog.Sample{Values: map[string]any{"cpu": float64(50 * i), "gpu.1.gpu": int64(i), "unheard.of": 1.0}})
	}
	return run
}

func render(t *testing.T, run *runlog.Run, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, run, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWriteShowsEverySection(t *testing.T) {
	out := render(t, exampleRun(), Options{})
	for _, want := range []string{"first  finished  12s", "project digits", "net.hidden", "loss ", "█", "val.acc.max", "process CPU %", "tags a, b", "Hardware (4 samples), 2 x Model X", "mean 75 ", "peak 150", "GPU 1 busy %"} {
		if !strings.Contains(out, want) {
			t.Errorf("report lacks %q:\n%s", want, out)
		}
	}
	for _, not := range []string{"_step", "unheard.of", "\x1b"} {
		if strings.Contains(out, not) {
			t.Errorf("report has %q:\n%s", not, out)
		}
	}
	for _, line := range strings.Split(out, "\n") {
		if n := len([]rune(line)); n > 80 {
			t.Errorf("line of %d columns: %q", n, line)
		}
	}
	if !strings.Contains(render(t, exampleRun(), Options{Color: true}), "\x1b[32mfinished") {
		t.Error("colour was asked for and is missing")
	}
}

func TestExitStatusIsToldAsItIsKnown(t *testing.T) {
	check := func(exit *runlog.Exit, want string) {
		t.Helper()
		run := exampleRun()
		run.Exit = exit
		if out := render(t, run, Options{}); !strings.Contains(out, want) {
			t.Errorf("exit %+v: no %q in\n%s", exit, want, out)
		}
	}
	check(nil, "running or crashed")
	check(&runlog.Exit{}, "exit status unknown")
	check(&runlog.Exit{Known: true, Code: 7}, "exit status 7")
	check(&runlog.Exit{Known: true, Code: 137, Signal: 9}, "killed by signal 9")
}

func TestTextFromOutsideCannotDriveTheTerminal(t *testing.T) {
	run := exampleRun()
	run.Name = "evil\x1b[2Jname"
	run.Config = map[string]any{"k\x1b]0;x\a": "v\r\n\u009b31m"}
	out := render(t, run, Options{})
	for _, r := range out {
		if r != '\n' && (r < 0x20 || (r >= 0x7f && r < 0xa0)) {
			t.Fatalf("control character %q in %q", r, out)
		}
	}
}

func TestDamageIsShown(t *testing.T) {
	run := exampleRun()
	run.Damage.TornBytes = 3
	if !strings.Contains(render(t, run, Options{}), "damaged") {
		t.Error("damage is hidden")
	}
}

func TestSparkline(t *testing.T) {
	check := func(vals []float64, width int, want string) {
		t.Helper()
		if got := sparkline(vals, width); got != want {
			t.Errorf("sparkline(%v, %d): got %q, want %q", vals, width, got, want)
		}
	}
	check(nil, 5, "")
	check([]float64{1, 2}, 0, "")
	check([]float64{1, 1, 1}, 8, "▁▁▁")
	check([]float64{0, 1}, 8, "▁█")
	check([]float64{0, 0, 1, 1}, 2, "▁█")
	check([]float64{0, math.NaN(), 1}, 3, "▁ █")
	check([]float64{math.NaN()}, 3, " ")
	check([]float64{-math.MaxFloat64, math.MaxFloat64}, 2, "▁█")
	check([]float64{math.Inf(1), 1, 2}, 3, " ▁█")
}

func TestNumber(t *testing.T) {
	check := func(v float64, want string) {
		t.Helper()
		if got := number(v); got != want {
			t.Errorf("number(%g): got %q, want %q", v, got, want)
		}
	}
	check(0, "0")
	check(12, "12")
	check(0.123456789, "0.12346")
	check(123456.789, "123457")
	check(1e-9, "1e-09")
	check(1e300, "1e+300")
	check(math.NaN(), "NaN")
	check(math.Inf(1), "+Inf")
}
