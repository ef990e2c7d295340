package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/wandb-agent/wandb-agent/runapi"
)

// Everything has a default. There is no end of the script that could finish a
// run: say so.
func basic(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	return run.Finish(0)
}

// Arguments of init are fields of Settings. Config may be a struct as well.
func setup(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{
		Project: "detect-pedestrians",
		Notes:   "tweak baseline",
		Tags:    []string{"baseline", "paper1"},
		Config: map[string]any{
			"learning_rate": 0.01,
			"momentum":      0.2,
			"architecture":  "CNN",
			"dataset_id":    "peds-0192",
			"infra":         "AWS",
		},
	})
	if err != nil {
		return err
	}
	return run.Finish(0)
}

// Do ends the run when the function ends: well, or with an error or a panic as a
// failed run.
func many(ctx context.Context) error {
	for x := range 10 {
		err := runapi.Do(ctx, runapi.Settings{Project: "my-projo"}, func(_ context.Context, run *runapi.Run) error {
			for y := range 100 {
				if err := run.Log(map[string]any{"metric": x + y}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Active is for code that was not handed the run. Methods of a nil run do
// nothing. Several runs may go on at once, unless Settings.Reinit forbids it.
func active(ctx context.Context) error {
	if runapi.Active() != nil {
		return errors.New("there is a run already")
	}

	run, err := runapi.Init(ctx, runapi.Settings{ID: "first"})
	if err != nil {
		return err
	}
	err = runapi.Active().Log(map[string]any{"x": 1})
	if err := errors.Join(err, run.Finish(0)); err != nil {
		return err
	}

	if runapi.Active() != nil {
		return errors.New("a finished run is active")
	}

	return runapi.Do(ctx, runapi.Settings{ID: "second"}, func(_ context.Context, run *runapi.Run) error {
		return run.Log(map[string]any{"x": 2})
	})
}

// Any exit code but 0 is a failure. NaN is a value like others.
func failed(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	return errors.Join(run.Log(map[string]any{"loss": math.NaN()}), run.Finish(1))
}

// Runs of a group are shown together: folds, or the ranks of one training.
func group(ctx context.Context) error {
	for fold := range 3 {
		name := fmt.Sprintf("fold-%d", fold)
		err := runapi.Do(ctx, runapi.Settings{ID: name, Group: "cv-1", JobType: name}, func(_ context.Context, run *runapi.Run) error {
			return run.Log(map[string]any{"accuracy": 0.8 + 0.05*float64(fold)})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Init waits for the server only when it has to ask it, as here.
func resume(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{ID: "unique", Resume: "allow", Config: map[string]any{"lr": 0.1}})
	if err != nil {
		return err
	}
	for x := range 3 {
		err = errors.Join(err, run.Log(map[string]any{"x": x}))
	}
	if err := errors.Join(err, run.Finish(0)); err != nil {
		return err
	}

	run, err = runapi.Init(ctx, runapi.Settings{ID: "unique", Resume: "must"})
	if err != nil {
		return err
	}
	if !run.Resumed() || run.StartingStep() != 3 {
		return fmt.Errorf("the run begins at step %d", run.StartingStep())
	}
	return errors.Join(run.Log(map[string]any{"x": run.StartingStep()}), run.Finish(0))
}

// What people see of a run may change while it goes on: the server is told at
// once.
func rename(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{Tags: []string{"a"}})
	if err != nil {
		return err
	}
	return errors.Join(
		run.SetName("better name"),
		run.SetNotes("$x + 3$ of\ntwo lines"),
		run.AddTags("b"),
		run.Log(map[string]any{"x": 1}),
		run.Finish(0))
}

// The server is then patient with a run that falls silent.
func preempting(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	return errors.Join(run.MarkPreempting(), run.Log(map[string]any{"x": 1}), run.Finish(0))
}
