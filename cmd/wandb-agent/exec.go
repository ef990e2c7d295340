package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/wandb-agent/wandb-agent/cmd/wandb-agent/internal/keeper"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/rank"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/redact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// workerPatience is what the worker may take to finish beside sending.
const workerPatience = 10 * time.Second

// keeperWriter names the keeper's own log of a run.
const keeperWriter = "exec"

func (c *cli) execCmd() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "exec [flags] -- CMD [ARG...]",
		Short: "Run CMD as a run: console, exit status, hardware of its process tree",
		Long: `Runs CMD and makes a W&B run of it: what it prints, how it ends, and the
hardware its whole process tree uses. Output, signals and the exit status pass
through unchanged; in a terminal CMD gets a terminal. The exit code is CMD's own
(128+n when signal n killed it), 127 if it was not found, 126 if it cannot be
executed. With mode online the run is sent while it goes on and, for at most
--finish-timeout, when CMD has ended; a Ctrl-C then ends that at once. What was
not sent is told with the command that sends it.

Under Slurm and in Kubernetes a SIGTERM marks the run as preempted, so that the
server is patient with it.

A program inside that uses this module's runapi adds to the same run: its rows,
config and summary; one that asks for an id of its own is a second run.

So does an unchanged program that uses the official Python client: the first run
that it makes, whatever its id, is the run of both. Its rows, config, summary and
name are the client's; hardware, console and exit status are measured here, and the
client is told not to (WANDB_X_DISABLE_STATS, WANDB_CONSOLE, unless they are set).
Further runs of the client are runs of their own. An online run is made at the
server when the client has made it, or when it is clear that there is none: after 3 s
without a Python process, after 2 minutes, or when CMD has ended. --client apart
leaves the client alone: it is a second run then.`,
		Example: "  wandb-agent exec --project mnist -- python3 train.py --lr 0.1",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.OnStop != stopTerm && flags.OnStop != stopIgnore {
				return usagef("--on-stop %q: want %s or %s", flags.OnStop, stopTerm, stopIgnore)
			}
			if err := errors.Join(flags.checkClient(), flags.checkOutputs()); err != nil {
				return err
			}
			if len(args) == 0 {
				return usagef("exec needs a command: wandb-agent exec [flags] -- CMD [ARG...]")
			}
			return c.exec(cmd.Context(), &flags, args)
		},
	}
	cmd.Flags().SetInterspersed(false)
	flags.add(cmd.Flags())
	cmd.Flags().StringVar(&flags.OnStop, "on-stop", stopTerm, "when somebody stops the run, on the server or with wandb-agent stop: term (SIGTERM to CMD) or ignore")
	return cmd
}

// What exec does when somebody stops the run.
const (
	stopTerm   = "term"
	stopIgnore = "ignore"
)

// exec is the keeper: no cgo call and no network happen in this process.
func (c *cli) exec(ctx context.Context, flags *runFlags, argv []string) error {
	if ctx == nil {
		ctx = context.Background()
	}
	conf := keeper.Config{
		Argv: argv, Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Console: noConsole{},
	}
	if _, err := keeper.Resolve(conf.Argv, conf.Env); err != nil {
		return c.neverStarted(err)
	}
	s, err := runapi.Prepare(flags.settings())
	if err != nil {
		return err
	}
	if s.RunDir != nil {
		if err := keep(&conf, &s, flags); err != nil {
			return err
		}
	}
	result, err := keeper.Run(ctx, conf)
	if err != nil {
		if s.RunDir != nil {
			os.RemoveAll(s.RunDir.Path)
		}
		return c.neverStarted(err)
	}
	c.aftermath(&s, result)
	return statusError(result.Status.ExitCode())
}

