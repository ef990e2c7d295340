package console

import (
	"strings"
	"testing"
)

func BenchmarkWrite(b *testing.B) {
	bench := func(name, text string, perWrite int) {
		b.Run(name, func(b *testing.B) {
			s := New(Options{})
			b.ReportAllocs()
			lines := 0
			for b.Loop() {
				s.Write(false, noon, text)
				if n, _ := s.Pending(); n > 10_000 {
					_, taken := s.Take(10 << 20)
					lines += len(taken)
				}
			}
			_, taken := s.Take(1 << 40)
			if got := lines + len(taken); got > s.Counts().Lines {
				b.Errorf("%d lines taken of %d", got, s.Counts().Lines)
			}
			b.ReportMetric(float64(perWrite)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
	bench("lines=100", strings.Repeat("epoch 12 step 3456 loss 0.123456 accuracy 0.98\n", 100), 100)
	bench("bars=100", strings.Repeat("\r 45%|#########          | 450/1000 [00:10<00:12]", 100), 100)
}
