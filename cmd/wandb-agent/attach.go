package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/wandb-agent/wandb-agent/collectors/host/pidwatch"
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
trace it); a status nobody saw is "unknown", never 0.`,
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
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	p, err := pidwatch.Open(pid)
	if err != nil {
		return err
	}
	defer p.Close()
	s := flags.settings()
	s.PID = pid
	s.Logger = slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	describeProcess(&s, pid)
	run, err := runapi.Init(ctx, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stderr, "wandb-agent: following process %d (its console cannot be had from outside; exec records it)\nwandb-agent: run %s\n", pid, run.Dir())
	status, err := p.Wait(ctx)
	if err == nil {
		fmt.Fprintf(c.stderr, "wandb-agent: process %d ended: %v\n", pid, status)
	} else {
		fmt.Fprintf(c.stderr, "wandb-agent: stopped following process %d, which goes on\n", pid)
	}
	err = finish(run, status)
	if dir := run.Dir(); dir != "" {
		fmt.Fprintf(c.stderr, "wandb-agent: look at it:  wandb-agent show %s\n", dir)
	}
	return err
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
