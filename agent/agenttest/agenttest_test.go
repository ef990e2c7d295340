package agenttest

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

func TestConstConforms(t *testing.T) {
	Collector(t, func() agent.Collector { return &Const{Series: 3, Value: 1} }, NoAllocs)
}

func TestRecorderConforms(t *testing.T) {
	Exporter(t, func() (agent.Exporter, func() []float64) {
		r := &Recorder{}
		return r, func() []float64 { return r.Values(Gauge) }
	})
}

// broken is a collector of one counter with a fault.
type broken struct {
	describe func(*sample.Schema) error
	collect  func(b *broken, f *sample.Frame) error
	calls    int
	ref      sample.Ref
	kept     *sample.Frame
	vals     []float64
}

func (b *broken) Describe(s *sample.Schema) (err error) {
	if b.describe != nil {
		return b.describe(s)
	}
	b.ref, err = s.Add(sample.Desc{Name: "broken", Kind: sample.Counter})
	return err
}

func (b *broken) Collect(_ context.Context, f *sample.Frame) error {
	b.calls++
	return b.collect(b, f)
}

func wantBroken(t *testing.T, rule string, got []string) {
	t.Helper()
	for _, g := range got {
		if strings.HasPrefix(g, rule+": ") {
			return
		}
	}
	t.Errorf("the suite did not name the rule %q; it found %q", rule, got)
}

func TestCollectorSuiteFindsFaults(t *testing.T) {
	put := func(v func(b *broken) float64) func(*broken, *sample.Frame) error {
		return func(b *broken, f *sample.Frame) error {
			f.Put(b.ref, v(b))
			return nil
		}
	}
	count := 0
	for _, c := range []struct {
		rule string
		make broken
	}{
		{"values are finite", broken{collect: put(func(*broken) float64 { return math.Inf(1) })}},
		{"counters do not fall", broken{collect: put(func(b *broken) float64 { return float64(-b.calls) })}},
		{"Collect succeeds", broken{collect: func(*broken, *sample.Frame) error { return errors.New("no") }}},
		{"Collect puts something", broken{collect: func(*broken, *sample.Frame) error { return nil }}},
		{"Collect does not panic", broken{collect: func(*broken, *sample.Frame) error { panic("no") }}},
		{"Collect returns ErrChanged once per change", broken{collect: func(*broken, *sample.Frame) error { return sample.ErrChanged }}},
		{"Describe succeeds", broken{describe: func(*sample.Schema) error { return errors.New("no") }}},
		{"Describe describes something", broken{
			describe: func(*sample.Schema) error { return nil },
			collect:  func(*broken, *sample.Frame) error { return nil },
		}},
		{"Describe twice describes the same", broken{
			describe: func(s *sample.Schema) error {
				count++
				_, err := s.Add(sample.Desc{Name: strings.Repeat("x", count)})
				return err
			},
			collect: func(*broken, *sample.Frame) error { return nil },
		}},
		{"Collect puts only described series", broken{collect: func(_ *broken, f *sample.Frame) error {
			f.Put(99, 1)
			return nil
		}}},
		{"a series is at most once in a frame", broken{collect: func(b *broken, f *sample.Frame) error {
			f.Put(b.ref, 1)
			f.Put(b.ref, 1)
			return nil
		}}},
		{"Collect does not keep the frame", broken{collect: func(b *broken, f *sample.Frame) error {
			if b.kept != nil {
				b.vals[0] = 7
			}
			f.Put(b.ref, 1)
			b.kept, b.vals = f, f.Vals
			return nil
		}}},
	} {
		wantBroken(t, c.rule, collectorRules(func() agent.Collector {
			b := c.make
			return &b
		}))
	}
}

type closesOnce struct {
	Const
	closed bool
}

func (c *closesOnce) Close() error {
	if c.closed {
		return errors.New("closed twice")
	}
	c.closed = true
	return nil
}

func TestCollectorSuiteFindsBadClose(t *testing.T) {
	wantBroken(t, "Close can be called twice, and before Describe", collectorRules(func() agent.Collector { return &closesOnce{} }))
}

type allocates struct{ Const }

var sunk []byte

func (c *allocates) Collect(ctx context.Context, f *sample.Frame) error {
	sunk = make([]byte, 100)
	return c.Const.Collect(ctx, f)
}

func TestCollectAllocsCounts(t *testing.T) {
	if n := collectAllocs(&allocates{}); n < 1 {
		t.Errorf("a collector that allocates: got %v, want at least 1", n)
	}
}

// keeper is an exporter that keeps the batch and hands it over at Shutdown.
type keeper struct {
	Recorder
	kept *sample.Batch
}

func (k *keeper) Export(_ context.Context, b *sample.Batch) error {
	k.kept = b
	return nil
}

func (k *keeper) Shutdown(ctx context.Context) error {
	if k.kept != nil {
		return k.Recorder.Export(ctx, k.kept)
	}
	return nil
}

func TestExporterSuiteFindsFaults(t *testing.T) {
	keep := func() (agent.Exporter, func() []float64) {
		k := &keeper{}
		return k, func() []float64 { return k.Values(Gauge) }
	}
	wantBroken(t, "Export does not keep the batch", exporterRules(keep))
	deaf := func() (agent.Exporter, func() []float64) {
		return &Recorder{}, func() []float64 { return nil }
	}
	wantBroken(t, "what Export confirmed arrives", exporterRules(deaf))
	disorder := func() (agent.Exporter, func() []float64) {
		return &Recorder{}, func() []float64 { return []float64{2, 1} }
	}
	wantBroken(t, "values arrive in order", exporterRules(disorder))
	answer := func(f func(*sample.Batch) error) MakeExporter {
		return func() (agent.Exporter, func() []float64) {
			return &Recorder{Answer: func(_ context.Context, b *sample.Batch) error { return f(b) }}, nil
		}
	}
	wantBroken(t, "Export takes an empty batch", exporterRules(answer(func(b *sample.Batch) error {
		if len(b.Frames) == 0 {
			return errors.New("empty")
		}
		return nil
	})))
	wantBroken(t, "Export does not panic", exporterRules(answer(func(*sample.Batch) error { panic("no") })))
	wantBroken(t, "Export confirms what a healthy receiver took", exporterRules(answer(func(*sample.Batch) error { return errors.New("no") })))
	wantBroken(t, "Export does not change the facts", exporterRules(answer(func(b *sample.Batch) error {
		b.Facts.Hostname = "mine"
		return nil
	})))
}
