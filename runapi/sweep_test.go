package runapi

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"
)

const sweepFile = "wandb_version: 1\n\nlr:\n  value: 0.25\nlayers:\n  value: [1, 2]\nopt:\n  value:\n    name: adam\n"

func TestSweepLocksItsValues(t *testing.T) {
	s := quiet(t)
	path := filepath.Join(s.Dir, "params.yaml")
	write(t, path, sweepFile)
	s.Config = map[string]any{"lr": 1, "epochs": 3}
	s.Environ = []string{"WANDB_SWEEP_ID=sw1", "WANDB_SWEEP_PARAM_PATH=" + path}
	r := start(t, s)
	want := map[string]any{"lr": 0.25, "epochs": int64(3), "layers": []any{int64(1), int64(2)}, "opt": map[string]any{"name": "adam"}}
	if got := r.Config().All(); !reflect.DeepEqual(got, want) {
		t.Errorf("config is %v, want %v", got, want)
	}
	for _, change := range []map[string]any{{"lr": 2}, {"layers": []int{1}}, {"opt": map[string]any{"name": "sgd"}}} {
		if err := r.Config().Update(change, AllowChange()); !errors.Is(err, ErrConfigLocked) {
			t.Errorf("change to %v: got %v, want ErrConfigLocked", change, err)
		}
	}
	for _, same := range []map[string]any{{"lr": 0.25}, {"opt": map[string]any{"beta": 1}}, {"epochs": 4}} {
		if err := r.Config().Update(same, AllowChange()); err != nil {
			t.Errorf("set %v: %v", same, err)
		}
	}
	if rec := firstRun(t, r.Dir()); rec.SweepId != "sw1" {
		t.Errorf("the run belongs to sweep %q", rec.SweepId)
	}
}

func TestSweepFilesThatCannotBeRead(t *testing.T) {
	for _, text := range []string{"wandb_version: 2\n", "lr: 1\n", "lr: {v: 1}\n", "- a\n", "a: {value: !!binary x}\n", "x: [\n"} {
		if v, err := parseSweep([]byte(text)); err == nil {
			t.Errorf("%q was read as %v", text, v)
		}
	}
	s := quiet(t)
	s.SweepID, s.SweepParamPath = "s", filepath.Join(s.Dir, "none")
	if _, err := Init(t.Context(), s); err == nil {
		t.Error("a sweep without its parameters was begun")
	}
}

func FuzzParseSweep(f *testing.F) {
	f.Add([]byte(sweepFile))
	f.Add([]byte("a: {value: {1: 2, ? [x] : y}}\n"))
	f.Add([]byte("a: &x {value: [*x]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		chosen, err := parseSweep(text)
		if err != nil && chosen != nil {
			t.Fatalf("%q gave %v and %v", text, chosen, err)
		}
		var r Run
		r.mask = start(t, Settings{Mode: ModeDisabled, Environ: []string{}}).mask
		if _, err := r.configTree(chosen); err != nil && len(err.Error()) > 1<<16 {
			t.Fatalf("an error of %d bytes", len(err.Error()))
		}
	})
}
