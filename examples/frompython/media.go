package main

import (
	"context"
	"errors"
	"math"

	"github.com/wandb-agent/wandb-agent/runapi"
	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// Values are in package media, and are logged under keys like numbers. Any slice
// of numbers makes a histogram.
func histogram(ctx context.Context) error {
	gradients := make([]float64, 10_000)
	for i := range gradients {
		gradients[i] = math.Sin(float64(i))
	}
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	h, err := media.NewHistogram(gradients, media.DefaultBins)
	return errors.Join(err, run.Log(map[string]any{"gradients": h}), run.Finish(0))
}
