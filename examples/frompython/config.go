package main

import (
	"context"
	"errors"
	"flag"
	"os"

	"github.com/wandb-agent/wandb-agent/runapi"
)

// A struct goes in, and Decode gives back what is to be used: files and a sweep
// may have chosen other values.
func config(ctx context.Context) error {
	hyper := struct {
		Epochs    int `json:"epochs"`
		BatchSize int `json:"batch_size"`
	}{Epochs: 4, BatchSize: 32}

	run, err := runapi.Init(ctx, runapi.Settings{Config: hyper})
	if err != nil {
		return err
	}
	err = run.Config().Decode(&hyper)
	for x := range hyper.Epochs {
		err = errors.Join(err, run.Log(map[string]any{"epoch": x}))
	}
	return errors.Join(err, run.Finish(0))
}

// NewConfig is a config without a run.
func beforehand(ctx context.Context) error {
	config := runapi.NewConfig()
	if err := config.Set("epochs", 4); err != nil {
		return err
	}

	run, err := runapi.Init(ctx, runapi.Settings{Config: config})
	if err != nil {
		return err
	}
	epochs, _ := run.Config().Int("epochs")
	for x := range epochs {
		err = errors.Join(err, run.Log(map[string]any{"epoch": x}))
	}
	return errors.Join(err, run.Finish(0))
}

// Sub is a part of the config; maps and structs nest as well.
func nestedConfig(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	train := run.Config().Sub("train")
	if err := train.Set("epochs", 4); err != nil {
		return err
	}
	epochs, _ := train.Int("epochs")
	for x := range epochs {
		err = errors.Join(err, run.Log(map[string]any{"epoch": x}))
	}
	return errors.Join(err, run.Finish(0))
}

// The file is read wherever there is one. Settings go over it.
func defaults(ctx context.Context) error {
	text := "epochs: {desc: passes over the data, value: 100}\nbatch_size: {value: 32}\n"
	if err := os.WriteFile("config-defaults.yaml", []byte(text), 0o600); err != nil {
		return err
	}

	run, err := runapi.Init(ctx, runapi.Settings{Config: map[string]any{"batch_size": 64}})
	if err != nil {
		return err
	}
	size, _ := run.Config().Int("batch_size")
	for x := range 2 {
		err = errors.Join(err, run.Log(map[string]any{"epoch": x, "batch_size": size}))
	}
	return errors.Join(err, run.Finish(0))
}

// YAML or JSON, and as many as you like.
func configFile(ctx context.Context) error {
	text := "epochs: {value: 3}\nnet: {value: {layers: [1, 2], act: relu}}\n"
	if err := os.WriteFile("special_config.yaml", []byte(text), 0o600); err != nil {
		return err
	}

	run, err := runapi.Init(ctx, runapi.Settings{ConfigFiles: []string{"special_config.yaml"}})
	if err != nil {
		return err
	}
	epochs, _ := run.Config().Int("epochs")
	for x := range epochs {
		err = errors.Join(err, run.Log(map[string]any{"epoch": x}))
	}
	return errors.Join(err, run.Finish(0))
}

// FlagConfig takes the flags of any library, pflag too.
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
	values := runapi.FlagConfig(func(add func(name string, value any)) {
		set.VisitAll(func(f *flag.Flag) { add(f.Name, f.Value) })
	})
	return errors.Join(err, run.Config().Update(values), run.Finish(0))
}

// Keys may have stars. Both at once is an error of Init.
func exclude(ctx context.Context) error {
	args := struct {
		LR      float64 `json:"lr"`
		DataDir string  `json:"data_dir"`
		Verbose bool    `json:"verbose"`
	}{LR: 0.1, DataDir: "/data"}

	for _, s := range []runapi.Settings{
		{ID: "without", Config: args, ConfigExclude: []string{"verbose", "data_*"}},
		{ID: "only", Config: args, ConfigInclude: []string{"lr"}},
	} {
		run, err := runapi.Init(ctx, s)
		if err != nil {
			return err
		}
		if err := errors.Join(run.Log(map[string]any{"x": 1}), run.Finish(0)); err != nil {
			return err
		}
	}
	return nil
}
