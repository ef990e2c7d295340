package tensorboard_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/wandb-agent/wandb-agent/runapi"
	"github.com/wandb-agent/wandb-agent/runapi/tensorboard"
)

// A directory of event files that are there already becomes rows of a run.
func ExampleFollow() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	run, err := runapi.Init(ctx, runapi.Settings{Project: "mnist", Mode: runapi.ModeOffline, Dir: dir, DisableGit: true, DisableStats: true})
	if err != nil {
		log.Fatal(err)
	}
	defer run.Close()

	// Without Since only files that are made from now on are taken.
	events, err := tensorboard.Follow(ctx, run, "testdata/torch", tensorboard.Options{Since: time.Unix(0, 0)})
	if err != nil {
		log.Fatal(err)
	}
	if err := events.Close(); err != nil { // Finish does it too
		log.Fatal(err)
	}
	c := events.Counters()
	fmt.Printf("%d file, %d rows of %d values, %d value of another kind\n", c.Files, c.Rows, c.Values, c.Skipped)
	// Output: 1 file, 2 rows of 4 values, 1 value of another kind
}
