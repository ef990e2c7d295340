package runapi

import (
	"errors"
	goflag "flag"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runconfig"
)

// inDir writes files below a new working directory.
func inDir(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
}

// TestConfigSources: the defaults file, files in order, the program, a sweep.
func TestConfigSources(t *testing.T) {
	inDir(t, map[string]string{
		DefaultsFile: "wandb_version: 1\nepochs: {desc: how often, value: 100}\nlr: {value: 0.1}\nnet: {value: {layers: 2, act: relu}}\nplain: text\nwhen: 2026-01-02\n",
		"a.yaml":     "lr: 0.2\nnet: {layers: 3}\n1: one\nlist: [1, {2: x}]\n",
		"b.json":     `{"lr": {"value": 0.3}, "big": 9007199254740993, "_wandb": {"value": {}}}`,
		"sweep.yaml": "seed: {value: 7}\n",
		"empty.yml":  "",
	})
	s := quiet(t)
	s.ConfigFiles = []string{"a.yaml", "b.json", "empty.yml"}
	s.Config = map[string]any{"net": map[string]any{"act": "gelu"}, "seed": 1}
	s.SweepID, s.SweepParamPath = "s", "sweep.yaml"
	r := start(t, s)
	want := map[string]any{
		"epochs": int64(100), "lr": 0.3, "net": map[string]any{"layers": int64(3), "act": "gelu"}, "plain": "text", "when": "2026-01-02T00:00:00Z",
		"1": "one", "list": []any{int64(1), map[string]any{"2": "x"}}, "big": int64(9007199254740993), "seed": int64(7),
	}
	if got := r.Config().All(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if run := load(t, r); !reflect.DeepEqual(run.Config, want) {
		t.Errorf("stored: got %v", run.Config)
	}
	s = quiet(t)
	s.NoConfigDefaults = true
	s.Environ = []string{"WANDB_CONFIG_PATHS=a.yaml, b.json", "WANDB_ALLOW_VAL_CHANGE=true"}
	r = start(t, s)
	if lr, _ := r.Config().Float("lr"); lr != 0.3 {
		t.Errorf("files of the environment: lr is %v, want 0.3", lr)
	}
	if _, ok := r.Config().Get("epochs"); ok {
		t.Error("the defaults file was read")
	}
	if err := r.Config().Set("lr", 9); err != nil {
		t.Errorf("AllowConfigChange: %v", err)
	}
}

func TestConfigOfConfigYAML(t *testing.T) {
	s := quiet(t)
	s.Config = map[string]any{"lr": 0.5, "net": map[string]any{"layers": 2}, "value": 3, "nan": math.NaN()}
	first := start(t, s)
	if err := first.Finish(0); err != nil {
		t.Fatal(err)
	}
	got, err := ReadConfig(filepath.Join(first.FilesDir(), configFile))
	if nan, _ := got["nan"].(float64); err != nil || nan == nan {
		t.Errorf("got %v, %v", got, err)
	}
	delete(got, "nan")
	if want := (map[string]any{"lr": 0.5, "net": map[string]any{"layers": 2}, "value": 3}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestConfigFileErrors(t *testing.T) {
	inDir(t, map[string]string{
		"list.yaml": "[1, 2]", "bad.yaml": "a: [1\nb: 2", "bad.json": "{", "version.yaml": "wandb_version: 2\na: {value: 1}",
		"func.yaml": "a: !!binary x!",
	})
	for name, want := range map[string]string{
		"list.yaml": "want a mapping", "bad.yaml": "line 1", "bad.json": "bad.json", "version.yaml": "want 1", "missing.yaml": "missing.yaml", "func.yaml": "base64",
	} {
		s := quiet(t)
		s.ConfigFiles = []string{name}
		_, err := Init(t.Context(), s)
		var init *InitError
		if !errors.As(err, &init) || init.Op != "config" || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v, want an error of the config with %q", name, err, want)
		}
	}
	write(t, DefaultsFile, "a: [")
	if _, err := Init(t.Context(), quiet(t)); err == nil || !strings.Contains(err.Error(), DefaultsFile) {
		t.Errorf("broken defaults: got %v", err)
	}
}

func TestConfigIncludeExclude(t *testing.T) {
	for _, c := range []struct {
		in, out []string
		want    string
	}{
		{nil, nil, "lr model.a model.b opt"},
		{[]string{"lr", "model.*"}, nil, "lr model.a model.b"},
		{nil, []string{"*.a", "o*t"}, "lr model.b"},
		{[]string{"none"}, nil, ""},
		{nil, []string{"*"}, ""},
		{[]string{"m*d*l*b"}, nil, "model.b"},
	} {
		s := quiet(t)
		s.Config = map[string]any{"lr": 1, "model.a": 1, "model.b": 1, "opt": 1}
		s.ConfigInclude, s.ConfigExclude = c.in, c.out
		if got := strings.Join(slices.Sorted(maps.Keys(start(t, s).Config().All())), " "); got != c.want {
			t.Errorf("include %q, exclude %q: got %s, want %s", c.in, c.out, got, c.want)
		}
	}
	s := quiet(t)
	s.ConfigInclude, s.ConfigExclude = []string{"a"}, []string{"b"}
	if _, err := Init(t.Context(), s); !errors.Is(err, ErrIncludeAndExclude) {
		t.Errorf("both: got %v, want ErrIncludeAndExclude", err)
	}
}

// TestConfigBeforeInit: a config that is filled before there is a run.
func TestConfigBeforeInit(t *testing.T) {
	c := NewConfig()
	err := errors.Join(c.Set("lr", 0.5), c.Sub("train").Set("epochs", 4), c.Sub("train", "opt").Update(map[string]any{"name": "adam"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Set("lr", 0.25); !errors.Is(err, ErrConfigLocked) {
		t.Errorf("a changed value: got %v, want ErrConfigLocked", err)
	}
	s := quiet(t)
	s.Config = c
	r := start(t, s)
	want := map[string]any{"lr": 0.5, "train": map[string]any{"epochs": int64(4), "opt": map[string]any{"name": "adam"}}}
	if got := r.Config().All(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := c.Set("late", 1); err != nil {
		t.Error(err)
	}
	sub := r.Config().Sub("train")
	if v, ok := sub.Int("epochs"); !ok || v != 4 || sub.Path()[0] != "train" {
		t.Errorf("train.epochs: got %v, %v", v, ok)
	}
	if err := sub.Set("epochs", 5); !errors.Is(err, ErrConfigLocked) {
		t.Errorf("a changed nested value: got %v, want ErrConfigLocked", err)
	}
	if err := sub.Set("epochs", 5, AllowChange()); err != nil {
		t.Error(err)
	}
	if err := r.Config().Set("train.epochs", 6); err != nil { // a key of its own
		t.Error(err)
	}
	if err := r.Config().Sub("").Set("x", 1); !errors.Is(err, ErrKey) {
		t.Errorf("an empty part: got %v, want ErrKey", err)
	}
	stored := load(t, r).Config
	if _, ok := stored["late"]; ok || stored["train.epochs"] != int64(6) || stored["train"].(map[string]any)["epochs"] != int64(5) {
		t.Errorf("stored: %v", stored)
	}
}

func TestConfigGetters(t *testing.T) {
	c := NewConfig()
	if err := c.Update(map[string]any{"i": 3, "f": 2.5, "whole": 4.0, "s": "x", "b": true, "big": 1e300}); err != nil {
		t.Fatal(err)
	}
	f := func(what string, got, ok, want, wantOK any) {
		t.Helper()
		if got != want || ok != wantOK {
			t.Errorf("%s: got %v, %v, want %v, %v", what, got, ok, want, wantOK)
		}
	}
	for key, want := range map[string]struct {
		i   int64
		ok  bool
		f   float64
		fOK bool
	}{"i": {3, true, 3, true}, "f": {0, false, 2.5, true}, "whole": {4, true, 4, true}, "s": {}, "none": {}, "big": {0, false, 1e300, true}} {
		i, ok := c.Int(key)
		f("Int "+key, i, ok, want.i, want.ok)
		v, ok := c.Float(key)
		f("Float "+key, v, ok, want.f, want.fOK)
	}
	s, ok := c.Text("s")
	f("Text", s, ok, "x", true)
	b, ok := c.Bool("b")
	f("Bool", b, ok, true, true)
	_, ok = c.Bool("i")
	f("Bool of a number", false, ok, false, false)
	into := struct {
		I    int     `json:"i"`
		F    float64 `json:"f"`
		Kept string
	}{Kept: "kept"}
	if err := c.Decode(&into); err != nil || into.I != 3 || into.F != 2.5 || into.Kept != "kept" {
		t.Errorf("Decode: %+v, %v", into, err)
	}
	var none Config
	if _, ok := none.Int("i"); ok || none.Set("i", 1) != nil || len(none.All()) != 0 {
		t.Error("the zero Config holds something")
	}
}

func TestFlagConfig(t *testing.T) {
	fs := goflag.NewFlagSet("x", goflag.ContinueOnError)
	fs.Float64("lr", 0.5, "")
	fs.Int("epochs", 3, "")
	fs.Bool("amp", true, "")
	fs.Duration("limit", time.Second, "")
	fs.String("opt", "adam", "")
	fs.Func("custom", "", func(string) error { return nil })
	if err := fs.Parse([]string{"-lr", "0.25"}); err != nil {
		t.Fatal(err)
	}
	std := FlagConfig(func(add func(string, any)) { fs.VisitAll(func(f *goflag.Flag) { add(f.Name, f.Value) }) })
	want := map[string]any{"lr": 0.25, "epochs": 3, "amp": true, "limit": time.Second, "opt": "adam", "custom": ""}
	if !reflect.DeepEqual(std, want) {
		t.Errorf("flag: got %v, want %v", std, want)
	}
	ps := pflag.NewFlagSet("x", pflag.ContinueOnError)
	ps.Float64("lr", 0.5, "")
	ps.Int("epochs", 3, "")
	ps.Uint8("small", 7, "")
	ps.Bool("amp", true, "")
	ps.Duration("limit", time.Second, "")
	ps.String("opt", "adam", "")
	ps.StringSlice("tags", []string{"a", "b"}, "")
	ps.IntSlice("layers", []int{1, 2}, "")
	ps.CountP("verbose", "v", "")
	if err := ps.Parse([]string{"--lr=0.25", "-vv"}); err != nil {
		t.Fatal(err)
	}
	got := FlagConfig(func(add func(string, any)) { ps.VisitAll(func(f *pflag.Flag) { add(f.Name, f.Value) }) })
	want = map[string]any{
		"lr": 0.25, "epochs": int64(3), "small": uint64(7), "amp": true, "limit": time.Second, "opt": "adam",
		"tags": []any{"a", "b"}, "layers": []any{int64(1), int64(2)}, "verbose": int64(2),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("pflag: got %v, want %v", got, want)
	}
	plain := FlagConfig(func(add func(string, any)) { add("n", 1); add("list", []string{"x"}) })
	if !reflect.DeepEqual(plain, map[string]any{"n": 1, "list": []string{"x"}}) {
		t.Errorf("plain values: got %v", plain)
	}
}

// TestSetOnce: the value is written when it is another one, and the last wins.
func TestSetOnce(t *testing.T) {
	r := start(t, quiet(t))
	size := func() int64 {
		st, err := os.Stat(r.dir.LogPath())
		if err != nil {
			t.Fatal(err)
		}
		return st.Size()
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(r.SetOnce("device", "a"))
	before := size()
	for range 100 {
		must(r.SetOnce("device", "a"))
	}
	if grown := size() - before; grown > 64 { // the summary may be stored in between
		t.Errorf("the same value wrote %d bytes", grown)
	}
	must(r.SetOnce("device", "b"))
	must(r.Config().Set("device", "c", AllowChange()))
	must(r.SetOnce("device", "b"))
	if v, _ := r.Config().Text("device"); v != "b" {
		t.Errorf("got %q, want the last one", v)
	}
	var value *ValueError
	if err := r.SetOnce("f", func() {}); !errors.As(err, &value) {
		t.Errorf("a func: got %v", err)
	}
	if run := load(t, r); run.Config["device"] != "b" {
		t.Errorf("stored: got %v", run.Config)
	}
	if err := r.SetOnce("device", "b"); !errors.Is(err, ErrFinished) {
		t.Errorf("after Finish: got %v", err)
	}
	if err := (*Run)(nil).SetOnce("x", 1); err != nil {
		t.Error(err)
	}
}

func FuzzReadConfig(f *testing.F) {
	for _, text := range []string{
		"a: {value: 1, desc: x}\nwandb_version: 1", "a: [1, {b: 2}]", "1: x\ntrue: y", "a: &x {b: *x}", "? [1]\n: 2", "a: 2026-01-01", "", "- 1", "a: .nan\nb: -.inf",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		config, err := configOf(parseConfigYAML(text))
		if err != nil {
			return
		}
		c := NewConfig()
		if c.Update(config) != nil { // a value that has no JSON
			return
		}
		file := map[string]any{}
		for key, v := range c.All() {
			file[key] = map[string]any{"value": v}
		}
		again, err := configOf(parseConfigYAML(runconfig.AppendYAML(nil, file)))
		if err != nil {
			t.Fatalf("%q: what was read is not read again: %v", text, err)
		}
		if second := NewConfig(); second.Update(again) != nil || len(second.All()) != len(c.All()) {
			t.Fatalf("%q: got %v, want %v", text, again, c.All())
		}
	})
}
