package runlog

import (
	"math"
	"slices"
)

// sketch estimates percentiles of any number of numbers in bounded memory: it
// counts them in buckets whose bounds grow by a fixed ratio, so that an estimate
// is within 1 % of the number at that rank. The counts do not depend on the
// order, and a log that is read again gives the same estimate. After C. Masson
// and others, DDSketch, VLDB 2019.
//
// Magnitudes below 1e-35 times the largest one of their sign count as that. NaN
// is not counted.
type sketch struct {
	count                int64 // numbers without NaN
	zero, infinite, down int64 // zeros, +Inf, -Inf
	positive, negative   buckets
}

const (
	sketchError   = 0.01
	sketchBuckets = 4096 // for each sign, 32 KiB
)

var (
	sketchRatio = (1 + sketchError) / (1 - sketchError)
	sketchScale = 1 / math.Log(sketchRatio)
)

// buckets counts magnitudes: n[i] of those in (ratio^(from+i-1), ratio^(from+i)].
type buckets struct {
	from int
	n    []int64
}

// add counts one number.
func (s *sketch) add(v float64) {
	if v != v {
		return
	}
	s.count++
	switch {
	case v == 0:
		s.zero++
	case v > math.MaxFloat64:
		s.infinite++
	case v < -math.MaxFloat64:
		s.down++
	case v > 0:
		s.positive.add(v)
	default:
		s.negative.add(-v)
	}
}

func (b *buckets) add(v float64) {
	i := int(math.Ceil(math.Log(v) * sketchScale))
	if len(b.n) == 0 {
		b.from = i
	}
	if top := b.from + len(b.n) - 1; i > top {
		b.raise(i, i-top)
	} else if i < b.from {
		i = max(i, top-sketchBuckets+1)
		b.lower(i)
	}
	b.n[i-b.from]++
}

// raise makes room for bucket i above; the lowest are merged when there would be
// too many.
func (b *buckets) raise(i, more int) {
	low := i - sketchBuckets + 1
	if len(b.n) == 0 || low <= b.from {
		b.n = append(b.n, make([]int64, more)...)
		return
	}
	merged := int64(0)
	drop := min(low-b.from, len(b.n))
	for _, n := range b.n[:drop] {
		merged += n
	}
	kept := copy(b.n, b.n[drop:])
	clear(b.n[kept:])
	b.n = append(b.n[:kept], make([]int64, sketchBuckets-kept)...)
	b.from = low
	b.n[0] += merged
}

// lower makes room for bucket i below.
func (b *buckets) lower(i int) {
	if i < b.from {
		b.n = slices.Insert(b.n, 0, make([]int64, b.from-i)...)
		b.from = i
	}
}

// quantile estimates the number at rank q of all in order, 0 < q <= 1, by the
// nearest rank; NaN when there are none.
func (s *sketch) quantile(q float64) float64 {
	if s.count == 0 {
		return math.NaN()
	}
	rank := max(1, int64(math.Ceil(q*float64(s.count))))
	if rank -= s.down; rank <= 0 {
		return math.Inf(-1)
	}
	for i := len(s.negative.n) - 1; i >= 0; i-- {
		if rank -= s.negative.n[i]; rank <= 0 {
			return -s.negative.middle(i)
		}
	}
	if rank -= s.zero; rank <= 0 {
		return 0
	}
	for i, n := range s.positive.n {
		if rank -= n; rank <= 0 {
			return s.positive.middle(i)
		}
	}
	return math.Inf(1)
}

// middle is within 1 % of everything in a bucket.
func (b *buckets) middle(i int) float64 {
	return 2 * math.Exp(float64(b.from+i)/sketchScale) / (sketchRatio + 1)
}
