package media

import (
	"io"
	"testing"
)

// BenchmarkTable: ns/cell to add and to encode is what counts.
func BenchmarkTable(b *testing.B) {
	const rows, columns = 10_000, 5
	fill := func() *Table {
		t := NewTable("step", "loss", "name", "ok", "vector")
		vector := make([]float64, 16)
		for i := range rows {
			if err := t.Add(i, float64(i)/3, "a sample", i%2 == 0, vector); err != nil {
				b.Fatal(err)
			}
		}
		return t
	}
	perCell := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows/columns, "ns/cell")
	}
	b.Run("add", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			fill()
		}
		perCell(b)
	})
	t := fill()
	s, err := t.snapshot()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("preview", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.preview(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
		perCell(b)
	})
	b.Run("object", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.object(newMemory()); err != nil {
				b.Fatal(err)
			}
		}
		perCell(b)
	})
}
