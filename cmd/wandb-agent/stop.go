package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

func (c *cli) stopCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "stop RUN",
		Short: "Ask a run on this machine to stop",
		Long: `Asks a run that goes on to stop, as the button of the server does, without a
server: within two seconds exec sends its command SIGTERM (see --on-stop), attach
stops following, and a program that uses runapi is told (Run.StopRequested,
Run.Context). RUN is what show takes. It does not wait for the run's end.`,
		Example: "  wandb-agent stop wandb/latest-run",
		Args:    exactArgs(1, "one RUN"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := runlog.OpenDir(args[0])
			if err != nil {
				return err
			}
			return c.stop(dir)
		},
	}
}

func (c *cli) stop(dir *runlog.Dir) error {
	alive, err := dir.Alive()
	if err != nil {
		return err
	}
	if !alive {
		return fmt.Errorf("stop run %s: no process of this machine is at it", dir.RunID)
	}
	f, err := os.OpenFile(dir.StopPath(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("stop run %s: %w", dir.RunID, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("stop run %s: %w", dir.RunID, err)
	}
	fmt.Fprintf(c.stderr, "wandb-agent: run %s is asked to stop\n", dir.RunID)
	return nil
}
