package agenttest

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// Gauge is the series whose values the exporter suite follows.
const Gauge = "agenttest.gauge"

// batches is how many batches with values the exporter suite exports.
const batches = 4

// MakeExporter makes an exporter with its receiver. values returns the values
// of the series Gauge that have arrived there, in order; it is called after
// Shutdown. An exporter that keeps only the newest returns one. nil leaves
// order and keeping unchecked.
type MakeExporter func() (exporter agent.Exporter, values func() []float64)

// Exporter checks the exporters that make returns against the contract of
// agent.Exporter.
func Exporter(t *testing.T, make MakeExporter) {
	t.Helper()
	report(t, exporterRules(make))
}

// exporterRules returns the rules that are broken.
func exporterRules(make MakeExporter) []string {
	r := &rules{}
	checkDelivery(r, make)
	checkUnusual(r, make)
	checkCancelled(r, make)
	exporter, _ := make()
	shutdown(context.Background(), r, exporter)
	return r.broken
}

// feed makes batches as a pump does: in one piece of memory that is used again.
type feed struct {
	clock sample.Clock
	batch sample.Batch
	ref   sample.Ref
	next  float64
}

func newFeed() *feed {
	f := &feed{clock: sample.NewClock(), next: 1}
	schema := sample.NewSchema(0)
	f.ref, _ = schema.Scope(1, "").Add(sample.Desc{Name: Gauge, Unit: "1", Help: "Value of the suite."})
	f.batch = sample.Batch{Schema: schema, Facts: &sample.Facts{Hostname: "host"}, Clock: f.clock}
	return f
}

// fill makes a batch of n frames with one value each, counting up.
func (f *feed) fill(n int) *sample.Batch {
	f.batch.Frames = f.batch.Frames[:0]
	f.batch.Events = append(f.batch.Events[:0], sample.Event{Time: f.clock.Now(), Kind: sample.EventGap, Text: "suite"})
	for range n {
		f.batch.Frames = append(f.batch.Frames, sample.Frame{
			Seq: uint64(f.next), Source: 1, Step: sample.NoStep, Time: f.clock.Now(),
			Refs: []sample.Ref{f.ref}, Vals: []float64{f.next},
		})
		f.next++
	}
	return &f.batch
}

// spoil overwrites the batch, as the pump's next one would.
func (f *feed) spoil() {
	for i := range f.batch.Frames {
		fr := &f.batch.Frames[i]
		for k := range fr.Vals {
			fr.Refs[k], fr.Vals[k] = f.ref, poison
		}
		fr.Time = 0
	}
	for i := range f.batch.Events {
		f.batch.Events[i].Text = "overwritten"
	}
}

// export hands the batch over and checks that the shared facts stay as they are.
func (f *feed) export(ctx context.Context, r *rules, exporter agent.Exporter) (ok bool, err error) {
	facts := f.batch.Facts.Clone()
	ok, err = r.call("Export", func() error { return exporter.Export(ctx, &f.batch) })
	if ok && !reflect.DeepEqual(facts, f.batch.Facts) {
		r.broke("Export does not change the facts", "they are %+v", *f.batch.Facts)
	}
	return ok, err
}

func shutdown(ctx context.Context, r *rules, exporter agent.Exporter) {
	_, err := r.call("Shutdown", func() error { return exporter.Shutdown(ctx) })
	if err != nil && ctx.Err() == nil {
		r.broke("Shutdown succeeds", "%v", err)
	}
}

// checkDelivery: batches arrive in order, unspoiled, the last value included.
func checkDelivery(r *rules, make MakeExporter) {
	exporter, values := make()
	f := newFeed()
	for i := range batches {
		f.fill(i + 1)
		ok, err := f.export(context.Background(), r, exporter)
		if !ok {
			return
		}
		if err != nil {
			r.broke("Export confirms what a healthy receiver took", "batch %d: %v", i, err)
			return
		}
		f.spoil()
		time.Sleep(time.Millisecond)
	}
	shutdown(context.Background(), r, exporter)
	if values == nil {
		return
	}
	got := values()
	for i, v := range got {
		switch {
		case v == poison:
			r.broke("Export does not keep the batch", "a value that was overwritten after Export arrived")
			return
		case i > 0 && v <= got[i-1]:
			r.broke("values arrive in order", "got %v", got)
			return
		}
	}
	if n := len(got); n == 0 || got[n-1] != f.next-1 {
		r.broke("what Export confirmed arrives", "got %v, want it to end with %v", got, f.next-1)
	}
}

// checkUnusual: nothing to say, odd numbers, and series that come and go are
// no reason to fail.
func checkUnusual(r *rules, make MakeExporter) {
	exporter, _ := make()
	f := newFeed()
	defer shutdown(context.Background(), r, exporter)
	try := func(what string) {
		_, err := f.export(context.Background(), r, exporter)
		var partial *agent.PartialError
		if err != nil && !errors.As(err, &partial) {
			r.broke("Export takes "+what, "%v", err)
		}
		f.spoil()
	}
	f.batch.Frames, f.batch.Events = nil, nil
	try("an empty batch")
	f.fill(0)
	try("a batch of events only")
	f.fill(3)
	for i, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		f.batch.Frames[i].Vals[0] = v
	}
	try("values that are not finite")
	old := f.ref
	f.ref, _ = f.batch.Schema.Scope(2, "run").Add(sample.Desc{Name: "agenttest counter/%", Kind: sample.Counter, Labels: []sample.Label{{Name: "a\"b", Value: "\xff\n"}}})
	f.fill(1)
	try("a series that is new, with odd names")
	f.fill(1)
	f.batch.Frames[0].Refs[0] = old
	f.batch.Schema.End(old)
	try("a series that has ended")
}

// checkCancelled: a context that has ended makes both methods return.
func checkCancelled(r *rules, make MakeExporter) {
	exporter, _ := make()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f := newFeed()
	f.fill(1)
	f.export(ctx, r, exporter)
	shutdown(ctx, r, exporter)
}
