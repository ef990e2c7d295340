package runapi

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"sync"
	"testing"
)

// useSummary does with a summary what a program can.
func useSummary(t *testing.T, r *Run) {
	t.Helper()
	s := r.Summary()
	errs := []error{
		defined(r.DefineMetric("loss", MetricOptions{Summary: Min | P50})),
		s.Pin("best", 0.5), s.Set("plain", 7), s.Pin("released", 1), s.Pin("never logged", 1),
		s.Sub("val").Set("acc", 0.25), s.Sub("val", "deep").Pin("er", 1), s.Pin("map", map[string]any{"a": 1, "b": map[string]any{"c": "x"}}),
	}
	for i := range 5 {
		errs = append(errs,
			r.Log(map[string]any{
				"best": i, "plain": i, "released": i, "loss": 5 - i, "acc": i % 3,
				"val": map[string]any{"acc": i, "deep": map[string]any{"er": i, "est": i}}, "map": map[string]any{"a": i, "z": i},
			}),
			s.SetMax("acc", float64(i%3)), s.SetMin("least", float64(i%3)), s.SetMax("acc", math.NaN()))
	}
	errs = append(errs, s.Unset("released"), s.Unset("never logged"), s.Unset("not there"))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// wantSummary is what that comes to, but for loss.
var wantSummary = map[string]any{
	"best": 0.5, "plain": int64(4), "released": int64(4), "acc": int64(2), "least": int64(0),
	"val": map[string]any{"acc": int64(4), "deep": map[string]any{"er": int64(1), "est": int64(4)}},
	"map": map[string]any{"a": int64(1), "b": map[string]any{"c": "x"}, "z": int64(4)},
}

func checkSummary(t *testing.T, what string, got map[string]any) {
	t.Helper()
	for _, key := range []string{"_step", "_runtime", "_timestamp", "_wandb", "loss"} {
		if got[key] == nil {
			t.Errorf("%s: no %s", what, key)
		}
		delete(got, key)
	}
	if g, w := fmt.Sprint(got), fmt.Sprint(wantSummary); g != w { // a server's numbers are of one type
		t.Errorf("%s:\ngot  %v\nwant %v", what, g, w)
	}
}

// TestPinnedSummary: values that are pinned stay, live, for a reader, after a
// repair, online, and when the run is sent later.
func TestPinnedSummary(t *testing.T) {
	p := serve(t)
	s := p.online(t)
	s.ID = "online"
	r := start(t, s)
	useSummary(t, r)
	checkSummary(t, "live", r.Summary().All())
	checkSummary(t, "a reader of the living run", open(t, r.Dir()).Summary())
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	checkSummary(t, "online", summaryOf(t, p.run(t, "online").Summary))
	checkSummary(t, "finished", loadDir(t, r.Dir()).Summary)

	s = quiet(t)
	s.ID = "later"
	r = start(t, s)
	useSummary(t, r)
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	p.send(t, r.Dir())
	checkSummary(t, "sent later", summaryOf(t, p.run(t, "later").Summary))
}

func TestSubSummary(t *testing.T) {
	r := start(t, quiet(t))
	sub := r.Summary().Sub("a", "b")
	if got := sub.Path(); !reflect.DeepEqual(got, []string{"a", "b"}) {
		t.Errorf("path: got %q", got)
	}
	if err := errors.Join(sub.Set("c", 1), sub.Sub("d").Set("e", 2)); err != nil {
		t.Fatal(err)
	}
	if got := sub.All(); !reflect.DeepEqual(got, map[string]any{"c": int64(1), "d": map[string]any{"e": int64(2)}}) {
		t.Errorf("all: got %v", got)
	}
	if err := sub.Delete("d"); err != nil {
		t.Fatal(err)
	}
	if v, ok := r.Summary().Get("a", "b", "c"); !ok || v != int64(1) {
		t.Errorf("get: %v %v", v, ok)
	}
	if _, ok := sub.Get("d", "e"); ok {
		t.Error("d is there after Delete")
	}
	if got := r.Summary().Sub("nowhere").All(); len(got) != 0 {
		t.Errorf("nowhere: got %v", got)
	}
	for what, err := range map[string]error{"set": r.Summary().Sub("").Set("x", 1), "max": sub.SetMax("", 1), "unset": sub.Unset("")} {
		if !errors.Is(err, ErrKey) {
			t.Errorf("%s with an empty key: got %v, want ErrKey", what, err)
		}
	}
}

// TestOnChange: each change is told once, in order, also those that the function
// makes itself and those of several goroutines.
func TestOnChange(t *testing.T) {
	r := start(t, quiet(t))
	s := r.Summary()
	var mu sync.Mutex
	got := map[string][]any{}
	stop := s.OnChange(func(path []string, v any) {
		mu.Lock()
		got[fmt.Sprint(path)] = append(got[fmt.Sprint(path)], v)
		mu.Unlock()
		if path[0] == "a" && v == int64(1) {
			if err := s.Set("echo", 1); err != nil {
				t.Error(err)
			}
		}
	})
	if err := errors.Join(s.Set("a", 1), s.Pin("p", 2), s.Delete("a"), s.Sub("x").Set("y", "z")); err != nil {
		t.Fatal(err)
	}
	want := map[string][]any{"[a]": {int64(1), nil}, "[echo]": {int64(1)}, "[p]": {int64(2)}, "[x y]": {"z"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 25 {
				s.Set(fmt.Sprint("g", i), j)
			}
		})
	}
	wg.Wait()
	eventually(t, "all changes are told", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(got["[g0]"])+len(got["[g1]"])+len(got["[g2]"])+len(got["[g3]"]) == 100
	})
	r.Log(map[string]any{"logged": 1})
	stop()
	s.Set("late", 1)
	r.Finish(0)
	mu.Lock()
	defer mu.Unlock()
	if got["[late]"] != nil || len(got["[g1]"]) != 25 || got["[g1]"][24] != int64(24) {
		t.Errorf("got late %v, g1 %v", got["[late]"], got["[g1]"])
	}
}

