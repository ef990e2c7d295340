package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/wandb-agent/wandb-agent/cmd/wandb-agent/internal/config"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// Exit codes, as the README states them.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
	exitUnsent  = 3 // done, but data remains unsent
)

// cli is what a command may touch of the outside: its streams.
type cli struct {
	stdin          *os.File
	stdout, stderr io.Writer
}

// usageError is an error of the caller: exit code 2.
type usageError struct{ error }

// statusError carries an exit status and prints nothing: exec returns the
// command's own status with it.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// Main runs one command line and returns the exit code. It is the whole
// program apart from os.Exit.
func Main(args []string, stdin *os.File, stdout, stderr io.Writer) int {
	c := &cli{stdin: stdin, stdout: stdout, stderr: stderr}
	root := c.root()
	root.SetArgs(args)
	return c.code(root.Execute())
}

// code prints err where it should be and returns the exit code for it.
func (c *cli) code(err error) int {
	var status statusError
	var usage usageError
	var bad *config.Error
	var refused *runapi.InitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintf(c.stderr, "wandb-agent: %v\n", err)
	if errors.As(err, &usage) || errors.As(err, &bad) || errors.As(err, &refused) && refused.Op == "settings" {
		return exitUsage
	}
	if errors.Is(err, runapi.ErrUnsent) {
		return exitUnsent
	}
	return exitFailure
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "wandb-agent",
		Short: "A program's numbers and its hardware's numbers on one timeline",
		Long: `wandb-agent puts a program's own numbers (loss, tokens/s) and the numbers of
the hardware under it (NVIDIA GPUs, CPU, memory, disk, network, process tree)
on one timeline and delivers it to a Weights & Biases run, to OpenTelemetry and
to Prometheus.

  wandb-agent exec -- python3 train.py    run a command as a W&B run
  wandb-agent attach --pid 4711           follow a process that already runs
  wandb-agent run                         host agent: 127.0.0.1:19790/metrics
  wandb-agent show wandb/latest-run       look at a run
  wandb-agent doctor                      what is measured here, what not, why

Not to be mixed up with "wandb agent", the sweep command of the Python client.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          c.noCommand,
	}
	root.SetIn(c.stdin)
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%v\nSee: %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(c.runCmd(), c.execCmd(), c.workerCmd(), c.attachCmd(), c.onceCmd(), c.showCmd(),
		c.exportCmd(), c.syncCmd(), c.doctorCmd(), c.configCmd(), c.artifactCmd(), c.lsCmd(), c.editCmd(), c.stopCmd(), c.restoreCmd(), c.versionCmd(), c.loginCmd())
	return root
}

// sweepID is entity/project/id or an id as the sweep server makes them.
var sweepID = regexp.MustCompile(`^([^/]+/){0,2}[a-z0-9]{8}$`)

// noCommand answers a line without a known command.
func (c *cli) noCommand(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return cmd.Help()
	case sweepID.MatchString(args[0]):
		return usagef("%q looks like a sweep id: sweeps are run by the Python client's command\n  wandb agent %s", args[0], args[0])
	}
	return usagef("unknown command %q; see: wandb-agent --help", args[0])
}

// exactArgs is cobra.ExactArgs with our exit code and words.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s takes %s; see: %s --help", cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}
