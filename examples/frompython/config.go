package main

import (
	"context"
	"errors"
	"flag"
	"os"

	"github.com/wandb-agent/wandb-agent/runapi"
)

// The program has its values already: hand them over, and loop over your own.
func config(ctx context.Context) error {
	hyper := struct {
		Epochs    int `json:"epochs"`
		BatchSize int `json:"batch_size"`
	}{Epochs: 4, BatchSize: 32}

	run, err := runapi.Init(ctx, runapi.Settings{Config: hyper})
	if err != nil {
		return err
	}
	for x := range hyper.Epochs {
		err = errors.Join(err, run.Log(map[string]any{"epoch": x}))
	}
	return errors.Join(err, run.Finish(0))
}

// Maps and structs nest.
func nestedConfig(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	if err := run.Config().Set("train", map[string]any{"epochs": 4}); err != nil {
		return err
	}
	epochs, _ := run.Config().Get("train", "epochs")
	for x := range epochs.(int64) {
		err = errors.Join(err, run.Log(map[string]any{"epoch": x}))
	}
	return errors.Join(err, run.Finish(0))
}

// Flags are values of config under their names.
func flags(ctx context.Context) error {
	set := flag.NewFlagSet("train", flag.ContinueOnError)
	set.Int("batch_size", 8, "input batch size for training")
	if err := set.Parse(os.Args[2:]); err != nil {
		return err
	}
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	err = run.Config().Set("epochs", 4)
	set.VisitAll(func(f *flag.Flag) {
		err = errors.Join(err, run.Config().Set(f.Name, f.Value.(flag.Getter).Get()))
	})
	return errors.Join(err, run.Finish(0))
}
