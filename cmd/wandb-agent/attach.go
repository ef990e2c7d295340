package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/wandb-agent/wandb-agent/collectors/host/pidwatch"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/rank"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/redact"
	"github.com/wandb-agent/wandb-agent/runapi"
)

func (c *cli) attachCmd() *cobra.Command {
	var flags runFlags
	var pid int
	cmd := &cobra.Command{
		Use:   "attach --pid PID [flags]",
		Short: "Follow a process that already runs until it ends",
		Long: `Makes a W&B run of a process that already runs: the hardware its process tree
uses, until it ends or this command gets SIGINT or SIGTERM. The process is not
touched. Its console cannot be had: only exec sees it. Its exit status is read
from the kernel (6.15 and later for any process, else only with permission to
trace it); a status nobody saw is "unknown", never 0.

A process that has a run already, of runapi or of the official client, gets no
second one: what is measured goes into that run, labelled. With runapi it is in
the process's own run directory; --id ID makes a run apart.`,
		Example: "  wandb-agent attach --pid 4711 --project mnist",
		Args:    exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if pid <= 0 {
				return usagef("attach needs --pid PID, a process id above 0")
			}
			return c.attach(cmd.Context(), pid, &flags)
		},
	}
	cmd.Flags().IntVar(&pid, "pid", 0, "process to follow")
	flags.add(cmd.Flags())
	return cmd
}

func (c *cli) attach(ctx context.Context, pid int, flags *runFlags) error {
	if ctx == nil {
		ctx = context.Background()
	}
	caught := make(chan os.Signal, 4)
	signal.Notify(caught, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(caught)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := errors.Join(flags.checkClient(), flags.checkOutputs()); err != nil {
		return err
	}
	p, err := pidwatch.Open(pid)
	if err != nil {
		return err
	}
	defer p.Close()
	s := flags.settings()
	s.PID = pid
	s.Logger = slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	describeProcess(&s, pid)
	if s.Outputs, err = flags.outputs(ctx, s.Logger); err != nil {
		return err
	}
	joined := joinProcess(&s, pid)
	run, err := runapi.Init(ctx, s)
	if err != nil {
		return err
	}
	if joined != nil {
		fmt.Fprintf(c.stderr, "wandb-agent: process %d has a run: this adds to it\n", pid)
	}
	files, err := followEvents(ctx, run, flags.TensorBoard, startOf(p))
	if err != nil {
		return errors.Join(err, run.FinishExit(runapi.Exit{Unknown: true}))
	}
	fmt.Fprintf(c.stderr, "wandb-agent: following process %d (its console cannot be had from outside; exec records it)\nwandb-agent: run %s\n", pid, run.Dir())
	status, err := c.follow(ctx, p, run, caught)
	if err == nil {
		fmt.Fprintf(c.stderr, "wandb-agent: process %d ended: %v\n", pid, status)
	} else {
		fmt.Fprintf(c.stderr, "wandb-agent: stopped following process %d, which goes on\n", pid)
	}
	err = finishUntil(run, exitOf(status), caught)
	if joined != nil {
		err = errors.Join(err, foldInto(joined))
	}
	if text := files.lacks(); text != "" {
		fmt.Fprintf(c.stderr, "wandb-agent: %s\n", text)
	}
	if url := run.URL(); url != "" {
		fmt.Fprintf(c.stderr, "wandb-agent: view it:  %s\n", url)
	}
	if dir := run.Dir(); dir != "" {
		fmt.Fprintf(c.stderr, "wandb-agent: look at it:  wandb-agent show %s\n", dir)
	}
	return err
}

// follow waits for the end of the process, a signal, or somebody who stops the
// run on the server.
func (c *cli) follow(ctx context.Context, p *pidwatch.Process, run *runapi.Run, caught <-chan os.Signal) (pidwatch.ExitStatus, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // ends with ctx
		select {
		case s := <-caught:
			if s == syscall.SIGTERM && rank.Preemptible(environOf(os.Environ())) {
				_ = run.MarkPreempting() // an error of the log is one of Finish, too
			}
		case <-run.StopRequested():
			fmt.Fprintln(c.stderr, "wandb-agent: somebody stopped the run")
		case <-ctx.Done():
		}
		stop()
	}()
	return p.Wait(ctx)
}

// quitPatience is how long a finish that was told to hurry may take.
const quitPatience = 1500 * time.Millisecond

// errQuit is a finish that did not end when it was told to.
var errQuit = errors.New("interrupted: the run's directory has everything")

// finishUntil finishes a run; a signal ends the waiting for the server, and, if
// need be, for everything else.
func finishUntil(run *runapi.Run, exit runapi.Exit, caught <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- run.FinishContext(ctx, exit) }()
	select {
	case err := <-done:
		return err
	case <-caught:
	}
	cancel()
	select {
	case err := <-done:
		return err
	case <-time.After(quitPatience):
		return errQuit
	}
}

// describeProcess fills in what procfs tells of another process. Its arguments
// may repeat a secret of its own environment, which runapi does not know.
func describeProcess(s *runapi.Settings, pid int) {
	base := "/proc/" + strconv.Itoa(pid)
	s.Program, s.Args = "unknown", []string{}
	if exe, err := os.Readlink(base + "/exe"); err == nil {
		s.Executable, s.Program = exe, exe
	}
	if line, err := os.ReadFile(base + "/cmdline"); err == nil {
		if argv := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00"); argv[0] != "" {
			environ, _ := os.ReadFile(base + "/environ")
			mask := redact.New(strings.Split(string(environ), "\x00"))
			s.Program, s.Args = mask.Text(argv[0]), mask.Args(argv[1:])
		}
	}
}
