package runapi

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestSummary(t *testing.T) {
	r := start(t, quiet(t))
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(defined(r.DefineMetric("loss", MetricOptions{Summary: Min | Max | Mean | First | Last})))
	check(defined(r.DefineMetric("hidden", MetricOptions{Summary: None, Hidden: true})))
	check(defined(r.DefineMetric("val.*", MetricOptions{StepMetric: "epoch", Summary: Max})))
	s := r.Summary()
	for i, loss := range []float64{4, 1, 3} {
		check(r.Log(map[string]any{"loss": loss, "hidden": i, "plain": i, "val": map[string]any{"acc": i}, "manual": i, "gone": 1}))
	}
	check(s.Set("manual", 99))
	check(s.Set("best", map[string]any{"step": 1}))
	check(s.Set("loss2", "text"))
	check(s.Delete("gone"))
	if v, ok := s.Get("best", "step"); !ok || v != int64(1) {
		t.Errorf("Get(best, step) = %v, %v", v, ok)
	}
	if err := s.Set("", 1); !errors.Is(err, ErrKey) {
		t.Errorf("Set of an empty key: %v", err)
	}
	run := load(t, r)
	for _, key := range []string{"_step", "_runtime", "_timestamp", "_wandb"} {
		if run.Summary[key] == nil {
			t.Errorf("summary lacks %s", key)
		}
		delete(run.Summary, key)
	}
	want := map[string]any{
		"loss":  map[string]any{"min": int64(1), "max": int64(4), "mean": 8. / 3, "first": int64(4), "last": int64(3)},
		"plain": int64(2), "val": map[string]any{"acc": map[string]any{"max": int64(2)}}, "manual": int64(99), "best": map[string]any{"step": int64(1)},
		"loss2": "text", "epoch": int64(0),
	}
	if !reflect.DeepEqual(run.Summary, want) {
		t.Errorf("summary is %v, want %v", run.Summary, want)
	}
	if v := run.History[1].Values["epoch"]; v != int64(0) {
		t.Errorf("step metric in the row is %v, want 0", v)
	}
	text, err := os.ReadFile(filepath.Join(r.FilesDir(), summaryFile))
	var file map[string]any
	if err != nil || json.Unmarshal(text, &file) != nil || file["plain"] != 2.0 {
		t.Errorf("summary file is %s (%v)", text, err)
	}
}

func TestDefineMetricRefusals(t *testing.T) {
	r := start(t, quiet(t))
	f := func(name string, o MetricOptions, want error) {
		t.Helper()
		if _, err := r.DefineMetric(name, o); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("DefineMetric(%q, %+v) = %v, want %v", name, o, err, want)
		}
	}
	f("", MetricOptions{}, ErrKey)
	f("a*b", MetricOptions{}, ErrKey)
	f("a", MetricOptions{StepMetric: "b*"}, ErrKey)
	f("_wandb", MetricOptions{}, ErrKey)
	f("a", MetricOptions{StepMetric: "_step"}, nil)
	f("*", MetricOptions{Hidden: true}, nil)
	r.Finish(0)
	f("a", MetricOptions{}, ErrFinished)
}
