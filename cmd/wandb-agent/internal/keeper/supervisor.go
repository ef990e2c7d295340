package keeper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"
)

const (
	steadyAfter = time.Minute // a worker that lived so long resets the back-off
	hangUpWait  = 2 * time.Second
)

// errHung is a worker that was killed because it did not finish in time.
var errHung = errors.New("worker did not finish in time")

// supervisor keeps a worker running until the command has ended, and then has
// it finish the run.
type supervisor struct {
	cfg     *Config
	spec    WorkerSpec
	outs    [2]*output
	witness *witness
	ended   chan struct{}   // closed when final is set
	hurry   <-chan struct{} // closed when the worker has to finish at once
	stop    func()          // asks the command to end

	mu       sync.Mutex
	consoles []*console // still open
	current  *worker    // nil between two
	final    *Status
	attempts int
	said     []string
}

// worker is one worker process.
type worker struct {
	cmd    *exec.Cmd
	link   *link
	born   time.Time
	closed chan int // descriptors that it has closed, by request
	dead   chan struct{}
	err    error // how it ended; valid after dead
}

// run returns when the run is finished, or when nothing more can be done for it.
func (s *supervisor) run() error {
	backoff := s.cfg.MinBackoff
	for {
		w, err := s.start()
		if err == nil {
			err = s.watch(w)
			if s.hasEnded() && err == nil {
				return nil
			}
			if time.Since(w.born) >= steadyAfter {
				backoff = s.cfg.MinBackoff
			}
		}
		if s.hasEnded() {
			return s.finishWithAnother(err)
		}
		select {
		case <-s.ended:
		case <-time.After(backoff):
			backoff = min(2*backoff, s.cfg.MaxBackoff)
		}
	}
}

// finishWithAnother gives the run one more worker after one that died; after
// one that hung there is no use.
func (s *supervisor) finishWithAnother(err error) error {
	if errors.Is(err, errHung) {
		return err
	}
	w, startErr := s.start()
	if startErr != nil {
		return startErr
	}
	return s.watch(w)
}

// start starts a worker and tells it what to do.
func (s *supervisor) start() (*worker, error) {
	l, theirs, err := socketpair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	w := &worker{cmd: s.cfg.Worker(), link: l, closed: make(chan int, 4), dead: make(chan struct{})}
	if err := s.launch(w, theirs); err != nil {
		l.close()
		return nil, fmt.Errorf("start worker: %w", err)
	}
	go s.listen(w)
	return w, nil
}

// launch starts the process with the consoles that are open now. Until it has
// been told what it is for, the lock keeps others from talking to it and hangUp
// from missing a console that is being inherited.
func (s *supervisor) launch(w *worker, socket *os.File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spec.Attempt = s.attempts
	w.cmd.ExtraFiles = s.spec.inherit(socket, s.consoles, s.outs)
	if err := w.cmd.Start(); err != nil {
		return err
	}
	socket.Close()
	s.witness.set(starting)
	w.born = time.Now()
	s.attempts++
	s.current = w
	// What cannot be sent is not our concern: then the worker is dead, and
	// whoever watches it sees that.
	w.link.send(message{Spec: &s.spec})
	if s.final != nil {
		w.link.send(message{Exited: s.final})
	}
	return nil
}

// listen takes what the worker says until it is dead, and collects it.
func (s *supervisor) listen(w *worker) {
	for {
		m, err := w.link.receive()
		if err != nil {
			break
		}
		switch {
		case m.Ready:
			s.witness.set(witnessing)
		case m.Signal != 0:
			s.witness.report(m.Signal)
		case m.Close != 0:
			w.closed <- m.Close
		case m.Stop:
			s.stop()
		case m.Say != "":
			s.note(m.Say)
		}
	}
	s.witness.set(noWorker)
	w.err = w.cmd.Wait()
	s.mu.Lock()
	s.current = nil
	s.mu.Unlock()
	close(w.dead)
	w.link.close()
}

// watch waits for the worker's death. Once the command has ended the worker
// has WorkerPatience to finish, and much less once somebody waits for that.
func (s *supervisor) watch(w *worker) error {
	select {
	case <-w.dead:
		return w.err
	case <-s.ended:
	}
	patience, hurry := s.cfg.WorkerPatience, s.hurry
	t := time.NewTimer(patience)
	defer t.Stop()
	for {
		select {
		case <-w.dead:
			return w.err
		case <-hurry:
			w.link.send(message{Hurry: true})
			patience, hurry = hurryPatience, nil
			t.Reset(patience)
		case <-t.C:
			w.cmd.Process.Kill()
			<-w.dead
			return fmt.Errorf("%w (%v)", errHung, patience)
		}
	}
}

// note keeps a line of a worker for the end, once.
func (s *supervisor) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.said, line) {
		s.said = append(s.said, line)
	}
}

// lines returns what workers have said.
func (s *supervisor) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said
}

func (s *supervisor) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// finish tells the worker, this one or the next, how the command ended.
func (s *supervisor) finish(st Status) {
	s.mu.Lock()
	s.final = &st
	w := s.current
	s.mu.Unlock()
	close(s.ended)
	if w != nil {
		w.link.send(message{Exited: &st})
	}
}

// hangUp closes a console here and in the worker, so that the command gets
// SIGPIPE when it writes there. A worker that does not answer is killed: as
// long as it holds the pipe, the command would fill it and wait.
func (s *supervisor) hangUp(c *console) {
	s.mu.Lock()
	c.file.Close()
	i := slices.Index(s.consoles, c)
	s.consoles = slices.Delete(s.consoles, i, i+1)
	w := s.current
	fd := 0
	for _, in := range s.spec.Consoles {
		if in.Stderr == c.stderr {
			fd = in.FD
		}
	}
	s.mu.Unlock()
	if w == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), hangUpWait)
	defer cancel()
	w.link.send(message{Close: fd})
	for {
		select {
		case got := <-w.closed:
			if got == fd {
				return
			}
		case <-w.dead:
			return
		case <-ctx.Done():
			w.cmd.Process.Kill()
			return
		}
	}
}

func (s *supervisor) restarts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(0, s.attempts-1)
}
