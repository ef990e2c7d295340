package runapi

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/rank"
)

// signalGrace is how long a run that a signal ends goes on sending.
const signalGrace = 5 * time.Second

// signalWatch finishes the runs that asked for it (Settings.HandleSignals) when
// the process is told to end.
type signalWatch struct {
	mu   sync.Mutex // guards what follows
	runs []*Run
	stop chan struct{} // closed when the last run is gone; nil: nobody watches
}

var signals signalWatch

// add lets a signal finish r.
func (w *signalWatch) add(r *Run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.runs = append(w.runs, r)
	if w.stop != nil {
		return
	}
	caught := make(chan os.Signal, 8)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		if !signal.Ignored(s) { // nohup
			signal.Notify(caught, s)
		}
	}
	stop := make(chan struct{})
	w.stop = stop
	go w.run(caught, stop) // ends with the last run, or with the process
}

// remove leaves r to others.
func (w *signalWatch) remove(r *Run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.runs = slices.DeleteFunc(w.runs, func(o *Run) bool { return o == r })
	if len(w.runs) == 0 && w.stop != nil {
		close(w.stop)
		w.stop = nil
	}
}

func (w *signalWatch) run(caught chan os.Signal, stop chan struct{}) {
	defer signal.Stop(caught)
	select {
	case <-stop:
	case s := <-caught:
		w.end(s, caught)
		signal.Stop(caught)
		raise(s)
	}
}

// end finishes all runs as ended by s. The next signal cuts the sending short.
func (w *signalWatch) end(s os.Signal, caught <-chan os.Signal) {
	ctx, cancel := context.WithTimeout(context.Background(), signalGrace)
	defer cancel()
	go func() { // ends with ctx
		select {
		case <-caught:
			cancel()
		case <-ctx.Done():
		}
	}()
	w.mu.Lock()
	runs := slices.Clone(w.runs)
	w.mu.Unlock()
	var wg sync.WaitGroup
	for _, r := range runs {
		wg.Go(func() { r.endBySignal(ctx, s) })
	}
	wg.Wait()
}

// endBySignal finishes the run, or waits for whoever does.
func (r *Run) endBySignal(ctx context.Context, s os.Signal) {
	number, _ := s.(syscall.Signal)
	if s == syscall.SIGTERM && rank.Preemptible(environMap(r.set.Environ)) {
		r.logError("preemption not stored", r.MarkPreempting())
	}
	err := r.FinishContext(ctx, Exit{Code: 128 + int(number), Signal: int(number)})
	if errors.Is(err, ErrFinished) {
		select {
		case <-r.ended:
		case <-ctx.Done():
		}
		return
	}
	r.logError("run ended by a signal", err)
}

// raise sends s to this process again: its own handlers get it, or the default
// action ends the process.
func raise(s os.Signal) {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Signal(s) // a process may always signal itself
	}
}
