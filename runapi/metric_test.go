package runapi

import (
	"errors"
	"reflect"
	"testing"
)

// TestMetricIsRefined: what DefineMetric returned can be said more about, and
// the summary is the same live, read back, and after a crash.
func TestMetricIsRefined(t *testing.T) {
	s := quiet(t)
	r := start(t, s)
	must := func(m *Metric, err error) *Metric {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	epoch := must(r.DefineMetric("epoch", MetricOptions{Summary: None}))
	acc := must(r.DefineMetric("val/acc", MetricOptions{StepMetric: epoch.Name(), Summary: Best}))
	must(r.DefineMetric("val/*", MetricOptions{Summary: Max, Hidden: true}))
	must(r.DefineMetric("time/*", MetricOptions{Summary: P50 | P95 | Last, StepMetric: epoch.Name()}))
	if err := errors.Join(acc.Update(MetricOptions{Goal: Maximize, Summary: Last}), acc.Update(MetricOptions{Goal: 3})); err == nil {
		t.Error("goal 3 was taken")
	}
	for i, v := range []float64{0.25, 0.75, 0.5} {
		if err := r.Log(map[string]any{"epoch": i, "val/acc": v, "val/deep/er": v, "time/step": float64(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]any{
		"val/acc":     map[string]any{"best": 0.75, "last": 0.5},
		"val/deep/er": map[string]any{"max": 0.75}, // * goes over slashes; the exact name keeps the glob away
	}
	live := r.Summary().All()
	for key, v := range want {
		if !reflect.DeepEqual(live[key], v) {
			t.Errorf("%s: got %v, want %v", key, live[key], v)
		}
	}
	if _, ok := live["epoch"]; ok {
		t.Errorf("epoch is in the summary: %v", live["epoch"])
	}
	step, _ := live["time/step"].(map[string]any)
	for name, exact := range map[string]float64{"p50": 2, "p95": 3} {
		if v := asNumber(step[name]); v < exact*0.99 || v > exact*1.01 {
			t.Errorf("%s: got %v, want %v within 1 %%", name, v, exact)
		}
	}
	if crashed := loadDir(t, r.Dir()); !reflect.DeepEqual(crashed.Summary, live) {
		t.Errorf("as a reader works it out:\ngot  %v\nwant %v", crashed.Summary, live)
	}
	got := load(t, r).Summary
	live["_wandb"] = got["_wandb"]
	if !reflect.DeepEqual(got, live) {
		t.Errorf("stored:\ngot  %v\nwant %v", got, live)
	}
	if err := acc.Update(MetricOptions{}); !errors.Is(err, ErrFinished) {
		t.Errorf("after Finish: got %v, want ErrFinished", err)
	}
}

func TestNilMetric(t *testing.T) {
	var m *Metric
	off, err := (*Run)(nil).DefineMetric("x", MetricOptions{})
	if m.Name() != "" || m.Update(MetricOptions{}) != nil || err != nil || off.Update(MetricOptions{}) != nil {
		t.Error("a nil metric, or one of a nil run, does something")
	}
}

// TestGlobGivesStepMetric: a name with * says what to plot against, and rows
// that lack the step metric get its newest value.
func TestGlobGivesStepMetric(t *testing.T) {
	r := start(t, quiet(t))
	if _, err := r.DefineMetric("val/*", MetricOptions{StepMetric: "epoch"}); err != nil {
		t.Fatal(err)
	}
	r.Log(map[string]any{"epoch": 4})
	r.Log(map[string]any{"val/a/b": 1})
	run := load(t, r)
	if got := run.History[1].Values; !reflect.DeepEqual(got, map[string]any{"val/a/b": int64(1), "epoch": int64(4)}) {
		t.Errorf("got %v, want epoch 4 beside val/a/b", got)
	}
	for _, m := range run.Metrics {
		if m.GetName() == "val/a/b" && m.GetStepMetric() != "epoch" {
			t.Errorf("got %v, want step metric epoch", m)
		}
	}
}

func asNumber(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}
