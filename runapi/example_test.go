package runapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// begin makes a run without hardware in a directory that is removed by done.
func begin(config any) (run *runapi.Run, done func()) {
	dir, err := os.MkdirTemp("", "runapi")
	if err != nil {
		return nil, func() {}
	}
	run, err = runapi.Init(context.Background(), runapi.Settings{
		Project: "mnist", Mode: runapi.ModeOffline, Dir: dir, Config: config, Environ: []string{}, DisableStats: true, DisableGit: true,
	})
	if err != nil {
		fmt.Println(err)
	}
	return run, func() { os.RemoveAll(dir) }
}

// show prints the history of a finished run.
func show(run *runapi.Run) {
	dir, err := runlog.OpenDir(run.Dir())
	if err != nil {
		fmt.Println(err)
		return
	}
	loaded, err := runlog.Load(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range loaded.History {
		fmt.Println(row.Step, row.Values)
	}
}

func Example() {
	run, done := begin(map[string]any{"lr": 0.1})
	defer done()
	for step := range 3 {
		if err := run.Log(map[string]any{"loss": 1 / float64(step+1)}); err != nil {
			fmt.Println(err)
		}
	}
	if err := run.Finish(0); err != nil {
		fmt.Println(err)
	}
	show(run)
	loss, _ := run.Summary().Get("loss")
	fmt.Println("last:", loss)
	// Output:
	// 0 map[loss:1]
	// 1 map[loss:0.5]
	// 2 map[loss:0.3333333333333333]
	// last: 0.3333333333333333
}

func ExampleRun_LogRow() {
	run, done := begin(nil)
	defer done()
	loss, tokens := run.Key("loss"), run.Key("tokens")
	row := run.Row()
	for step := range int64(2) {
		row.Float(loss, 0.5)
		row.Int(tokens, 1000*step)
		if err := run.LogRow(&row); err != nil {
			fmt.Println(err)
		}
	}
	run.Close()
	show(run)
	// Output:
	// 0 map[loss:0.5 tokens:0]
	// 1 map[loss:0.5 tokens:1000]
}

func ExampleAtStep() {
	run, done := begin(nil)
	defer done()
	run.Log(map[string]any{"loss": 0.5}, runapi.AtStep(10))
	run.Log(map[string]any{"acc": 0.9}, runapi.AtStep(10))
	run.Log(map[string]any{"loss": 0.4}, runapi.AtStep(20))
	err := run.Log(map[string]any{"loss": 0.3}, runapi.AtStep(15))
	fmt.Println(errors.Is(err, runapi.ErrStepBack), err)
	run.Close()
	show(run)
	// Output:
	// true log step 15 of a run at step 20: step goes back
	// 10 map[acc:0.9 loss:0.5]
	// 20 map[loss:0.4]
}

func ExampleRun_DefineMetric() {
	run, done := begin(nil)
	defer done()
	run.DefineMetric("val/*", runapi.MetricOptions{StepMetric: "epoch", Summary: runapi.Max})
	for epoch := range 3 {
		run.Log(map[string]any{"epoch": epoch, "val/acc": 0.5 + 0.1*float64(epoch%2)})
	}
	acc, _ := run.Summary().Get("val/acc")
	fmt.Println(acc)
	run.Close()
	// Output: map[max:0.6]
}

func ExampleConfig_Update() {
	run, done := begin(map[string]any{"lr": 0.1, "model": map[string]any{"layers": 2}})
	defer done()
	fmt.Println(run.Config().Update(map[string]any{"model": map[string]any{"width": 64}}))
	fmt.Println(run.Config().Set("lr", 0.2))
	fmt.Println(run.Config().Set("lr", 0.2, runapi.AllowChange()))
	fmt.Println(run.Config().All())
	run.Close()
	// Output:
	// <nil>
	// set config "lr": config value is set already
	// <nil>
	// map[lr:0.2 model:map[layers:2 width:64]]
}

func ExampleRun_ConsoleWriter() {
	run, done := begin(nil)
	defer done()
	out := io.MultiWriter(os.Stdout, run.ConsoleWriter(false))
	fmt.Fprintln(out, "epoch 1 done")
	run.Close()
	text, _ := os.ReadFile(run.FilesDir() + "/output.log")
	fmt.Printf("%q\n", text)
	// Output:
	// epoch 1 done
	// "epoch 1 done\n"
}

func ExampleDo() {
	dir, err := os.MkdirTemp("", "runapi")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	settings := runapi.Settings{Project: "mnist", Mode: runapi.ModeOffline, Dir: dir, Environ: []string{}, DisableStats: true, DisableGit: true}
	err = runapi.Do(context.Background(), settings, func(ctx context.Context, run *runapi.Run) error {
		for step := range 3 {
			if ctx.Err() != nil { // somebody stopped the run
				return context.Cause(ctx)
			}
			if err := run.Log(map[string]any{"loss": 1 / float64(step+1)}); err != nil {
				return err
			}
		}
		return errors.New("loss does not fall any more")
	})
	fmt.Println(err) // and the run has failed
	// Output: loss does not fall any more
}

func ExampleActive() {
	run, done := begin(nil)
	defer done()
	// Far from Init: without a run this does nothing.
	if err := runapi.Active().Log(map[string]any{"gradient": 0.1}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(runapi.Active() == run)
	run.Close()
	// Output: true
}

func ExampleRun_SetName() {
	run, done := begin(nil)
	defer done()
	run.SetName("warm-up")
	run.AddTags("baseline", "gpu")
	run.SetNotes("Learning rate from the *paper*.")
	fmt.Println(run.Name(), run.Tags())
	run.RemoveTags("gpu")
	fmt.Println(run.Tags())
	run.Close()
	// Output:
	// warm-up [baseline gpu]
	// [baseline]
}
