package media

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestHistogramLikeNumpy: the wanted counts and edges are those of
// numpy.histogram(values, bins).
func TestHistogramLikeNumpy(t *testing.T) {
	f := func(values []float64, bins int, want string) {
		t.Helper()
		h, err := NewHistogram(values, bins)
		if got := fmt.Sprint(h.Counts, h.Edges); err != nil || got != want {
			t.Errorf("%v: got %s, %v, want %s", values, got, err, want)
		}
	}
	f([]float64{1, 2, 2.5, 3, 10}, 4, "[4 0 0 1] [1 3.25 5.5 7.75 10]")
	f([]float64{0, 1, 2, 3}, 3, "[1 1 2] [0 1 2 3]")
	f([]float64{5, 5, 5}, 2, "[0 3] [4.5 5 5.5]")
	f([]float64{-1, 1}, 1, "[2] [-1 1]")
	f([]float64{0, .1, .2, .3, .4, .5, .6, .7, .8, .9}, 3, "[3 3 4] [0 0.3 0.6 0.9]")
	f(nil, 2, "[0 0] [0 0.5 1]")
	values := make([]float64, 2000)
	for i := range values {
		values[i] = float64((i*i*7919)%1000) / 100
	}
	h, err := NewHistogram(values, 0)
	if got := fmt.Sprint(h.Counts); err != nil || got != "[28 32 32 8 32 24 56 48 8 32 24 16 40 16 24 32 16 40 16 24 32 8 48 8 56 88 8 32 24 16 40 16 44 32 16 40 16 24 72 16 40 8 32 32 8 32 24 16 48 88 32 24 16 40 16 24 32 56 40 16 24 32 88 48]" {
		t.Errorf("got %s, %v", got, err)
	}
	if h.Edges[1] != 0.15609375 || h.Edges[37] != 5.77546875 || h.Edges[63] != 9.83390625 {
		t.Errorf("got edges %v", h.Edges)
	}
}

// TestHistogramOfOddValues: what is not finite is left out and counted.
func TestHistogramOfOddValues(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	h, err := NewHistogram([]float64{nan, 1, inf, 3, -inf}, 2)
	if got := fmt.Sprint(h.Counts, h.Edges, h.Left); err != nil || got != "[1 1] [1 2 3] 3" {
		t.Errorf("got %s, %v", got, err)
	}
	h, err = NewHistogram([]float32{float32(nan)}, 2)
	if got := fmt.Sprint(h.Counts, h.Edges, h.Left); err != nil || got != "[0 0] [0 0.5 1] 1" {
		t.Errorf("got %s, %v", got, err)
	}
	for _, values := range [][]float64{{0, math.MaxFloat64}, {0, 5e-324}, {1e300, 1e300}, {1e300, 1e300 * (1 + 1e-15)}} {
		h, err := NewHistogram(values, 512)
		sum := 0.0
		for _, c := range h.Counts {
			sum += c
		}
		if err != nil || sum != float64(len(values)) || h.check() != nil {
			t.Errorf("%v: %v values counted, %v, %v", values, sum, err, h.check())
		}
	}
}

func TestHistogramRefuses(t *testing.T) {
	f := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	_, err := NewHistogram([]int{1}, MaxBins+1)
	f(err, "histogram of 513 bins: want 1 to 512")
	_, err = NewHistogram([]int{1}, -1)
	f(err, "histogram of -1 bins")
	_, err = NewHistogram([]float64{-math.MaxFloat64, math.MaxFloat64}, 2)
	f(err, "the range is beyond a float64")
	store := func(h *Histogram) error { _, err := h.StoreMedia(nil); return err }
	f(store(nil), "nil")
	f(store(&Histogram{}), "histogram of 0 bins")
	f(store(&Histogram{Counts: []float64{1}, Edges: []float64{0}}), "1 counts and 1 edges")
	f(store(&Histogram{Counts: []float64{1}, Edges: []float64{1, 0}}), "edge 1 is 0 behind 1")
	f(store(&Histogram{Counts: []float64{1}, Edges: []float64{math.NaN(), 0}}), "edge 0 is NaN")
}

// TestFillUsesMemoryAgain: a watcher that fills one histogram at each step
// leaves nothing to collect.
func TestFillUsesMemoryAgain(t *testing.T) {
	values := make([]float32, 1000)
	for i := range values {
		values[i] = float32(i)
	}
	var h Histogram
	if n := testing.AllocsPerRun(10, func() {
		if err := Fill(&h, values, 64); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if slices.Max(h.Counts) != 16 {
		t.Errorf("got %v", h.Counts)
	}
}

func ExampleNewHistogram() {
	h, err := NewHistogram([]float32{0.1, 0.2, 0.2, 0.9}, 4)
	fmt.Println(h.Counts, err)
	// Output: [3 0 0 1] <nil>
}
