package agent

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// wide is the cheapest collector of many series.
type wide struct{ refs []sample.Ref }

func (c *wide) Describe(s *sample.Schema) error {
	for i := range 200 {
		ref, err := s.Add(sample.Desc{Name: "wide", Labels: []sample.Label{{Name: "n", Value: strconv.Itoa(i)}}})
		if err != nil {
			return err
		}
		c.refs = append(c.refs, ref)
	}
	return nil
}

func (c *wide) Collect(_ context.Context, f *sample.Frame) error {
	for _, ref := range c.refs {
		f.Put(ref, 1)
	}
	return nil
}

// BenchmarkTick is what the engine adds to one sample: fence, account, ring.
func BenchmarkTick(b *testing.B) {
	b.Run("series=200", func(b *testing.B) {
		a, err := New(Config{Sources: []Source{{Name: "wide", Every: time.Hour, Collector: &wide{}}}})
		if err != nil {
			b.Fatal(err)
		}
		s := a.sourceLocked("wide")
		b.ReportAllocs()
		for b.Loop() {
			s.tick(b.Context(), a.clock.Now())
		}
		if st := s.snapshot(); st.ok < uint64(b.N) || st.errs > 0 {
			b.Fatalf("%d of %d ticks succeeded: %v", st.ok, b.N, st.lastErr)
		}
	})
}
