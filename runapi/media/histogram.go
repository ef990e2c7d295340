package media

import (
	"errors"
	"fmt"
	"math"
)

// Bins of histograms.
const (
	DefaultBins = 64
	MaxBins     = 512 // more are refused, by the official client too
)

// Histogram is how often values lie between edges. It is small and has no
// files, and may be built by hand: Counts[i] values are at least Edges[i] and
// below Edges[i+1], the last edge included.
type Histogram struct {
	Counts []float64
	Edges  []float64 // one more than Counts, ascending
	Left   int       // NaN and infinite values, which NewHistogram left out
}

// Number is what a histogram can be made of.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// NewHistogram counts values in bins of equal width from the smallest to the
// largest one, with the edges and counts that numpy.histogram gives; DefaultBins
// when bins is 0. NaN and the infinities are left out and counted in Left (numpy
// refuses them); without any other value all counts are 0, between 0 and 1. It
// reads values twice and keeps nothing of them.
func NewHistogram[N Number](values []N, bins int) (*Histogram, error) {
	h := new(Histogram)
	return h, Fill(h, values, bins)
}

// Fill is NewHistogram into h, whose memory it uses again.
func Fill[N Number](h *Histogram, values []N, bins int) error {
	if bins == 0 {
		bins = DefaultBins
	}
	if bins < 0 || bins > MaxBins {
		return fmt.Errorf("histogram of %d bins: want 1 to %d", bins, MaxBins)
	}
	low, high, finite := span(values)
	if math.IsInf(high-low, 0) {
		return fmt.Errorf("histogram of values from %v to %v: the range is beyond a float64", low, high)
	}
	if high == low {
		low, high = low-0.5, high+0.5
	}
	h.Left = len(values) - finite
	h.cut(low, high, bins)
	scale := float64(bins) / (high - low)
	for _, v := range values {
		if x := float64(v); x >= low && x <= high {
			h.Counts[h.bin(x, low, scale)]++
		}
	}
	return nil
}

// span returns the least and the greatest finite value, and how many there are.
func span[N Number](values []N) (low, high float64, finite int) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		x := float64(v)
		if x-x != 0 { // NaN, or infinite
			continue
		}
		finite++
		low, high = min(low, x), max(high, x)
	}
	if finite == 0 {
		return 0, 1, 0
	}
	return low, high, finite
}

// cut makes empty bins of equal width.
func (h *Histogram) cut(low, high float64, bins int) {
	h.Counts = zeros(h.Counts, bins)
	h.Edges = zeros(h.Edges, bins+1)
	step := (high - low) / float64(bins)
	for i := range h.Edges {
		h.Edges[i] = low + float64(float64(i)*step) // not fused: equal on every processor
	}
	h.Edges[bins] = high
}

func zeros(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// bin finds the bin of a value. The division may be off by one against the
// edges, which count.
func (h *Histogram) bin(x, low, scale float64) int {
	last := len(h.Counts) - 1
	i := min(int((x-low)*scale), last)
	if i < 0 {
		i = 0
	}
	if x < h.Edges[i] && i > 0 {
		return i - 1
	}
	if i < last && x >= h.Edges[i+1] {
		return i + 1
	}
	return i
}

var errNil = errors.New("it is nil")

// check says what is wrong with a histogram built by hand.
func (h *Histogram) check() error {
	switch {
	case h == nil:
		return errNil
	case len(h.Counts) == 0 || len(h.Counts) > MaxBins:
		return fmt.Errorf("histogram of %d bins: want 1 to %d", len(h.Counts), MaxBins)
	case len(h.Edges) != len(h.Counts)+1:
		return fmt.Errorf("histogram of %d counts and %d edges: want one edge more than counts", len(h.Counts), len(h.Edges))
	}
	for i, e := range h.Edges {
		if math.IsNaN(e) || i > 0 && e < h.Edges[i-1] {
			return fmt.Errorf("histogram: edge %d is %v behind %v: want ascending edges", i, e, h.Edges[max(i-1, 0)])
		}
	}
	return nil
}

// StoreMedia returns the histogram; it has no files. Elsewhere than in a run it is
// ErrLoggedOnly.
func (h *Histogram) StoreMedia(dst Store) (Object, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	if _, err := inRow(dst); err != nil {
		return nil, err
	}
	return Object{"_type": "histogram", "values": h.counts(), "bins": h.Edges}, nil
}

// counts are whole numbers if all are.
func (h *Histogram) counts() any {
	whole := make([]int64, len(h.Counts))
	for i, c := range h.Counts {
		if whole[i] = int64(c); float64(whole[i]) != c {
			return h.Counts
		}
	}
	return whole
}

func (*Histogram) loggedOnly() {}
