package report

import "math"

var sparks = []rune("▁▂▃▄▅▆▇█")

// sparkline draws vals in at most width characters. Buckets show their mean;
// a bucket without a finite value is a space.
func sparkline(vals []float64, width int) string {
	if len(vals) == 0 || width < 1 {
		return ""
	}
	means := buckets(vals, min(width, len(vals)))
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range means {
		if !math.IsNaN(v) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	out := make([]rune, len(means))
	for i, v := range means {
		out[i] = spark(v, lo, hi)
	}
	return string(out)
}

func spark(v, lo, hi float64) rune {
	switch {
	case math.IsNaN(v):
		return ' '
	case !(hi > lo):
		return sparks[0]
	}
	// Halving first keeps the difference of huge values finite.
	at := (v/2 - lo/2) / (hi/2 - lo/2) * float64(len(sparks))
	return sparks[min(int(at), len(sparks)-1)]
}

// buckets returns n means over equal stretches of vals; NaN where a stretch
// has no finite value.
func buckets(vals []float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		part := vals[i*len(vals)/n : (i+1)*len(vals)/n]
		out[i] = finite(part).mean()
	}
	return out
}

// stat sums up finite values.
type stat struct {
	n              int
	sum, min, peak float64
}

func finite(vals []float64) stat {
	s := stat{min: math.Inf(1), peak: math.Inf(-1)}
	for _, v := range vals {
		s.add(v)
	}
	return s
}

func (s *stat) add(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	s.n++
	s.sum += v
	s.min, s.peak = min(s.min, v), max(s.peak, v)
}

// mean is NaN when there was no finite value.
func (s stat) mean() float64 {
	if s.n == 0 {
		return math.NaN()
	}
	return s.sum / float64(s.n)
}
