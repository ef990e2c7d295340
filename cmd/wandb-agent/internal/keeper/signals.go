package keeper

import (
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Signals
//
// With a terminal of its own the command is in a session of its own: no signal
// to us or to our process group reaches it, so all are passed on, to its group.
// Ctrl-C is a key there and goes through the terminal; Ctrl-Z stops nothing,
// since nobody in that session could continue the command.
//
// Otherwise the command stays in our process group, so that whoever signals
// the group (a shell, timeout(1), a scheduler, with SIGKILL too) reaches it as
// if we were not there. Then a signal that came to the whole group must not be
// passed on, since programs take a second SIGINT as "now, without saving",
// while one that came to us alone must be. The kernel does not tell which it
// was, but the worker is in the group as well: if it got the same signal
// within SignalPatience, the command did too. While no worker can tell, Ctrl-C
// and Ctrl-\ in the foreground of a terminal are taken to have reached the
// command, and everything else is passed on.
//
// SIGTSTP is not caught: Ctrl-Z stops us with the command. SIGHUP and SIGINT
// that were ignored when we were started (nohup) stay ignored, here and in the
// command.

var forwarded = []os.Signal{
	syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT,
	syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGCONT,
}

// catchSignals makes us survive what we pass on, and SIGPIPE, which becomes an
// error of write. Call it before the command is started: what arrives in
// between waits in the channel.
func catchSignals() (caught chan os.Signal, stop func()) {
	caught = make(chan os.Signal, 64)
	for _, s := range forwarded {
		if !signal.Ignored(s) {
			signal.Notify(caught, s)
		}
	}
	signal.Notify(caught, syscall.SIGWINCH)
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	return caught, func() { signal.Stop(caught); signal.Stop(pipe) }
}

// forwarder passes signals on.
type forwarder struct {
	cmd     *command
	term    *terminal // nil without a terminal of the command's own
	witness *witness
	hurry   *hurry
	tty     *os.File        // our stdin, which may be the terminal that we share
	told    func(os.Signal) // Config.Signaled; may be nil
}

func (f *forwarder) run(caught <-chan os.Signal, done <-chan struct{}) {
	for {
		select {
		case s := <-caught:
			f.handle(s.(syscall.Signal))
		case <-done:
			return
		}
	}
}

func (f *forwarder) handle(s syscall.Signal) {
	f.hurry.signal(s)
	if f.told != nil {
		go f.told(s)
	}
	switch {
	case f.term != nil && s == syscall.SIGWINCH:
		copySize(f.term.out, f.term.master)
	case s == syscall.SIGWINCH: // the kernel tells the whole group
	case f.term != nil:
		if s == syscall.SIGCONT {
			f.term.attach()
		}
		f.cmd.signal(s)
	case s == syscall.SIGCONT: // harmless when it comes twice
		f.cmd.signal(s)
	default:
		go f.ask(s)
	}
}

// ask passes on a signal that the command does not have yet.
func (f *forwarder) ask(s syscall.Signal) {
	sent, known := f.witness.wait(s)
	if !known {
		key := s == syscall.SIGINT || s == syscall.SIGQUIT
		sent = key && isTerminal(f.tty) && foreground(f.tty)
	}
	if !sent {
		f.cmd.signal(s)
	}
}

// witness knows which signals came to our whole process group.
type witness struct {
	patience time.Duration // see Config.SignalPatience

	mu    sync.Mutex
	state workerState
	seen  []report
	news  chan struct{} // closed and replaced when the others change
}

// workerState is what a worker can tell of signals.
type workerState uint8

const (
	noWorker   workerState = iota
	starting               // it dies of a signal, or reports it once it is ready
	witnessing             // it reports every signal
)

type report struct {
	signal syscall.Signal
	at     time.Time
	used   bool // it has answered for a signal of ours
}

func newWitness(patience time.Duration) *witness {
	return &witness{patience: patience, news: make(chan struct{})}
}

func (w *witness) set(state workerState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = state
	close(w.news)
	w.news = make(chan struct{})
}

func (w *witness) report(s syscall.Signal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, report{signal: s, at: time.Now()})
	close(w.news)
	w.news = make(chan struct{})
}

// wait reports whether the group got s, too. known is false if no worker
// could tell.
func (w *witness) wait(s syscall.Signal) (group, known bool) {
	t := time.NewTimer(w.patience)
	defer t.Stop()
	asked := time.Now()
	for {
		w.mu.Lock()
		group = w.take(s, asked)
		state, news := w.state, w.news
		w.mu.Unlock()
		if group {
			return true, true
		}
		if state == noWorker {
			return false, false
		}
		select {
		case <-news:
		case <-t.C:
			return false, state == witnessing
		}
	}
}

// take looks for a report of s that is not stale: one that nobody used yet, or
// one that came after s had reached us. The second kind may serve several:
// signals that a busy worker has not taken yet become one. The caller holds mu.
func (w *witness) take(s syscall.Signal, asked time.Time) bool {
	w.seen = slices.DeleteFunc(w.seen, func(r report) bool { return time.Since(r.at) > w.patience })
	for i := range w.seen {
		r := &w.seen[i]
		if r.signal == s && (!r.used || r.at.After(asked)) {
			r.used = true
			return true
		}
	}
	return false
}
