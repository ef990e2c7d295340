package derive

import (
	"fmt"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent/catalog"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// load is a host with devices: per device a gauge, a ratio, a rate and a part
// of one total. Each call of tick is one batch and one evaluation.
func load(tb testing.TB, devices int) (tick func() (keys int)) {
	rows := []*catalog.Metric{
		metric("used", catalog.View{Key: "dev.{d#}.used"}, catalog.View{Key: "dev.{d#}.percent", Scale: 100, Over: catalog.Operand{Metric: "size"}}),
		metric("size"),
		metric("io", catalog.View{Key: "dev.{d#}.rate", Op: catalog.Rate}, catalog.View{Key: "io", Op: catalog.Since}),
	}
	schema, set := sample.NewSchema(0), newSet(rows, catalog.WandB, nil)
	f := sample.Frame{Step: sample.NoStep}
	for i := range devices {
		labels := []sample.Label{{Name: "d", Value: fmt.Sprintf("d%d", i)}}
		for _, d := range []sample.Desc{{Name: "used", Labels: labels}, {Name: "size", Labels: labels}, {Name: "io", Kind: sample.Counter, Labels: labels}} {
			ref, err := schema.Add(d)
			if err != nil {
				tb.Fatal(err)
			}
			f.Put(ref, 1)
		}
	}
	b := &sample.Batch{Schema: schema, Facts: &sample.Facts{}, Frames: []sample.Frame{f}}
	n := 0
	emit := func(Value) { n++ }
	return func() int {
		b.Frames[0].Time += second
		set.Observe(b)
		n = 0
		set.Evaluate(emit)
		return n
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	tick := load(t, 10)
	tick()
	if got, want := tick(), 31; got != want {
		t.Fatalf("got %d keys, want %d", got, want)
	}
	if n := testing.AllocsPerRun(100, func() { tick() }); n != 0 {
		t.Errorf("%v allocations per evaluation, want 0", n)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	for _, devices := range []int{10, 100} {
		b.Run(fmt.Sprintf("series=%d", 3*devices), func(b *testing.B) {
			tick := load(b, devices)
			tick()
			b.ReportAllocs()
			for b.Loop() {
				if got, want := tick(), 3*devices+1; got != want {
					b.Fatalf("got %d keys, want %d", got, want)
				}
			}
		})
	}
}
