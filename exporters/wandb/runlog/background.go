package runlog

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"
)

// flushLoop writes what callers left in the queue because the file stalls or
// fails. It ends after a last try when stop is closed.
func (w *Writer) flushLoop() {
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	retry.Stop()
	for {
		stopping := false
		select {
		case <-w.wake:
		case <-retry.C:
			w.retry()
		case <-w.stop:
			stopping = true
		}
		if w.flush(stopping); stopping {
			return
		}
		w.mu.Lock()
		if w.failing {
			retry.Reset(retryAfter)
		}
		w.mu.Unlock()
	}
}

// retry makes flush try again although the last write failed.
func (w *Writer) retry() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failing && !w.busy {
		w.lead()
	}
}

// flush writes what waits in the queue, then says what happened. A last flush waits for the write in flight and tries a failing
// file once more.
func (w *Writer) flush(last bool) {
	w.mu.Lock()
	for last && w.busy {
		w.wait()
	}
	if last && (len(w.queue.buf) > 0 || w.cut) {
		w.lead()
	}
	for !w.busy && !w.failing && (len(w.queue.buf) > 0 || w.cut) {
		w.lead()
	}
	unsaid := w.unsaid
	w.unsaid = nil
	w.mu.Unlock()
	for _, n := range unsaid {
		attrs := []slog.Attr{slog.String("path", w.path)}
		if n.err != nil {
			attrs = append(attrs, slog.Any("error", n.err))
		}
		w.opts.Logger.LogAttrs(context.Background(), n.level, n.text, attrs...)
	}
}

// syncLoop calls fdatasync at most once per Options.Sync and only when
// something was written. It ends when stop is closed.
func (w *Writer) syncLoop() {
	period := time.NewTimer(time.Hour)
	defer period.Stop()
	first := true
	for {
		select {
		case <-w.dirty:
		case <-w.stop:
			return
		}
		period.Reset(w.opts.Sync)
		select {
		case <-period.C:
		case <-w.stop:
			return
		}
		if first { // the new name itself must survive a power loss too
			first = false
			_ = syncDir(filepath.Dir(w.path)) // not every file system can
		}
		w.datasync()
	}
}

// datasync brings what is written to stable storage. One failure is for good:
// the kernel forgets which pages it could not write, so a later success says
// nothing about them.
func (w *Writer) datasync() error {
	w.syncing.Lock()
	defer w.syncing.Unlock()
	w.mu.Lock()
	target := w.flushed
	w.isDirty = false
	w.mu.Unlock()
	err := w.file.Datasync()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.syncErrs++
		if w.syncErr == nil {
			w.syncErr = fmt.Errorf("sync run log %s: %w", w.path, err)
			w.say(slog.LevelWarn, "run log cannot be synced: a power failure may lose it", err)
		}
	}
	if w.syncErr == nil {
		w.synced = max(w.synced, target)
	}
	return w.syncErr
}

// Sync returns nil when every record accepted so far is on stable storage. It
// takes as long as the disk needs; a file that stalls or fails at writing is
// not waited for. After one failed sync it always returns that error.
func (w *Writer) Sync() error {
	w.mu.Lock()
	target := w.end
	w.await(target)
	flushed, failure := w.flushed, w.failure
	closed := w.closed
	w.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case flushed < target && failure != nil:
		return fmt.Errorf("sync run log %s: %w: %w", w.path, ErrNotWritten, failure)
	case flushed < target:
		return fmt.Errorf("sync run log %s: %w", w.path, ErrNotWritten)
	}
	return w.datasync()
}
