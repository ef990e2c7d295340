package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wandb-agent/wandb-agent/runapi"
)

// The wait before another alert of the same title is a Duration.
func alert(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	accuracy := 0.2
	if accuracy < 0.3 {
		err = run.Alert("Low accuracy", fmt.Sprintf("Accuracy %g is below 0.3", accuracy), runapi.Warn, 5*time.Minute)
	}
	return errors.Join(err, run.Log(map[string]any{"accuracy": accuracy}), run.Finish(0))
}
