package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/wandb-agent/wandb-agent/collectors/gpu"
)

// Exit statuses.
const (
	exitEqual     = 0
	exitDifferent = 1 // also: could not compare
	exitUsage     = 2
	exitNoDriver  = 3
)

// options are the command line.
type options struct {
	library string
	smi     string
	rounds  int
	warm    time.Duration
	load    bool
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var noLoad bool
	flags := flag.NewFlagSet("gpu-check", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.library, "library", "", "NVML library to load (default libnvidia-ml.so.1)")
	flags.StringVar(&o.smi, "nvidia-smi", "nvidia-smi", "nvidia-smi program to compare with")
	flags.IntVar(&o.rounds, "rounds", 3, "comparisons to make")
	flags.DurationVar(&o.warm, "warm", 3*time.Second, "time the load runs before the first comparison")
	flags.BoolVar(&noLoad, "no-load", false, "compare without putting load on the GPUs")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.load = !noLoad
	if flags.NArg() > 0 || o.rounds < 1 {
		err := errors.New("gpu-check takes no arguments, and -rounds at least 1")
		fmt.Fprintln(stderr, err)
		return o, err
	}
	return o, nil
}

// run is the whole program. It returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if err != nil {
		return exitUsage
	}
	cfg := gpu.Config{Library: o.library}
	status := check(ctx, cfg)
	if status.State != gpu.Running || len(status.GPUs) == 0 {
		fmt.Fprintln(stdout, "no GPU to check:", status.Reason)
		return exitNoDriver
	}
	fmt.Fprintf(stdout, "driver %s, CUDA %s, %d GPUs\n", status.Driver, status.CUDA, len(status.GPUs))
	for i, g := range status.GPUs {
		fmt.Fprintf(stdout, "gpu%d  %s  %s  %s\n", i, g.Name, g.Architecture, g.UUID)
	}
	stop := startLoad(o, stdout)
	defer stop()
	sleep(ctx, o.warm)

	costs, err := gpu.MeasureCalls(cfg, 50)
	if err != nil {
		fmt.Fprintln(stdout, "measure driver calls:", err)
		return exitDifferent
	}
	good, err := compareRounds(ctx, cfg, o, stdout)
	if err != nil {
		fmt.Fprintln(stdout, "compare:", err)
	}
	printCosts(stdout, costs)
	if err != nil || !good {
		return exitDifferent
	}
	return exitEqual
}

// check gives a driver that hangs half a minute.
func check(ctx context.Context, cfg gpu.Config) gpu.Status {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return gpu.Check(ctx, cfg)
}

// startLoad puts load on every GPU if it is wanted and CUDA is there; the
// function it returns ends it.
func startLoad(o options, stdout io.Writer) (stop func()) {
	if !o.load {
		fmt.Fprintln(stdout, "load: none, as asked")
		return func() {}
	}
	loads, err := openLoads()
	if err != nil {
		fmt.Fprintln(stdout, "load: none was run:", err)
		return func() {}
	}
	fmt.Fprintf(stdout, "load: memory is written over and over on %d GPUs\n", loads.count())
	return loads.start()
}

// compareRounds prints a table for each round and reports whether all agree.
func compareRounds(ctx context.Context, cfg gpu.Config, o options, stdout io.Writer) (good bool, err error) {
	s, err := openSampler(ctx, cfg)
	if err != nil {
		return false, err
	}
	defer s.close()
	good = true
	for round := range o.rounds {
		before, err := s.sample(ctx)
		if err != nil {
			return false, err
		}
		theirs, err := askSMI(ctx, o.smi)
		if err != nil {
			return false, err
		}
		after, err := s.sample(ctx)
		if err != nil {
			return false, err
		}
		fmt.Fprintf(stdout, "\nround %d\n", round+1)
		rows := compare(before, theirs, after)
		good = printRows(stdout, rows) && good
		sleep(ctx, time.Second)
	}
	return good, ctx.Err()
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
