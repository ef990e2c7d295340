package runapi_test

import (
	"flag"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/wandb-agent/wandb-agent/runapi"
)

func ExampleFlagConfig() {
	fs := flag.NewFlagSet("train", flag.ContinueOnError)
	fs.Float64("lr", 0.1, "learning rate")
	fs.Int("epochs", 5, "")
	fs.Parse([]string{"-lr", "0.5"})
	run, done := begin(runapi.FlagConfig(func(add func(name string, value any)) {
		fs.VisitAll(func(f *flag.Flag) { add(f.Name, f.Value) })
	}))
	defer done()
	fmt.Println(run.Config().All())
	// Output: map[epochs:5 lr:0.5]
}

func ExampleFlagConfig_pflag() {
	fs := pflag.NewFlagSet("train", pflag.ContinueOnError)
	fs.Float64("lr", 0.1, "learning rate")
	fs.IntSlice("layers", []int{64, 32}, "")
	fs.Parse([]string{"--lr=0.5"})
	run, done := begin(runapi.FlagConfig(func(add func(name string, value any)) {
		fs.VisitAll(func(f *pflag.Flag) { add(f.Name, f.Value) })
	}))
	defer done()
	fmt.Println(run.Config().All())
	// Output: map[layers:[64 32] lr:0.5]
}

func ExampleNewConfig() {
	config := runapi.NewConfig()
	config.Set("lr", 0.1)
	config.Sub("train").Set("epochs", 4)
	run, done := begin(config)
	defer done()
	epochs, _ := run.Config().Int("train", "epochs")
	fmt.Println(epochs, run.Config().Set("lr", 0.2))
	// Output: 4 set config "lr": config value is set already
}

func ExampleConfig_Decode() {
	hyper := struct {
		LR     float64 `json:"lr"`
		Epochs int     `json:"epochs"`
	}{LR: 0.1, Epochs: 5}
	run, done := begin(hyper) // files, defaults and a sweep may say otherwise
	defer done()
	if err := run.Config().Decode(&hyper); err != nil {
		fmt.Println(err)
	}
	fmt.Println(hyper.LR, hyper.Epochs)
	// Output: 0.1 5
}
