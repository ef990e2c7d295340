package tensorboard

import (
	"math"

	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// maxBins is how many bins a histogram of W&B may have.
const maxBins = 512

// histogramOf turns a HistogramProto into bins between edges. What lies below
// the first limit has no lower edge in it: an empty bin is left out, another
// begins at the smallest value.
func histogramOf(h *histo) (any, bool) {
	limits, counts := h.limits, h.buckets
	if len(limits) == 0 || len(limits) != len(counts) {
		return nil, false
	}
	if counts[0] == 0 && len(counts) > 1 {
		return histogram(limits, counts[1:])
	}
	first := h.min
	if !(first < limits[0]) { // some writers put all of it at the limit
		first = math.Nextafter(limits[0], math.Inf(-1))
	}
	return histogram(append([]float64{first}, limits...), counts)
}

// histogramOfTensor reads rows of left edge, right edge and count.
func histogramOfTensor(t *tensor) (any, bool) {
	cells, err := t.floats()
	if err != nil || len(t.dims) != 2 || t.dims[1] != 3 || len(cells) == 0 {
		return nil, false
	}
	edges := []float64{cells[0]}
	var counts []float64
	for ; len(cells) >= 3; cells = cells[3:] {
		edges, counts = append(edges, cells[1]), append(counts, cells[2])
	}
	return histogram(edges, counts)
}

// coarser joins neighbouring bins until there are few enough. The total and the
// outer edges stay.
func coarser(edges, counts []float64) ([]float64, []float64) {
	n := (len(counts) + maxBins - 1) / maxBins
	if n <= 1 {
		return edges, counts
	}
	fewer, sums := []float64{edges[0]}, []float64(nil)
	for from := 0; from < len(counts); from += n {
		to := min(from+n, len(counts))
		sum := 0.0
		for _, c := range counts[from:to] {
			sum += c
		}
		fewer, sums = append(fewer, edges[to]), append(sums, sum)
	}
	return fewer, sums
}

// histogram makes the value of a row.
func histogram(edges, counts []float64) (any, bool) {
	if len(counts) == 0 || len(edges) != len(counts)+1 {
		return nil, false
	}
	edges, counts = coarser(edges, counts)
	return &media.Histogram{Counts: counts, Edges: edges}, true
}
