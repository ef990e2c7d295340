package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/wandb-agent/wandb-agent/cmd/wandb-agent/internal/keeper"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/redact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/runapi"
	"github.com/wandb-agent/wandb-agent/runapi/tensorboard"
)

// workerCommand is the hidden command that exec starts beside its command.
const workerCommand = "exec-worker"

func (c *cli) workerCmd() *cobra.Command {
	return &cobra.Command{
		Use:    workerCommand,
		Short:  "Measure for exec (started by exec only)",
		Hidden: true,
		Args:   exactArgs(0, "no arguments"),
		RunE:   func(*cobra.Command, []string) error { return c.work() },
	}
}

// work measures the command of a keeper until it has ended, then finishes the
// run: what the keeper logged is folded in.
func (c *cli) work() error {
	w, err := keeper.Attach()
	if err != nil {
		return usagef("%s is started by wandb-agent exec: %v", workerCommand, err)
	}
	defer w.Close()
	ctx := context.Background()
	var flags runFlags
	if err := json.Unmarshal(w.Spec.Settings, &flags); err != nil {
		return err
	}
	run, dir, err := c.workerRun(ctx, &w.Spec, &flags)
	if err != nil {
		return err
	}
	files, err := followEvents(ctx, run, flags.TensorBoard, w.Spec.Started)
	if err != nil {
		w.Say(err.Error()) // the run goes on without
	}
	if flags.OnStop != stopIgnore {
		go stopCommand(w, run)
	}
	var takeover *runlog.Writer
	end, err := w.Wait(ctx, func() (keeper.Console, error) {
		var err error
		takeover, err = runlog.Create(dir.PartPath("worker"), runlog.Options{})
		return &maskedConsole{log: takeover, mask: redact.New(os.Environ())}, err
	})
	if err != nil {
		return err
	}
	if takeover != nil {
		err = errors.Join(writeExit(takeover, end.Status), takeover.Close(), end.Log)
	}
	files.drain(w.Hurry())
	err = errors.Join(err, finishForKeeper(w, run, end.Status))
	if text := files.lacks(); text != "" {
		w.Say(text)
	}
	return err
}

// stopCommand passes a stop request of the server on. It ends with the process.
func stopCommand(w *keeper.Worker, run *runapi.Run) {
	<-run.StopRequested()
	w.Say("somebody stopped the run: the command got SIGTERM")
	w.StopCommand()
}

// finishForKeeper finishes the run and has the keeper say where it is. That
// something could not be sent is no failure of the worker.
func finishForKeeper(w *keeper.Worker, run *runapi.Run, st keeper.Status) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends with the process
		<-w.Hurry()
		cancel()
	}()
	err := run.FinishContext(ctx, exitOf(st))
	if url := run.URL(); url != "" {
		w.Say("view it:     " + url)
	}
	var unsent *runapi.UnsentError
	if errors.Is(err, tensorboard.ErrUnread) {
		w.Say(err.Error())
		return nil
	}
	if errors.As(err, &unsent) {
		w.Say(unsent.Error())
		return nil
	}
	return err
}

// workerRun opens the run that the keeper made the directory for.
func (c *cli) workerRun(ctx context.Context, spec *keeper.WorkerSpec, flags *runFlags) (*runapi.Run, *runlog.Dir, error) {
	dir := &runlog.Dir{Path: spec.RunDir, RunID: spec.RunID}
	s := flags.settings()
	s.RunDir, s.PID, s.OrphanMarker = dir, spec.PID, orphanMarker(spec.RunID)
	s.Program, s.Args = spec.Argv[0], spec.Argv[1:]
	s.Logger = slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var err error
	if s.Outputs, err = flags.outputs(ctx, s.Logger); err != nil {
		return nil, nil, err
	}
	run, err := runapi.Init(ctx, s)
	return run, dir, err
}

// exitOf is the status of another process as the end of a run.
func exitOf(st keeper.Status) runapi.Exit {
	return runapi.Exit{Code: st.ExitCode(), Signal: int(st.Signal), Unknown: !st.Known}
}