// TestOnChangeOfRows: what rows change is told once it is stored.
func TestOnChangeOfRows(t *testing.T) {
	r := start(t, quiet(t))
	var got []any
	r.Summary().OnChange(func(path []string, v any) {
		if path[0] == "loss" {
			got = append(got, v)
		}
	})
	r.Log(map[string]any{"loss": 1})
	r.Log(map[string]any{"loss": 2})
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 || got[len(got)-1] != int64(2) {
		t.Errorf("got %v, want 2 last", got)
	}
}

// TestSummaryOfNoRun: a nil and a disabled run take every call, a finished one
// says that it is.
func TestSummaryOfNoRun(t *testing.T) {
	off := quiet(t)
	off.Mode = ModeDisabled
	over := start(t, quiet(t))
	if err := over.Summary().Pin("best", 1); err != nil {
		t.Fatal(err)
	}
	over.Finish(0)
	for what, c := range map[string]struct {
		r    *Run
		want error
	}{"nil": {nil, nil}, "disabled": {start(t, off), nil}, "finished": {over, ErrFinished}} {
		s := c.r.Summary()
		for call, err := range map[string]error{
			"Set": s.Set("a", 1), "Pin": s.Pin("a", 1), "Unset": s.Unset("best"), "SetMax": s.SetMax("a", 1), "SetMin": s.SetMin("a", 1),
			"Delete": s.Delete("a"), "Sub": s.Sub("a").Set("b", 1),
		} {
			if !errors.Is(err, c.want) {
				t.Errorf("%s of a %s run: got %v, want %v", call, what, err, c.want)
			}
		}
		s.OnChange(func([]string, any) {})()
		if _, ok := s.Get("a"); ok || c.r == nil && len(s.All()) != 0 {
			t.Errorf("a %s run has a summary value a", what)
		}
	}
}
