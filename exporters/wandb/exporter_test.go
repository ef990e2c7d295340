package wandb_test

import (
	"context"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/agent/catalog"
	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/exporters/wandb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// newLog makes a run directory with its log.
func newLog(t testing.TB) (*runlog.Dir, *runlog.Writer) {
	t.Helper()
	dir, err := runlog.NewDir(runlog.DirOptions{WandbDir: t.TempDir(), RunID: "r1"})
	if err != nil {
		t.Fatal(err)
	}
	w, err := runlog.Create(dir.LogPath(), runlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return dir, w
}

func load(t testing.TB, dir *runlog.Dir) *runlog.Run {
	t.Helper()
	run, err := runlog.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestContract(t *testing.T) {
	agenttest.Exporter(t, func() (agent.Exporter, func() []float64) {
		_, w := newLog(t)
		return wandb.New(w, wandb.Config{Run: "r1"}), nil
	})
}

// feed offers frames of one process series, one a call.
type feed struct {
	batch sample.Batch
	ref   sample.Ref
}

func newFeed(t testing.TB, run sample.RunID) *feed {
	t.Helper()
	schema := sample.NewSchema(0)
	ref, err := catalog.Add(schema.Scope(1, run), "process.memory.usage")
	if err != nil {
		t.Fatal(err)
	}
	f := &feed{ref: ref}
	f.batch = sample.Batch{Schema: schema, Facts: &sample.Facts{}, Clock: sample.Clock{Anchor: 1e18, Read: func() int64 { return 0 }}}
	f.batch.Frames = []sample.Frame{{Source: 1, Step: sample.NoStep}}
	return f
}

func (f *feed) send(t testing.TB, e *wandb.Exporter, sec int64, mib float64) {
	t.Helper()
	frame := &f.batch.Frames[0]
	frame.Time, frame.Refs, frame.Vals = sec*int64(time.Second), frame.Refs[:0], frame.Vals[:0]
	frame.Put(f.ref, mib*(1<<20))
	if err := e.Export(context.Background(), &f.batch); err != nil {
		t.Fatal(err)
	}
}

func TestStatsRecords(t *testing.T) {
	dir, w := newLog(t)
	e := wandb.New(w, wandb.Config{Run: "r1", Every: 5 * time.Second, Label: "node 1"})
	f := newFeed(t, "r1")
	for sec := range int64(13) {
		f.send(t, e, 100+sec, float64(sec))
	}
	if err := e.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := []struct {
		sec  int64
		mib  float64
		peak float64
	}{{100, 0, 0}, {105, 3, 5}, {110, 8, 10}, {112, 11.5, 12}}
	run := load(t, dir)
	if len(run.Stats) != len(want) {
		t.Fatalf("%d records, want %d: %v", len(run.Stats), len(want), run.Stats)
	}
	for i, s := range run.Stats {
		got, ok := s.Values["proc.memory.rssMB/l:node 1"]
		if at := time.Unix(1e9+want[i].sec, 0); !ok || number(got) != want[i].mib || !s.Time.Equal(at) {
			t.Errorf("record %d is %v at %v, want %v at %v", i, s.Values, s.Time, want[i].mib, at)
		}
		if got := s.Values["agent.max.proc.memory.rssMB/l:node 1"]; number(got) != want[i].peak {
			t.Errorf("record %d has a peak of %v, want %v", i, got, want[i].peak)
		}
	}
}

func number(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return math.NaN()
}

func TestSeriesOfOtherRunsAreLeftOut(t *testing.T) {
	dir, w := newLog(t)
	e := wandb.New(w, wandb.Config{Run: "r1"})
	newFeed(t, "r2").send(t, e, 1, 1)
	if err := e.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if run := load(t, dir); len(run.Stats) != 0 {
		t.Errorf("records of another run: %v", run.Stats)
	}
}

func TestEnvironmentWhenFactsChange(t *testing.T) {
	dir, w := newLog(t)
	e := wandb.New(w, wandb.Config{Run: "r1"})
	b := &sample.Batch{Schema: sample.NewSchema(0), Facts: &sample.Facts{}}
	export := func() {
		t.Helper()
		if err := e.Export(context.Background(), b); err != nil {
			t.Fatal(err)
		}
	}
	export()
	before := w.Counters().Records
	b.Facts = &sample.Facts{
		OS: "Linux", CPUPhysical: 4, CPULogical: 8, MemoryTotal: 1 << 34, CUDAVersion: "12.4",
		Disks: map[string]sample.Disk{"/": {Total: 10, Used: 5}},
		GPUs:  []sample.GPU{{Name: "H200", UUID: "GPU-1", MemoryTotal: 1 << 37, CUDACores: 16896, Architecture: "Hopper"}, {Name: "H200"}},
	}
	export()
	export()
	if n := w.Counters().Records - before; n != 1 {
		t.Errorf("%d records for one change, want 1", n)
	}
	env := load(t, dir).Environment
	if env.GetOs() != "Linux" || env.GetCpuCount() != 4 || env.GetCpu().GetCountLogical() != 8 || env.GetMemory().GetTotal() != 1<<34 ||
		env.GetDisk()["/"].GetUsed() != 5 || env.GetGpuCount() != 2 || env.GetGpuType() != "H200" || env.GetGpuNvidia()[0].GetArchitecture() != "Hopper" || env.GetCudaVersion() != "12.4" {
		t.Errorf("environment is %v", env)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	_, w := newLog(t)
	e := wandb.New(w, wandb.Config{Run: "r1", Every: time.Second})
	f := newFeed(t, "r1")
	sec := int64(0)
	tick := func() { sec++; f.send(t, e, sec, float64(sec)) }
	for range 10 {
		tick()
	}
	before := w.Counters().Records
	if n := testing.AllocsPerRun(200, tick); n != 0 {
		t.Errorf("an export with a record allocates %v times, want 0", n)
	}
	if w.Counters().Records < before+200 {
		t.Error("no records were written")
	}
}

func TestErrorsAreNotRetried(t *testing.T) {
	dir, w := newLog(t)
	e := wandb.New(w, wandb.Config{Run: "r1"})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f := newFeed(t, "r1")
	f.batch.Frames[0].Time = 1
	f.batch.Frames[0].Put(f.ref, 1)
	if err := e.Export(context.Background(), &f.batch); !agent.IsPermanent(err) {
		t.Errorf("export into the closed log %s: %v, want a permanent error", filepath.Base(dir.LogPath()), err)
	}
}
