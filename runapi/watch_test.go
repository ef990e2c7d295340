package runapi

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// histograms returns the steps that have a histogram under a key, and the sums of
// its counts.
func histograms(t *testing.T, dir, key string) (steps []int64, sums []float64) {
	t.Helper()
	for _, h := range loadDir(t, dir).History {
		m, ok := h.Values[key].(map[string]any)
		if !ok {
			continue
		}
		if m["_type"] != "histogram" {
			t.Errorf("step %d: %v is no histogram", h.Step, m)
		}
		sum := 0.0
		counts, _ := m["values"].([]any)
		for _, c := range counts {
			switch c := c.(type) {
			case float64:
				sum += c
			case int64:
				sum += float64(c)
			}
		}
		steps, sums = append(steps, h.Step), append(sums, sum)
	}
	return steps, sums
}

func TestWatch(t *testing.T) {
	r := start(t, quiet(t))
	calls := 0
	grad := func() []float32 { calls++; return []float32{1, 2, 3, float32(math.NaN())} }
	w, err := Watch(r, "layer1.weight", grad, WatchOptions{Every: 3})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Watch(r, "layer1.weight", func() []float64 { return []float64{1} }, WatchOptions{Every: 1, Kind: Parameters}); err != nil {
		t.Fatal(err)
	}
	if _, err := Watch(r, "never", grad, WatchOptions{}); err != nil { // every 1000
		t.Fatal(err)
	}
	row := r.Row()
	loss := r.Key("loss")
	for i := range 7 {
		if i%2 == 0 {
			row.Float(loss, 1)
			err = r.LogRow(&row)
		} else {
			err = errors.Join(r.Log(map[string]any{"loss": 1}, NoCommit()), r.Log(map[string]any{"more": 1}))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if calls != 2 || w.Err() != nil {
		t.Errorf("asked %d times, %v, want 2", calls, w.Err())
	}
	w.Stop()
	for range 6 {
		if err := r.Log(map[string]any{"loss": 1}); err != nil {
			t.Fatal(err)
		}
	}
	if calls != 2 {
		t.Errorf("asked %d times after Stop", calls-2)
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	steps, sums := histograms(t, r.Dir(), "gradients/layer1.weight")
	if !slices.Equal(steps, []int64{2, 5}) || !slices.Equal(sums, []float64{3, 3}) {
		t.Errorf("histograms at steps %v of %v values", steps, sums)
	}
	if steps, _ := histograms(t, r.Dir(), "parameters/layer1.weight"); len(steps) != 13 {
		t.Errorf("histograms at %v, want every step", steps)
	}
	if run := loadDir(t, r.Dir()); len(run.History) != 13 {
		t.Errorf("%d steps, want 13", len(run.History))
	}
}

// TestWatchWithSteps: a program that counts steps itself stores one when it goes
// to the next.
func TestWatchWithSteps(t *testing.T) {
	r := start(t, quiet(t))
	if _, err := Watch(r, "w", func() []int { return []int{1} }, WatchOptions{Every: 2}); err != nil {
		t.Fatal(err)
	}
	for i := range int64(9) {
		if err := errors.Join(r.Log(map[string]any{"a": 1}, AtStep(10*i)), r.Log(map[string]any{"b": 1}, AtStep(10*i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	if steps, _ := histograms(t, r.Dir(), "gradients/w"); !slices.Equal(steps, []int64{20, 40, 60, 80}) {
		t.Errorf("histograms at steps %v", steps)
	}
}

// TestWatchOfFunctionsThatMisbehave: one that logs, panics, has nothing, or is
// called from many goroutines.
func TestWatchOfFunctionsThatMisbehave(t *testing.T) {
	r := start(t, quiet(t))
	every := WatchOptions{Every: 1}
	boom := true
	for name, fn := range map[string]func() []float32{
		"logs": func() []float32 { _ = r.Log(map[string]any{"inner": 1}); return []float32{1} },
		"panics": func() []float32 {
			defer func() { boom = false }()
			return map[bool][]float32{false: {1}}[boom][boolIndex(boom):]
		},
		"none": func() []float32 { return nil },
	} {
		if _, err := Watch(r, name, fn, every); err != nil {
			t.Fatal(err)
		}
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic of the program's own function did not reach it")
			}
		}()
		_ = r.Log(map[string]any{"lost": 1})
	}()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if err := r.Log(map[string]any{"x": 1}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait() // functions that were busy were left out
	for range 50 {
		if err := r.Log(map[string]any{"x": 1}); err != nil {
			t.Error(err)
		}
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	for key, atLeast := range map[string]int{"gradients/logs": 50, "gradients/panics": 50, "gradients/none": 0} {
		if steps, _ := histograms(t, r.Dir(), key); len(steps) < atLeast || atLeast == 0 && len(steps) > 0 {
			t.Errorf("%s: %d histograms", key, len(steps))
		}
	}
	_, values := rows(loadDir(t, r.Dir()))
	x := 0
	for _, row := range values {
		if row["lost"] != nil {
			t.Error("the row of the call that panicked was stored")
		}
		if row["x"] != nil {
			x++
		}
	}
	if x != 250 {
		t.Errorf("%d rows, want 250", x)
	}
}

// boolIndex is out of range for true.
func boolIndex(b bool) int {
	if b {
		return 5
	}
	return 0
}

func TestWatchRefuses(t *testing.T) {
	r := start(t, quiet(t))
	fn := func() []float32 { return nil }
	f := func(name string, o WatchOptions, want error) {
		t.Helper()
		if w, err := Watch(r, name, fn, o); !errors.Is(err, want) || w != nil {
			t.Errorf("%q %+v: %v, want %v", name, o, err, want)
		}
	}
	if _, err := Watch(r, "w", fn, WatchOptions{}); err != nil {
		t.Fatal(err)
	}
	f("w", WatchOptions{}, ErrKey)
	f("", WatchOptions{}, ErrKey)
	f("x", WatchOptions{Kind: "topology"}, errWatch)
	f("x", WatchOptions{Every: -1}, errWatch)
	f("x", WatchOptions{Bins: media.MaxBins + 1}, errWatch)
	if _, err := Watch[float32](r, "x", nil, WatchOptions{}); !errors.Is(err, errWatch) {
		t.Errorf("no function: %v", err)
	}
	w, err := Watch[float32](nil, "x", nil, WatchOptions{})
	if w.Stop(); w != nil || err != nil || w.Err() != nil {
		t.Errorf("on no run: %v, %v", w, err)
	}
}

// TestWatchMedia: files that appear, one a step; the others when the run ends.
func TestWatchMedia(t *testing.T) {
	s := quiet(t)
	t.Chdir(s.Dir)
	write(t, "old.txt", "old")
	r := start(t, s)
	open := func(path string) (Media, error) {
		if strings.Contains(path, "bad") {
			return nil, os.ErrInvalid
		}
		text, err := os.ReadFile(path)
		return media.HTML{Text: string(text)}, err
	}
	if err := r.WatchMedia("*.txt", MediaWatch{Key: "page", Open: open}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.txt", "b.txt", "bad.txt", "c.txt", "other.bin"} {
		write(t, name, name)
	}
	r.logNewMedia(false)
	if got := mediaSteps(t, r); len(got) != 0 {
		t.Errorf("files that may still grow were logged: %v", got)
	}
	r.logNewMedia(false)
	r.logNewMedia(false) // the step is still open
	for range 2 {
		if err := r.Log(map[string]any{"x": 1}); err != nil {
			t.Fatal(err)
		}
	}
	write(t, "late.txt", "late")
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	if got := mediaSteps(t, r); !slices.Equal(got, []int64{0, 2, 3, 4}) {
		t.Errorf("files at steps %v, want 0, and 2 to 4 from the end", got)
	}
	found, err := filepath.Glob(filepath.Join(r.FilesDir(), "media/html/*.html"))
	if err != nil || len(found) != 4 {
		t.Errorf("the run has %q, %v", found, err)
	}
	if err := r.WatchMedia("x", MediaWatch{Open: open}); !errors.Is(err, ErrFinished) {
		t.Errorf("after Finish: %v", err)
	}
	if err := r.WatchMedia("[", MediaWatch{Open: open}); !errors.Is(err, filepath.ErrBadPattern) {
		t.Errorf("a bad pattern: %v", err)
	}
	if err := r.WatchMedia("x", MediaWatch{}); !errors.Is(err, errWatch) {
		t.Errorf("without Open: %v", err)
	}
}

func mediaSteps(t *testing.T, r *Run) (steps []int64) {
	t.Helper()
	for _, h := range loadDir(t, r.Dir()).History {
		if h.Values["page"] != nil {
			steps = append(steps, h.Step)
		}
	}
	return steps
}
