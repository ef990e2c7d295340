package runlog

import (
	"errors"
	"os"
	"time"
)

// reclaimAt is the size from which the side file is emptied even if that
// needs an fdatasync of the log first.
const reclaimAt = 4 << 20

// OpenSteps is the side file for steps that are still being put together: the
// values given so far, so that no crash loses them. It has the framing of the
// log; each record is a history record with some of the items of its step. Parts of
// a step that the log holds count for nothing, so it is never wrong to leave
// them in the file for a while.
//
// One goroutine at a time may use it.
type OpenSteps struct {
	w       *Writer
	log     *Writer // set while everything in the file is accepted by log
	settled int64   // offset in log after the last row that came from here
	start   int64   // size of the empty file
	limit   int64   // size from which reclaim asks for an fdatasync
}

// CreateOpenSteps makes the side file of a run. It fails if there is one:
// [Repair] folds in what a crashed writer has left and removes it.
func CreateOpenSteps(path string, o Options) (*OpenSteps, error) {
	w, err := Create(path, o)
	if err != nil {
		return nil, err
	}
	return &OpenSteps{w: w, start: w.position(), limit: reclaimAt}, nil
}

// Append keeps values of a step that is not finished, with the times of this
// call. As with [Writer.Row], they are in the kernel when it returns nil, or
// counted as pending. It does not allocate.
func (s *OpenSteps) Append(r *Row) error {
	if err := s.reclaim(false); err != nil {
		return err
	}
	return s.w.Row(r)
}

// Reset tells that log has accepted the rows of all the steps in the file.
// Their space is used again once log has them on stable storage: a power
// failure must not find them in neither file.
func (s *OpenSteps) Reset(log *Writer) {
	s.log, s.settled = log, log.position()
}

// reclaim empties the file if nothing in it is needed any more.
func (s *OpenSteps) reclaim(now bool) error {
	if s.log == nil || s.w.position() == s.start {
		s.log = nil
		return nil
	}
	c := s.log.Counters()
	if c.SyncedBytes < s.settled && c.SyncErrors == 0 && (now || s.w.position() > s.limit) {
		if s.log.syncWithin(s.log.opts.StallBound) {
			c.SyncedBytes, s.limit = s.settled, reclaimAt
		} else {
			s.limit = 2 * s.w.position() // a slow disk must not hold up every call
		}
	}
	if c.SyncedBytes < s.settled {
		s.log = nil // steps that begin now stand behind those that are done
		return nil
	}
	s.log = nil
	return s.w.rewind(s.start)
}

// Counters says how the side file fares.
func (s *OpenSteps) Counters() Counters { return s.w.Counters() }

// Close ends the side file and removes it if no step is open.
func (s *OpenSteps) Close() error {
	err := s.reclaim(true)
	empty := s.w.position() == s.start
	if err = errors.Join(err, s.w.Close()); err == nil && empty {
		err = os.Remove(s.w.path)
	}
	return err
}

// position is the file offset after the last record accepted.
func (w *Writer) position() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.end
}

// rewind throws away everything after offset pos, also what still waits.
func (w *Writer) rewind(pos int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	for w.busy && !w.stalled {
		w.wait()
	}
	if w.busy { // the write in flight cannot be called back: go on behind it
		return nil
	}
	w.queue.buf, w.queue.records = w.queue.buf[:0], 0
	w.end, w.flushed, w.cut = pos, pos, true
	w.synced = min(w.synced, pos)
	if !w.handoff && !w.failing {
		w.lead()
		return nil
	}
	signal(w.wake)
	return nil
}

// syncWithin says whether everything accepted so far got to stable storage in
// the given time. The sync goes on by itself if not.
func (w *Writer) syncWithin(bound time.Duration) bool {
	done := make(chan bool, 1)
	go func() { done <- w.Sync() == nil }() // ends when the kernel answers
	timeout := time.NewTimer(bound)
	defer timeout.Stop()
	select {
	case ok := <-done:
		return ok
	case <-timeout.C:
		return false
	}
}
