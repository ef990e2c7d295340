package media

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkFill: ns/value is what counts.
func BenchmarkFill(b *testing.B) {
	const n = 1 << 20
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(rand.NormFloat64())
	}
	var h Histogram
	b.ReportAllocs()
	for b.Loop() {
		if err := Fill(&h, values, 64); err != nil || h.Left != 0 {
			b.Fatal(h.Left, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/value")
}
