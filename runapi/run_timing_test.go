package runapi

import (
	"context"
	"fmt"
	"testing"
)

// BenchmarkLogRow is the typed path into the on-disk log, hot.
func BenchmarkLogRow(b *testing.B) {
	for _, mode := range []Mode{ModeOffline, ModeDisabled} {
		b.Run(fmt.Sprintf("keys=5/mode=%s", mode), func(b *testing.B) {
			s := quiet(b)
			s.Mode = mode
			r := start(b, s)
			logRow := fiveScalars(b, r)
			b.ReportAllocs()
			for b.Loop() {
				logRow()
			}
			b.StopTimer()
			if mode == ModeOffline && r.Step() < int64(b.N) {
				b.Fatalf("%d rows of %d are stored", r.Step(), b.N)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkLog is the map path.
func BenchmarkLog(b *testing.B) {
	r := start(b, quiet(b))
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Log(map[string]any{"loss": 0.25, "acc": 0.5, "lr": 1e-4, "grad_norm": 3.25, "tokens_per_second": 12345.5}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkInitFinish is the life of a run with hardware and no rows.
func BenchmarkInitFinish(b *testing.B) {
	for _, part := range []string{"init", "finish"} {
		b.Run(part, func(b *testing.B) {
			s := quiet(b)
			s.DisableStats, s.DisableGit = false, false
			for b.Loop() {
				if part == "finish" {
					b.StopTimer()
				}
				r, err := Init(context.Background(), s)
				if err != nil {
					b.Fatal(err)
				}
				if part == "init" {
					b.StopTimer()
				} else {
					b.StartTimer()
				}
				if err := r.Finish(0); err != nil {
					b.Fatal(err)
				}
				if part == "init" {
					b.StartTimer()
				}
			}
		})
	}
}

// BenchmarkConsole is console text through masking into the log.
func BenchmarkConsole(b *testing.B) {
	r := start(b, quiet(b))
	w := r.ConsoleWriter(false)
	text := make([]byte, 0, 64<<10)
	for len(text) < 63<<10 {
		text = append(text, "step 1200 | loss 0.123 | lr 3.0e-04 | 123456 tokens/s | eta: 00:12:31\n"...)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := w.Write(text); err != nil {
			b.Fatal(err)
		}
	}
}
