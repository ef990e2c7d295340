package keeper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wandb-agent/wandb-agent/collectors/host/pidwatch"
)

// Worker is the worker's end of the socket to its keeper.
type Worker struct {
	Spec WorkerSpec

	link     *link
	consoles []*console
	outs     [2]*output
	process  *pidwatch.Process // the command; nil if it could not be opened any more
	closed   chan struct{}
	hurry    chan struct{} // closed when the keeper wants an end
}

// Ending is why a worker has to finish its run.
type Ending struct {
	Status Status
	// KeeperGone: the keeper died, the status comes from the kernel as far as
	// it told us, and Wait has written the rest of the console. Nobody but
	// this worker writes the exit record.
	KeeperGone bool
	Log        error // first error of the console's log after KeeperGone
	LogLost    int64 // bytes that it lacks
}

// Attach takes up the socket and the files that a worker process has
// inherited, and waits for its spec. From then on the process survives the
// signals of its process group, which belong to the command.
func Attach() (*Worker, error) {
	unix.CloseOnExec(WorkerFD)
	w := &Worker{link: newLink(pollable(WorkerFD, "keeper")), closed: make(chan struct{}), hurry: make(chan struct{})}
	w.link.file.SetReadDeadline(time.Now().Add(sendTimeout))
	m, err := w.link.receive()
	if err == nil && m.Spec == nil {
		err = errors.New("the first message is another")
	}
	if err != nil {
		w.link.close()
		return nil, fmt.Errorf("read worker spec: %w", err)
	}
	w.link.file.SetReadDeadline(time.Time{})
	w.Spec = *m.Spec
	for _, c := range w.Spec.Consoles {
		unix.CloseOnExec(c.FD)
		w.consoles = append(w.consoles, &console{pollable(c.FD, "console"), c.Stderr, c.Terminal})
	}
	unix.CloseOnExec(w.Spec.Stdout)
	unix.CloseOnExec(w.Spec.Stderr)
	w.outs = newOutputs(os.NewFile(uintptr(w.Spec.Stdout), "stdout"), os.NewFile(uintptr(w.Spec.Stderr), "stderr"))
	w.process, _ = pidwatch.OpenAt(w.Spec.PID, w.Spec.StartTicks)
	w.witness()
	return w, nil
}

// Wait returns when the command has ended and its keeper's log is complete, or
// when the keeper is gone and the command has ended. In the second case it
// copies what the command goes on printing to where it went before and to the
// console that open returns; open is called at most once. The error is that of
// ctx.
func (w *Worker) Wait(ctx context.Context, open func() (Console, error)) (Ending, error) {
	// The end of ctx ends receive.
	unblock := context.AfterFunc(ctx, func() { w.link.file.SetReadDeadline(past) })
	defer unblock()
	for {
		m, err := w.link.receive()
		switch {
		case ctx.Err() != nil:
			return Ending{}, ctx.Err()
		case err != nil:
			return w.takeOver(ctx, open)
		case m.Exited != nil:
			unblock()
			go w.awaitHurry()
			return Ending{Status: *m.Exited}, nil
		case m.Close != 0:
			w.closeConsole(m.Close)
		}
	}
}

// awaitHurry listens for the keeper's impatience until Close.
func (w *Worker) awaitHurry() {
	for {
		m, err := w.link.receive()
		if err != nil {
			return
		}
		if m.Hurry {
			close(w.hurry)
			return
		}
	}
}

// Hurry returns a channel that is closed, after Wait, when the run is to be
// finished at once: the keeper kills the worker soon.
func (w *Worker) Hurry() <-chan struct{} { return w.hurry }

// Say gives the keeper a line for the user, which it hands on when the command
// has ended. A keeper that is gone tells nobody.
func (w *Worker) Say(line string) { w.link.send(message{Say: line}) }

// StopCommand has the keeper send the command SIGTERM.
func (w *Worker) StopCommand() { w.link.send(message{Stop: true}) }

// witness tells the keeper, until Close, which signals came to our process
// group. They stay caught after that: a process that is finishing the run must
// not die of them.
func (w *Worker) witness() {
	caught := make(chan os.Signal, 64)
	signal.Notify(caught, forwarded...)
	w.link.send(message{Ready: true})
	go func() {
		for {
			select {
			case s := <-caught:
				w.link.send(message{Signal: s.(syscall.Signal)})
			case <-w.closed:
				return
			}
		}
	}()
}

func (w *Worker) closeConsole(fd int) {
	for i, c := range w.Spec.Consoles {
		if c.FD == fd {
			w.consoles[i].file.Close()
		}
	}
	w.link.send(message{Close: fd})
}

// takeOver does what the keeper would have done to the end of the command.
func (w *Worker) takeOver(ctx context.Context, open func() (Console, error)) (Ending, error) {
	e := Ending{KeeperGone: true}
	to, err := open()
	if err != nil {
		e.Log, to = err, discard{}
	}
	var cfg Config
	cfg.setDefaults()
	r := newRelay(w.consoles, w.outs, to, newQueue(cfg.LogQueueBytes, cfg.LogPatience), func(c *console) { c.file.Close() })
	r.start()
	e.Status, err = w.waitCommand(ctx)
	r.drain()
	lost, logErr := r.finish(cfg.LogPatience)
	e.LogLost = lost
	if e.Log == nil {
		e.Log = logErr
	}
	return e, err
}

// waitCommand waits for a process that is not our child.
func (w *Worker) waitCommand(ctx context.Context) (Status, error) {
	if w.process == nil {
		return Status{Source: "it could not be watched"}, nil
	}
	return w.process.Wait(ctx)
}

// Close lets go of everything that was inherited. The keeper sees the worker's
// death, not this.
func (w *Worker) Close() error {
	close(w.closed)
	if w.process != nil {
		w.process.Close()
	}
	for _, c := range w.consoles {
		c.file.Close()
	}
	w.link.close()
	return nil
}

// discard is the console of a worker that could not open a log.
type discard struct{}

func (discard) Output(bool, int64, []byte) error { return nil }
