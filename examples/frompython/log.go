package main

import (
	"context"
	"errors"
	"math"

	"github.com/wandb-agent/wandb-agent/runapi"
)

// Log returns when the row is safe from a crash of the program. It never waits
// for the network and may be called a hundred thousand times a second.
func log(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	return errors.Join(
		run.Log(map[string]any{"train-loss": 0.5, "accuracy": 0.9}),
		run.Log(map[string]any{"accuracy": 0.9, "epoch": 5}),
		run.Finish(0))
}

// NoCommit leaves the step open for more.
func incremental(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	return errors.Join(
		run.Log(map[string]any{"loss": 0.2}, runapi.NoCommit()),
		// Somewhere else, when this step is to be reported:
		run.Log(map[string]any{"accuracy": 0.8}),
		run.Finish(0))
}

// AtStep leaves the step open as well, until a later one begins, or Commit.
func steps(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	for epoch := range 3 {
		step := runapi.AtStep(int64(10 * epoch))
		err = errors.Join(err,
			run.Log(map[string]any{"train-loss": 1 / float64(epoch+1)}, step),
			run.Log(map[string]any{"accuracy": 0.5 + 0.1*float64(epoch)}, step))
	}
	return errors.Join(err,
		run.Log(map[string]any{"done": true}, runapi.AtStep(50), runapi.Commit()),
		run.Log(map[string]any{"after": 1}),
		run.Finish(0))
}

// Nested maps become nested metrics.
func nested(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	type metrics = map[string]any
	return errors.Join(
		run.Log(metrics{"dataset-1": metrics{"acc": 0.9, "loss": 0.3}, "dataset-2": metrics{"acc": 0.8, "loss": 0.2}}),
		run.Log(metrics{"train": metrics{"acc": 0.9}, "val": metrics{"acc": 0.8}}),
		run.Finish(0))
}

// A value that is set in the summary stays there beside the rows.
func best(ctx context.Context) error {
	accuracies := []float64{0.3, 0.7, 0.6, 0.9, 0.8}
	run, err := runapi.Init(ctx, runapi.Settings{Config: map[string]any{"epochs": len(accuracies)}})
	if err != nil {
		return err
	}
	best := 0.0
	for epoch, accuracy := range accuracies {
		err = errors.Join(err, run.Log(map[string]any{"epoch": epoch, "accuracy": accuracy}))
		if accuracy > best {
			best = accuracy
			err = errors.Join(err, run.Summary().Set("best_accuracy", best))
		}
	}
	return errors.Join(err, run.Finish(0))
}

// Pin keeps a value whatever is logged after it, as the documents promise. The
// client of today lets the next row replace it; so does Set.
func sticky(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	return errors.Join(
		run.Log(map[string]any{"accuracy": 0.5}),
		run.Summary().Pin("accuracy", 0.9),
		run.Log(map[string]any{"accuracy": 0.6, "loss": 0.1}),
		run.Finish(0))
}

// Options are fields; aggregates add up.
func define(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	define := func(name string, o runapi.MetricOptions) {
		_, e := run.DefineMetric(name, o)
		err = errors.Join(err, e)
	}
	define("epoch", runapi.MetricOptions{Hidden: true})
	define("val/*", runapi.MetricOptions{StepMetric: "epoch"})
	define("val/accuracy", runapi.MetricOptions{StepMetric: "epoch", Summary: runapi.Max, Goal: runapi.Maximize})
	define("loss", runapi.MetricOptions{Summary: runapi.Min | runapi.Mean | runapi.Last})
	for epoch := range 4 {
		err = errors.Join(err,
			run.Log(map[string]any{"loss": 1 / float64(epoch+1)}),
			run.Log(map[string]any{"epoch": epoch, "loss": 1 / float64(epoch+2), "val/accuracy": 0.9 - 0.1*math.Abs(float64(epoch-2))}))
	}
	return errors.Join(err, run.Finish(0))
}
