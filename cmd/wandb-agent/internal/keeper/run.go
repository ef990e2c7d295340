package keeper

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"
)

// Run starts the command, keeps it, and returns when it has ended, its output
// is forwarded and logged, and the run is finished or given up. An error means
// that the command was never started: a *StartError says with what code to
// exit. Everything else is in the Result. The end of ctx sends the command
// SIGTERM, once. Run catches this process's signals while it runs, so only
// one Run may be running.
func Run(ctx context.Context, cfg Config) (Result, error) {
	cfg.setDefaults()
	if cfg.Console == nil || cfg.Stdin == nil || cfg.Stdout == nil || cfg.Stderr == nil {
		return Result{}, errors.New("run command: console and standard files are needed")
	}
	path, err := Resolve(cfg.Argv, cfg.Env)
	if err != nil {
		return Result{}, err
	}
	caught, release := catchSignals()
	defer release()
	cmd, err := startCommand(&cfg, path)
	if err != nil {
		return Result{}, err
	}
	if cfg.Started != nil {
		cfg.Started(cmd.started)
	}
	k := newKept(&cfg, cmd)
	defer k.close()
	return k.run(ctx, caught), nil
}

// kept is a running command with everything around it.
type kept struct {
	cfg        *Config
	cmd        *command
	term       *terminal // nil without a terminal of the command's own
	relay      *relay
	supervisor *supervisor
	forwarder  forwarder
	hurry      *hurry
}

func newKept(cfg *Config, cmd *command) *kept {
	outs := newOutputs(cfg.Stdout, cfg.Stderr)
	k := &kept{cfg: cfg, cmd: cmd, hurry: newHurry()}
	if cmd.master != nil {
		k.term = newTerminal(cfg, cmd.master)
	}
	k.supervisor = &supervisor{
		cfg: cfg, outs: outs, witness: newWitness(cfg.SignalPatience), ended: make(chan struct{}),
		consoles: slices.Clone(cmd.consoles), hurry: k.hurry.now,
		stop: func() { cmd.signal(syscall.SIGTERM) },
		spec: WorkerSpec{
			RunDir: cfg.RunDir, RunID: cfg.RunID, Settings: cfg.Settings, Argv: cfg.Argv,
			PID: cmd.started.PID, StartTicks: cmd.started.StartTicks,
			Started: cmd.started.Time, Terminal: cmd.started.Terminal,
		},
	}
	q := newQueue(cfg.LogQueueBytes, cfg.LogPatience)
	k.relay = newRelay(cmd.consoles, outs, cfg.Console, q, k.supervisor.hangUp)
	k.forwarder = forwarder{cmd: cmd, term: k.term, witness: k.supervisor.witness, hurry: k.hurry, tty: cfg.Stdin, told: cfg.Signaled}
	return k
}

// run is the life of the command. The order at the end matters: the log must
// hold everything before the worker is told to fold it in, and the worker takes
// its last sample before the kernel forgets what the command has used.
func (k *kept) run(ctx context.Context, caught <-chan os.Signal) Result {
	if k.term != nil {
		k.term.attach()
	}
	quiet := make(chan struct{})
	defer close(quiet)
	go k.forwarder.run(caught, quiet)
	stop := context.AfterFunc(ctx, func() { k.cmd.signal(syscall.SIGTERM) })
	defer stop()
	k.relay.start()
	finished := k.supervise()

	status := k.cmd.wait()
	k.hurry.commandEnded()
	k.relay.drain()
	if k.term != nil {
		k.term.restore()
	}
	res := Result{Status: status, Started: k.cmd.started, Unsent: k.relay.unsent()}
	res.LogLost, res.Log = k.relay.finish(k.cfg.LogPatience)
	if k.cfg.Finish != nil {
		if err := k.cfg.Finish(status); res.Log == nil {
			res.Log = err
		}
	}
	k.cfg.WorkerPatience += k.relay.foldTime() // read once finish was called
	k.supervisor.finish(status)
	res.Worker = <-finished
	k.cmd.collect()
	res.Restarts, res.Said = k.supervisor.restarts(), k.supervisor.lines()
	return res
}

// supervise runs the worker beside the command, if there is to be one.
func (k *kept) supervise() <-chan error {
	finished := make(chan error, 1)
	if k.cfg.Worker == nil {
		finished <- nil
		return finished
	}
	go func() { finished <- k.supervisor.run() }()
	return finished
}

func (k *kept) close() {
	if k.term != nil {
		k.term.restore()
	}
	k.cmd.close()
}
