package runapi

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runconfig"
)

type hyper struct {
	LR    float64 `json:"lr"`
	Model struct {
		Layers int    `json:"layers"`
		Name   string `json:"name"`
	} `json:"model"`
	Skip string `json:"-"`
	Note string `json:"note,omitempty"`
}

func TestConfigMergeAndLock(t *testing.T) {
	s := quiet(t)
	h := hyper{LR: 0.1, Skip: "x"}
	h.Model.Layers, h.Model.Name = 2, "mlp"
	s.Config = h
	r := start(t, s)
	c := r.Config()
	f := func(key string, value any, want error, opts ...ConfigOption) {
		t.Helper()
		if err := c.Set(key, value, opts...); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("Set(%q, %v) = %v, want %v", key, value, err, want)
		}
	}
	f("lr", 0.1, nil)
	f("lr", 0.2, ErrConfigLocked)
	f("lr", 0.2, nil, AllowChange())
	f("model", map[string]any{"layers": 2, "width": 64}, nil)
	f("model", map[string]any{"layers": 3}, ErrConfigLocked)
	f("model", map[string]any{}, nil)
	f("model", 7, ErrConfigLocked)
	f("nan", math.NaN(), nil)
	f("nan", math.NaN(), nil)
	f("", 1, ErrKey)
	f("_wandb", map[string]any{"t": 1}, ErrKey)
	var value *ValueError
	if err := c.Update(map[string]any{"ok": 1, "bad": func() {}}); !errors.As(err, &value) || value.Type != "func()" {
		t.Errorf("Update with a func: %v", err)
	}
	if err := c.Update(3); !errors.As(err, &value) {
		t.Errorf("Update with a number: %v", err)
	}
	if v, ok := c.Get("model", "width"); !ok || v != int64(64) {
		t.Errorf("Get(model, width) = %v, %v", v, ok)
	}
	if _, ok := c.Get("ok"); ok {
		t.Error("part of a refused update was stored")
	}
	c.All()["lr"] = "scribble"
	run := load(t, r)
	delete(run.Config, "nan")
	want := map[string]any{"lr": 0.2, "model": map[string]any{"layers": int64(2), "name": "mlp", "width": int64(64)}}
	if !reflect.DeepEqual(run.Config, want) {
		t.Errorf("config is %v, want %v", run.Config, want)
	}
	if err := c.Set("x", 1); !errors.Is(err, ErrFinished) {
		t.Errorf("Set after Finish: %v", err)
	}
}

// TestConfigFile reads config.yaml with a YAML parser that others wrote.
func TestConfigFile(t *testing.T) {
	s := quiet(t)
	s.Config = map[string]any{
		"lr": 1e-5, "big": 1e300, "nan": math.NaN(), "inf": math.Inf(-1), "n": 3, "yes": "no", "s": "a: b #\n\ttab", "null": nil, "t": true,
		"list": []any{1, []any{2, "x"}, map[string]any{"a": 1}, []any{}}, "o": map[string]any{"p": map[string]any{}, "q": "1e3", "ключ": "å"},
	}
	r := start(t, s)
	if _, err := r.DefineMetric("loss", MetricOptions{StepMetric: "epoch", Summary: Min}); err != nil {
		t.Fatal(err)
	}
	load(t, r)
	text, err := os.ReadFile(filepath.Join(r.FilesDir(), configFile))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]map[string]any
	if err := yaml.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	value := func(key string) any { return got[key]["value"] }
	for key, want := range map[string]any{
		"lr": 1e-5, "big": 1e300, "inf": math.Inf(-1), "n": 3, "yes": "no", "s": "a: b #\n\ttab", "null": nil, "t": true,
		"list": []any{1, []any{2, "x"}, map[string]any{"a": 1}, []any{}}, "o": map[string]any{"p": map[string]any{}, "q": "1e3", "ключ": "å"},
	} {
		if g := value(key); !reflect.DeepEqual(g, want) {
			if w, ok := want.(map[string]any); ok && key == "o" { // an empty object changes nothing
				delete(w, "p")
				if reflect.DeepEqual(g, want) {
					continue
				}
			}
			t.Errorf("%s reads as %#v, want %#v", key, g, want)
		}
	}
	if v, ok := value("nan").(float64); !ok || !math.IsNaN(v) {
		t.Errorf("nan reads as %v", value("nan"))
	}
	own := value("_wandb").(map[string]any)
	want := []any{
		map[string]any{"1": "loss", "5": 2, "6": []any{1, 3}, "7": []any{1}},
		map[string]any{"1": "epoch", "6": []any{}, "7": []any{}},
	}
	if !reflect.DeepEqual(own["m"], want) {
		t.Errorf("metrics are %v, want %v", own["m"], want)
	}
	if tel, ok := own["t"].(map[string]any); !ok || tel["5"] == nil || tel["12"] == nil {
		t.Errorf("telemetry is %v", own["t"])
	}
}

func FuzzYAML(f *testing.F) {
	f.Add("key", "value", 1.5)
	f.Add("yes", "1e3", 1e21)
	f.Add("", "\u2028\x00", math.Copysign(0, -1))
	f.Fuzz(func(t *testing.T, key, text string, v float64) {
		r := &Run{}
		tree, err := r.configTree(map[string]any{"k": map[string]any{key: text, "v": v, "l": []any{text, map[string]any{key: v}}}})
		if err != nil {
			t.Skip()
		}
		out := runconfig.AppendYAML(nil, tree)
		var got map[string]any
		if err := yaml.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		o := got["k"].(map[string]any)
		want := tree["k"].(map[string]any)
		for k, w := range want {
			if g := o[k]; k != "v" && k != "l" && !reflect.DeepEqual(g, w) {
				t.Fatalf("%q reads as %#v, want %#v in %q", k, g, w, out)
			}
		}
	})
}
