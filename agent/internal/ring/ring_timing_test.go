package ring

import (
	"sync"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

func TestAppendAndReadDoNotAllocate(t *testing.T) {
	if underRace {
		t.Skip("the race detector allocates")
	}
	r := New(Size{300_000, 20_000}, Size{1, 1})
	hw := r.AddSource(Hardware)
	c := r.NewCursor()
	c.Select(hw)
	f := frame(hw, 1, 200)
	if n := testing.AllocsPerRun(1000, func() { r.Append(f) }); n != 0 {
		t.Errorf("Append: %v allocations, want 0", n)
	}
	round := func() {
		r.Append(f)
		for more := true; more; {
			var frames []sample.Frame
			frames, more = c.Read()
			c.Settle(len(frames), 0)
		}
	}
	if n := testing.AllocsPerRun(1000, round); n != 0 {
		t.Errorf("Append and Read: %v allocations, want 0", n)
	}
}

// BenchmarkAppendFrame appends a host-sized frame with three cursors that fall
// behind, which is the dearest case: every append evicts.
func BenchmarkAppendFrame(b *testing.B) {
	b.Run("series=200/readers=3", func(b *testing.B) {
		r := New(Size{300_000, 18_750}, Size{1, 1})
		hw := r.AddSource(Hardware)
		cursors := []*Cursor{r.NewCursor(), r.NewCursor(), r.NewCursor()}
		for _, c := range cursors {
			c.Select(hw)
		}
		f := frame(hw, 1, 200)
		b.ReportAllocs()
		for b.Loop() {
			r.Append(f)
		}
		for _, c := range cursors {
			if n := c.Counts(); n.Offered != n.Dropped+n.Pending || n.Offered < uint64(b.N) {
				b.Fatalf("account of a reader: %+v after %d appends", n, b.N)
			}
		}
	})
	b.Run("series=200/floor", benchmarkFloor)
}

// benchmarkFloor is the least an append can be: a mutex and two copies into
// circular memory.
func benchmarkFloor(b *testing.B) {
	const size = 300_000
	var mu sync.Mutex
	refs, vals := make([]sample.Ref, size), make([]float64, size)
	f := frame(1, 1, 200)
	at := 0
	b.ReportAllocs()
	for b.Loop() {
		mu.Lock()
		copy(refs[at:], f.Refs)
		copy(vals[at:], f.Vals)
		if at += 200; at == size {
			at = 0
		}
		mu.Unlock()
	}
	if vals[0] != 1 {
		b.Fatal("nothing was copied")
	}
}
