package runapi_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// weights writes a file that the examples save.
func weights(run *runapi.Run, name, text string) string {
	path := filepath.Join(filepath.Dir(filepath.Dir(run.Dir())), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		fmt.Println(err)
	}
	return path
}

// Checkpoints become files of the run, now and whenever a new one appears.
func ExampleRun_Save() {
	run, done := begin(nil)
	defer done()
	first := weights(run, "epoch1.pt", "weights")
	files, err := run.Save(filepath.Join(filepath.Dir(first), "*.pt"), runapi.SaveOptions{
		Base: filepath.Dir(first), Policy: runapi.SaveNow, Watch: true,
	})
	fmt.Println(len(files), files[0].RunPath, err)
	weights(run, "epoch2.pt", "better weights")
	if err := run.Finish(0); err != nil {
		fmt.Println(err)
	}
	text, err := os.ReadFile(filepath.Join(run.Dir(), "files", "epoch2.pt"))
	fmt.Println(string(text), err)
	// Output:
	// 1 epoch1.pt <nil>
	// better weights <nil>
}

// A model is logged from a file, and can be used in the same run, without a network
// too.
func ExampleRun_LogModel() {
	run, done := begin(nil)
	defer done()
	ctx := context.Background()
	path := weights(run, "best.pt", "weights")
	if _, err := run.LogModel(ctx, path, runapi.ModelOptions{Name: "net", Aliases: []string{"best"}}); err != nil {
		fmt.Println(err)
	}
	model, err := run.UseModel(ctx, "net:best", filepath.Join(filepath.Dir(path), "models"))
	fmt.Println(filepath.Base(model), err)
	if err := run.Finish(0); err != nil {
		fmt.Println(err)
	}
	// Output:
	// best.pt <nil>
}

// A histogram of gradients goes with every second step.
func ExampleWatch() {
	run, done := begin(nil)
	defer done()
	gradients := []float32{0, 0, 1}
	w, err := runapi.Watch(run, "layer1", func() []float32 { return gradients }, runapi.WatchOptions{Every: 2, Bins: 2})
	if err != nil {
		fmt.Println(err)
	}
	defer w.Stop()
	for range 4 {
		if err := run.Log(map[string]any{"loss": 0.5}); err != nil {
			fmt.Println(err)
		}
	}
	if err := run.Finish(0); err != nil {
		fmt.Println(err)
	}
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
		h, _ := row.Values["gradients/layer1"].(map[string]any)
		fmt.Println(row.Step, h["values"])
	}
	// Output:
	// 0 <nil>
	// 1 [2 1]
	// 2 <nil>
	// 3 [2 1]
}
