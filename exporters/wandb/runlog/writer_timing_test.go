package runlog

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func timedRow() *Row {
	r := &Row{Step: 123456, Runtime: 1234.5678, Timestamp: 1787313615.123456}
	for i, name := range []string{"train/loss", "train/acc", "lr", "tokens_per_s", "grad_norm"} {
		r.Items = append(r.Items, Item{Key: NewKey(name), F: 1 / float64(i+3)})
	}
	return r
}

// The floor of Row is the write(2) that it makes: BenchmarkBareWrite gives the
// same bytes to the kernel in the same way.
func BenchmarkRow(b *testing.B) {
	b.Run("keys=5", func(b *testing.B) {
		w, err := Create(filepath.Join(b.TempDir(), "run-b.wandb"), Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer w.Close()
		r := timedRow()
		start := w.Counters()
		b.ReportAllocs()
		for b.Loop() {
			r.Step++
			if err := w.Row(r); err != nil {
				b.Fatal(err)
			}
		}
		c := w.Counters()
		if got := c.Records - start.Records; got != int64(b.N) {
			b.Fatalf("got %d rows in the file, want %d", got, b.N)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}

func BenchmarkBareWrite(b *testing.B) {
	b.Run("keys=5", func(b *testing.B) {
		var e encoder
		e.row(timedRow())
		line := appendRecord(nil, int64(len(fileHeader)), e.record(123456, recordHistory))
		f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := f.Write(line); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}

func BenchmarkOutput(b *testing.B) {
	b.Run("text=64KiB", func(b *testing.B) {
		w, err := Create(filepath.Join(b.TempDir(), "run-b.wandb"), Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer w.Close()
		text := bytes.Repeat([]byte("step 100 loss 0.12345 acc 0.98765 grüße\n"), maxOutput/41)
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if err := w.Output(false, 1.7e18, text); err != nil {
				b.Fatal(err)
			}
		}
		if c := w.Counters(); c.PendingBytes != 0 {
			b.Fatalf("got %d bytes pending, want 0", c.PendingBytes)
		}
	})
}
