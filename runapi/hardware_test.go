package runapi

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// TestShortRunHasHardware ends a run as soon as its hardware is open: the
// first and the last sample are there, with the machine's facts.
func TestShortRunHasHardware(t *testing.T) {
	s := quiet(t)
	s.DisableStats = false
	r := start(t, s)
	began := time.Now()
	run := load(t, r)
	if len(run.Stats) == 0 {
		if time.Since(began) > startGrace/2 {
			t.Skip("the machine is too busy to open the sources in time")
		}
		t.Fatal("a short run has no stats record")
	}
	found := false
	for key := range run.Stats[len(run.Stats)-1].Values {
		found = found || strings.HasPrefix(key, "proc.") || key == "memory_percent"
	}
	if !found {
		t.Errorf("stats are %v", run.Stats)
	}
	if env := run.Environment; env.GetOs() == "" || env.GetCpuCountLogical() == 0 || env.GetProgram() == "" || len(env.GetWriterId()) != 32 {
		t.Errorf("environment is %v", env)
	}
	for _, name := range []string{configFile, summaryFile, metadataFile} {
		if _, err := os.Stat(filepath.Join(r.FilesDir(), name)); err != nil {
			t.Error(err)
		}
	}
}

// TestOutputsGetRowsAndHardware hands a sink in, as a program does that wants
// OTLP or Prometheus beside.
func TestOutputsGetRowsAndHardware(t *testing.T) {
	sink := &agenttest.Recorder{}
	s := quiet(t)
	s.DisableStats, s.SampleInterval = false, minInterval
	s.Outputs = []agent.Output{{Name: "sink", Exporter: sink, Every: minInterval}}
	r := start(t, s)
	waitFor(t, func() bool { return len(sink.Frames()) > 0 }) // hardware comes by itself
	key, row := r.Key("loss"), r.Row()
	for _, v := range []float64{3, math.Inf(1)} {
		row.Float(key, v)
		if err := r.LogRow(&row); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Log(map[string]any{"loss": 1, "text": "no number"}); err != nil {
		t.Fatal(err)
	}
	load(t, r)
	var losses, hardware int
	steps := map[int64]float64{}
	for _, b := range sink.Batches() {
		for _, f := range b.Frames {
			for i, ref := range f.Refs {
				sr, _ := b.Schema.Series(ref)
				switch name, ok := sr.RowKey(); {
				case ok && name == "loss" && sr.Run == sample.RunID(r.ID()):
					losses++
					steps[f.Step] = f.Vals[i]
				case !ok && f.Step == sample.NoStep:
					hardware++
				}
			}
		}
	}
	if losses != 3 || steps[0] != 3 || !math.IsInf(steps[1], 1) || steps[2] != 1 {
		t.Errorf("%d losses arrived: %v", losses, steps)
	}
	if hardware == 0 || sink.Shutdowns() != 1 {
		t.Errorf("%d hardware values arrived, %d shutdowns", hardware, sink.Shutdowns())
	}
}

// TestHangingOutputDoesNotHoldFinish gives Finish a sink that never answers.
func TestHangingOutputDoesNotHoldFinish(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the grace of outputs")
	}
	sink := &agenttest.Recorder{Answer: hang}
	s := quiet(t)
	s.Outputs = []agent.Output{{Name: "sink", Exporter: sink, Every: minInterval}}
	r := start(t, s)
	if err := r.Log(map[string]any{"a": 1}); err != nil {
		t.Fatal(err)
	}
	if err := r.Finish(0); err == nil || !strings.Contains(err.Error(), "sink") {
		t.Errorf("Finish with a hanging output: %v", err)
	}
	if run := loadDir(t, r.Dir()); run.Crashed || len(run.History) != 1 {
		t.Errorf("the log suffered from the sink: crashed %v, %d rows", run.Crashed, len(run.History))
	}
}

func TestTwoRunsAtOnce(t *testing.T) {
	s := quiet(t)
	s.DisableStats, s.SampleInterval = false, minInterval
	a, b := start(t, s), start(t, s)
	for _, r := range []*Run{a, b} {
		waitFor(t, func() bool { return len(loadDir(t, r.Dir()).Stats) > 0 })
	}
	for i := range 100 {
		if err := a.Log(map[string]any{"a": i}); err != nil {
			t.Fatal(err)
		}
		if err := b.Log(map[string]any{"b": i}, AtStep(int64(2*i))); err != nil {
			t.Fatal(err)
		}
	}
	ra, rb := load(t, a), load(t, b)
	if a.ID() == b.ID() || a.Dir() == b.Dir() || len(ra.History) != 100 || len(rb.History) != 100 || rb.History[99].Step != 198 {
		t.Errorf("runs %s and %s have %d and %d rows", a.Dir(), b.Dir(), len(ra.History), len(rb.History))
	}
}

// TestPartsAreFolded finishes a run that has another writer's console.
func TestPartsAreFolded(t *testing.T) {
	r := start(t, quiet(t))
	writePart(t, r, "first\nsecond\n")
	run := load(t, r)
	text, err := os.ReadFile(filepath.Join(r.FilesDir(), outputFile))
	if err != nil || string(text) != "first\nsecond\n" || len(run.Console) == 0 {
		t.Errorf("output.log is %q (%v), console %v", text, err, run.Console)
	}
	if parts, _ := filepath.Glob(filepath.Join(r.Dir(), "*.part")); len(parts) > 0 {
		t.Errorf("parts are left: %v", parts)
	}
}
