package keeper

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// tailWait is how long the log waits for the end of a line.
const tailWait = 500 * time.Millisecond

// errTooSlow is a log that did not keep up with the command.
var errTooSlow = errors.New("write console log: too slow for what the command printed")

// logger moves the console from the queue to the log. Its goroutine owns
// everything but what mu guards.
type logger struct {
	q       *queue
	to      Console
	streams [2]lines // stdout, stderr
	done    chan struct{}

	mu     sync.Mutex
	err    error // the first
	failed int64 // bytes that Output refused
	busy   int64 // bytes of the block in hand
}

func newLogger(q *queue, to Console) *logger {
	l := &logger{q: q, to: to, done: make(chan struct{})}
	l.streams[0].emit = func(at int64, text []byte) { l.output(false, at, text) }
	l.streams[1].emit = func(at int64, text []byte) { l.output(true, at, text) }
	return l
}

// run ends when the queue is closed and everything is handed on.
func (l *logger) run() {
	defer close(l.done)
	for {
		idle := time.Duration(0)
		if l.streams[0].pending() || l.streams[1].pending() {
			idle = tailWait
		}
		b, ok := l.q.take(idle)
		if !ok {
			break
		}
		if b == nil {
			l.flush(false)
			continue
		}
		l.setBusy(int64(len(b.buf)))
		l.write(b)
		l.setBusy(0)
		l.q.recycle(b)
		l.flushOld(time.Now().UnixNano())
	}
	l.flush(true)
}

func (l *logger) write(b *block) {
	start := 0
	for _, e := range b.entries {
		text := b.buf[start:e.end]
		start = e.end
		switch {
		case e.lost > 0:
			l.mark(e.at, e.lost)
		case e.stderr:
			l.streams[1].add(e.at, text)
		default:
			l.streams[0].add(e.at, text)
		}
	}
}

// mark says in the log that bytes are missing here.
func (l *logger) mark(at, lost int64) {
	l.flush(true)
	l.output(true, at, fmt.Appendf(nil, "\nwandb-agent: %d bytes of console output are not in this log: it was too slow\n", lost))
}

func (l *logger) flush(final bool) {
	l.streams[0].flush(final)
	l.streams[1].flush(final)
}

// flushOld hands on a line that has not ended for too long while the other
// stream keeps us busy.
func (l *logger) flushOld(now int64) {
	for i := range l.streams {
		if s := &l.streams[i]; s.pending() && now-s.at >= int64(tailWait) {
			s.flush(false)
		}
	}
}

func (l *logger) output(stderr bool, at int64, text []byte) {
	err := l.to.Output(stderr, at, text)
	if err == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed += int64(len(text))
	if l.err == nil {
		l.err = err
	}
}

func (l *logger) setBusy(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = n
}

// finish closes the queue and waits until the log has everything, for at most
// patience. It returns how many bytes the log lacks and its first error.
func (l *logger) finish(patience time.Duration) (lost int64, err error) {
	unsaid := l.q.close()
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-l.done:
		if unsaid > 0 {
			l.mark(time.Now().UnixNano(), unsaid)
		}
	case <-t.C:
		lost = l.q.waiting()
		err = fmt.Errorf("write console log: not done after %v", patience)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		lost += l.busy
	} else {
		err = l.err
	}
	dropped := l.q.lostBytes()
	if err == nil && dropped > 0 {
		err = errTooSlow
	}
	return lost + l.failed + dropped, err
}
