package runlog

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSketchIsWithinItsError: against the exact nearest rank, for numbers of
// several shapes, and the same in any order.
func TestSketchIsWithinItsError(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() float64{
		"uniform":   rng.Float64,
		"normal":    rng.NormFloat64,
		"wide":      func() float64 { return math.Exp(8 * rng.NormFloat64()) },
		"integers":  func() float64 { return float64(rng.IntN(7) - 3) },
		"tiny":      func() float64 { return 1e-300 * rng.ExpFloat64() },
		"infinite":  func() float64 { return []float64{math.Inf(1), math.Inf(-1), 1, 2}[rng.IntN(4)] },
		"with NaNs": func() float64 { return []float64{math.NaN(), rng.Float64()}[rng.IntN(2)] },
	} {
		t.Run(name, func(t *testing.T) {
			var s, backwards sketch
			var all []float64
			for range 5000 {
				v := draw()
				s.add(v)
				if v == v {
					all = append(all, v)
				}
			}
			for _, v := range slices.Backward(all) {
				backwards.add(v)
			}
			slices.Sort(all)
			for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 1} {
				got, want := s.quantile(q), all[int(math.Ceil(q*float64(len(all))))-1]
				if got != want && math.Abs(got-want) > sketchError*math.Abs(want)*(1+1e-9) {
					t.Errorf("quantile %v: got %v, want %v within 1 %%", q, got, want)
				}
				if got != backwards.quantile(q) {
					t.Errorf("quantile %v: got %v forwards and %v backwards", q, got, backwards.quantile(q))
				}
			}
		})
	}
}

// TestSketchIsBounded: numbers over all magnitudes, in both directions.
func TestSketchIsBounded(t *testing.T) {
	for _, dir := range []float64{1, -1} {
		var s sketch
		n := int64(0)
		for e := -300.0; e <= 300; e += 0.25 {
			s.add(math.Pow(10, dir*e))
			s.add(-math.Pow(10, dir*e))
			n += 2
		}
		total := s.zero
		for _, b := range []buckets{s.positive, s.negative} {
			if len(b.n) > sketchBuckets {
				t.Errorf("got %d buckets, want at most %d", len(b.n), sketchBuckets)
			}
			for _, c := range b.n {
				total += c
			}
		}
		if total != n || s.count != n {
			t.Errorf("got %d counted, %d in buckets, want %d", s.count, total, n)
		}
		if got := s.quantile(0.9999); math.Abs(got/1e300-1) > sketchError {
			t.Errorf("largest: got %v, want 1e300 within 1 %%", got)
		}
	}
}

func TestSketchWithoutNumbers(t *testing.T) {
	var s sketch
	s.add(math.NaN())
	if v := s.quantile(0.5); !math.IsNaN(v) {
		t.Errorf("got %v, want NaN", v)
	}
}

func TestPercentilesDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	var s sketch
	for i := range 1000 {
		s.add(float64(i))
	}
	if n := testing.AllocsPerRun(100, func() { s.add(500); s.quantile(0.95) }); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}