// keep adds the run's log, its worker and the mark of its processes to a
// command.
func keep(conf *keeper.Config, s *runapi.Settings, flags *runFlags) error {
	dir := s.RunDir
	log, err := runlog.Create(dir.PartPath(keeperWriter), runlog.Options{})
	if err != nil {
		return err
	}
	if err := log.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: namesOf(s)}}); err != nil {
		return err
	}
	messages, err := os.OpenFile(filepath.Join(dir.LogsDir(), "debug.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if conf.Settings, err = json.Marshal(flags); err != nil {
		return err
	}
	conf.RunDir, conf.RunID = dir.Path, dir.RunID
	conf.WorkerPatience = workerPatience + max(s.FinishTimeout, 0)
	conf.Console = &maskedConsole{log: log, mask: redact.New(conf.Env)}
	conf.Env = append(conf.Env, orphanMarker(dir.RunID), runapi.RunDirVariable+"="+dir.Path)
	if flags.Client == clientJoin {
		conf.Env = append(conf.Env, forClient(conf.Env, flags)...)
	}
	if rank.Preemptible(environOf(conf.Env)) {
		conf.Signaled = func(s os.Signal) {
			if s == syscall.SIGTERM { // the log may be closed by now: then the command has ended
				_ = log.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Preempting{Preempting: &wandbpb.RunPreemptingRecord{}}})
			}
		}
	}
	conf.Finish = func(st keeper.Status) error { return errors.Join(writeExit(log, st), log.Close()) }
	conf.Worker = func() *exec.Cmd {
		cmd := exec.Command("/proc/self/exe", workerCommand)
		cmd.Args[0] = "wandb-agent"
		cmd.Stderr = messages
		return cmd
	}
	return nil
}

// environOf indexes an environment by name.
func environOf(environ []string) map[string]string {
	m := make(map[string]string, len(environ))
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		m[name] = value
	}
	return m
}

// namesOf is what is known of the run when no worker has begun it: if none ever
// does, it goes where it belongs all the same.
func namesOf(s *runapi.Settings) *wandbpb.RunRecord {
	return &wandbpb.RunRecord{
		RunId: s.ID, Entity: s.Entity, Project: s.Project, DisplayName: s.Name, Notes: s.Notes, RunGroup: s.Group, JobType: s.JobType, Tags: s.Tags,
	}
}

// orphanMarker is the environment entry by which processes of a run are known
// when their parents are gone.
func orphanMarker(runID string) string { return "WANDB_AGENT_EXEC=" + runID }

// neverStarted answers for a command that did not start.
func (c *cli) neverStarted(err error) error {
	var start *keeper.StartError
	if !errors.As(err, &start) {
		return err
	}
	fmt.Fprintf(c.stderr, "wandb-agent: %v\n", err)
	return statusError(start.Code)
}

// aftermath says where the run is, and everything that did not go well.
func (c *cli) aftermath(s *runapi.Settings, r keeper.Result) {
	if s.RunDir == nil {
		return
	}
	dir := s.RunDir.Path
	say := func(format string, args ...any) { fmt.Fprintf(c.stderr, "wandb-agent: "+format+"\n", args...) }
	if r.LogLost > 0 || r.Log != nil {
		say("console in the log is incomplete: %d bytes missing: %v", r.LogLost, r.Log)
	}
	if r.Unsent > 0 {
		say("%d bytes could not be written to our own output; the log has them", r.Unsent)
	}
	if r.Worker != nil {
		say("the run was not finished: %v", r.Worker)
	}
	say("command ended with %v; run %s", r.Status, dir)
	say("look at it:  wandb-agent show %s", dir)
	for _, line := range r.Said {
		say("%s", line)
	}
}

// writeExit writes the status as the run's exit record.
func writeExit(log *runlog.Writer, st keeper.Status) error {
	return log.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Exit{Exit: &wandbpb.RunExitRecord{
		ExitCode: int32(st.ExitCode()), Signal: int32(st.Signal), Unknown: !st.Known,
	}}})
}

// maskedConsole masks secrets in what goes to the log.
type maskedConsole struct {
	log  *runlog.Writer
	mask *redact.Redactor
	buf  []byte
}

func (m *maskedConsole) Output(stderr bool, t int64, text []byte) error {
	m.buf = m.mask.Append(m.buf[:0], text)
	return m.log.Output(stderr, t, m.buf)
}

// noConsole is the console of a command that is no run.
type noConsole struct{}

func (noConsole) Output(bool, int64, []byte) error { return nil }
