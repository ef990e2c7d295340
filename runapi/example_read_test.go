package runapi_test

import (
	"context"
	"fmt"

	"github.com/wandb-agent/wandb-agent/runapi"
)

func ExampleRun_History() {
	run, done := begin(nil)
	defer done()
	for epoch := range 3 {
		run.Log(map[string]any{"loss": 1 / float64(epoch+1), "val": map[string]any{"acc": 0.25 * float64(epoch)}})
	}
	for row, err := range run.History(context.Background(), "val.acc") {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(row.Step, row.Values)
	}
	// Output:
	// 0 map[val:map[acc:0]]
	// 1 map[val:map[acc:0.25]]
	// 2 map[val:map[acc:0.5]]
}

func ExampleRunReader_Edit() {
	run, done := begin(map[string]any{"lr": 0.1})
	defer done()
	run.Log(map[string]any{"acc": 0.5})
	run.Finish(0)

	// Later, perhaps in another program:
	ctx := context.Background()
	reader, err := runapi.Open(ctx, run.Dir())
	if err != nil {
		fmt.Println(err)
		return
	}
	err = reader.Edit(ctx, runapi.Changes{
		Name: "baseline", Tags: []string{"paper"},
		Summary: map[string]any{"test_acc": 0.625},
	})
	summary := reader.Summary()
	fmt.Println(reader.Info().Name, summary["acc"], summary["test_acc"], err)
	// Output: baseline 0.5 0.625 <nil>
}

func ExampleSummary_Pin() {
	run, done := begin(nil)
	defer done()
	s := run.Summary()
	s.Pin("acc", 0.75)
	run.Log(map[string]any{"acc": 0.5})
	pinned, _ := s.Get("acc")
	s.Unset("acc")
	released, _ := s.Get("acc")
	fmt.Println(pinned, released)
	// Output: 0.75 0.5
}

func ExampleSummary_SetMax() {
	run, done := begin(nil)
	defer done()
	for _, acc := range []float64{0.5, 0.75, 0.625} {
		run.Log(map[string]any{"acc": acc})
		run.Summary().SetMax("best_acc", acc)
	}
	acc, _ := run.Summary().Get("acc")
	best, _ := run.Summary().Get("best_acc")
	fmt.Println(acc, best)
	// Output: 0.625 0.75
}

func ExampleMetric_Update() {
	run, done := begin(nil)
	defer done()
	loss, err := run.DefineMetric("loss", runapi.MetricOptions{Summary: runapi.Min})
	if err == nil {
		err = loss.Update(runapi.MetricOptions{Summary: runapi.Last})
	}
	run.Log(map[string]any{"loss": 0.25})
	run.Log(map[string]any{"loss": 0.5})
	got, _ := run.Summary().Get("loss")
	fmt.Println(got, err)
	// Output: map[last:0.5 min:0.25] <nil>
}
