package runlog

import (
	"log/slog"
	"time"
)

// notice is something to log once the lock is free.
type notice struct {
	level slog.Level
	text  string
	err   error
}

// retryAfter is how long a failed write rests before it is tried again.
const retryAfter = time.Second

// await returns when the file holds everything up to offset pos, or when the
// file is too slow for waiting. Called with mu held; it lets go of it while
// it writes or waits.
func (w *Writer) await(pos int64) {
	var start time.Time
	for w.flushed < pos && !w.stalled && !w.failing && !w.closed {
		if !w.handoff && !w.busy {
			w.lead()
			continue
		}
		if w.handoff {
			signal(w.wake)
		}
		switch {
		case start.IsZero():
			start = time.Now()
		case time.Since(start) >= w.opts.StallBound:
			return
		}
		w.wait()
	}
}

// wait blocks until a write ends or the watchdog looks, which it does every
// quarter of StallBound while somebody waits.
func (w *Writer) wait() {
	w.waiters++
	if !w.watching {
		w.watching = true
		w.watch.Reset(w.opts.StallBound / 4)
	}
	w.cond.Wait()
	w.waiters--
}

// look is the watchdog: it wakes the waiters so that they can see the clock,
// and declares a stall when the write in flight is too old.
func (w *Writer) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy && time.Since(w.since) >= w.opts.StallBound {
		w.stalled = true
		w.slow()
	}
	w.cond.Broadcast()
	if w.watching = w.waiters > 0 && !w.stalled; w.watching {
		w.watch.Reset(w.opts.StallBound / 4)
	}
}

// slow moves the log to hand-off for good.
func (w *Writer) slow() {
	if !w.handoff {
		w.handoff = true
		w.say(slog.LevelWarn, "run log stalls: from now on rows may wait in memory", nil)
	}
}

// lead writes the whole queue. Called with mu held, not busy; mu is free
// during the write itself.
func (w *Writer) lead() {
	w.flight, w.queue = w.queue, batch{buf: w.spare[:0]}
	w.spare = nil
	w.busy, w.since = true, time.Now()
	buf, at, cut := w.flight.buf, w.flushed, w.cut
	w.mu.Unlock()
	var n int
	var err error
	if cut {
		err = w.file.Truncate(at)
	}
	if err == nil && len(buf) > 0 {
		n, err = w.file.WriteAt(buf, at)
	}
	w.mu.Lock()
	w.land(n, err)
}

// land takes note of what a write achieved. What is not in the file goes back
// to the head of the queue, from a record boundary on: the retry writes the
// same bytes to the same place, so no half record can stay in the middle.
func (w *Writer) land(n int, err error) {
	if time.Since(w.since) > w.opts.StallBound {
		w.stalls++
		w.slow()
	}
	w.busy, w.stalled = false, false
	if err != nil {
		w.failed(n, err)
	} else {
		w.cut = false
		w.flushed += int64(len(w.flight.buf))
		w.written += w.flight.records
		if w.failing {
			w.say(slog.LevelInfo, "run log takes data again", nil)
		}
		w.failing, w.failure = false, nil
		if cap(w.flight.buf) <= 1<<20 { // what a stall piled up is not kept
			w.spare = w.flight.buf
		}
		w.flight = batch{}
		w.touch()
	}
	if w.waiters > 0 {
		w.cond.Broadcast()
	}
	if len(w.queue.buf) > 0 && (w.handoff || w.failing || w.waiters == 0) || len(w.unsaid) > 0 {
		signal(w.wake)
	}
}

func (w *Writer) failed(n int, err error) {
	size, records := 0, int64(0)
	if w.flushed == 0 { // the file header comes before the first record
		n = 0
	}
	size, records = wholeRecords(w.flight.buf[:n], w.flushed)
	w.flushed += int64(size)
	w.written += records
	rest := w.flight.buf[size:]
	w.queue.buf = append(rest[:len(rest):len(rest)], w.queue.buf...)
	w.queue.records += w.flight.records - records
	w.flight = batch{}
	w.failures++
	if !w.failing {
		w.say(slog.LevelWarn, "run log cannot be written: rows wait in memory and are tried again every second", err)
	}
	w.failing, w.failure = true, err
}

// touch tells the syncer of data that is not on stable storage yet.
func (w *Writer) touch() {
	if !w.isDirty {
		w.isDirty = true
		signal(w.dirty)
	}
}

func (w *Writer) say(level slog.Level, text string, err error) {
	w.unsaid = append(w.unsaid, notice{level, text, err})
	signal(w.wake)
}

// signal wakes a loop without waiting for it.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
