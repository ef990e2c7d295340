//go:build linux && cgo && !nonvml

package gpu

import (
	"fmt"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/gpu/gputest"
)

// BenchmarkTick is a whole tick through workers, go-nvml and the gate, against
// a library that answers at once: what is left is the collector's own cost.
func BenchmarkTick(b *testing.B) {
	for _, gpus := range []int{1, 8} {
		b.Run(fmt.Sprintf("gpus=%d", gpus), func(b *testing.B) {
			lib := gputest.Build(b, b.TempDir())
			lib.GPUs(gpus)
			d := New(Config{Library: lib.Path, Late: deadline})
			ended := make(chan struct{})
			go func() { defer close(ended); d.Run(b.Context(), func(sample.Event) {}) }()
			b.Cleanup(func() { <-ended })
			<-d.opened
			var f sample.Frame
			schema := sample.NewSchema(0)
			for start := time.Now(); len(f.Refs) < 30*gpus; {
				f.Reset()
				if d.Collect(b.Context(), &f) == sample.ErrChanged {
					d.Describe(schema)
				}
				if time.Since(start) > deadline {
					b.Fatalf("%d GPUs gave %d values", gpus, len(f.Refs))
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				f.Reset()
				if err := d.Collect(b.Context(), &f); err != nil || len(f.Refs) < 30*gpus {
					b.Fatalf("%d values, %v", len(f.Refs), err)
				}
			}
		})
	}
}
