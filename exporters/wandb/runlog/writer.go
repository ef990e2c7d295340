package runlog

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

var (
	// ErrClosed means that the writer was closed before the call.
	ErrClosed = errors.New("run log is closed")
	// ErrFull means that a record was refused: the file does not take data
	// and the records that wait for it fill Options.MaxPending.
	ErrFull = errors.New("run log does not take data and the memory for waiting records is full")
	// ErrNotWritten means that records still wait in memory.
	ErrNotWritten = errors.New("records are not on disk")
)

// Options of a [Writer]. The zero value works.
type Options struct {
	Sync       time.Duration // how long a record may wait for fdatasync; default 1 s
	StallBound time.Duration // how long a call waits for a slow file; default 200 ms
	CloseBound time.Duration // how long Close waits for a file that does not answer; default 2 s
	MaxPending int64         // bytes of records that may wait in memory; default 64 MiB
	Version    string        // of the program: the header record says wandb-agent/<Version>
	Logger     *slog.Logger  // nil: silent

	// File, if set, is put between the writer and its file, and the file then
	// counts as local. Tests stall and break it.
	File func(File) File
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Sync, time.Second)
	def(&o.StallBound, 200*time.Millisecond)
	def(&o.CloseBound, 2*time.Second)
	if o.MaxPending <= 0 {
		o.MaxPending = 64 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// wrap puts File between the writer and f.
func (o *Options) wrap(f *os.File) File {
	if o.File == nil {
		return osFile{f}
	}
	return o.File(osFile{f})
}

// producer begins the producer field of every log that this package writes:
// in those, and only in those, derived summaries are marked as such.
const producer = "wandb-agent"

// minConsumer is the oldest server that the official client accepts.
const minConsumer = "0.70.0"

// Writer appends records to one log file. Its methods may be called from any
// goroutine. When one returns nil the record has been given to the kernel,
// unless the file stalls or fails: then it waits in memory, in order, and
// [Counters] shows it.
//
// On a local file system the caller itself writes; callers that arrive
// meanwhile share the next write. The first call that meets a stalled local
// file is held up as long as the kernel holds it. From then on, and from the
// start on file systems that may stall (NFS, Lustre, FUSE, unknown ones), the
// log's own goroutine writes and callers wait for it at most StallBound, or a
// quarter more.
type Writer struct {
	path string
	file File // changed by Trim, with syncing and mu held while nothing is written
	opts Options

	wake  chan struct{} // size one: the flusher has something to do
	dirty chan struct{} // size one: the first write since the last fdatasync
	stop  chan struct{} // closed by Close
	ended sync.WaitGroup

	syncing sync.Mutex // held during fdatasync; taken before mu

	mu    sync.Mutex
	cond  sync.Cond // a write ended, or the watchdog looked
	watch *time.Timer
	progress
}

// progress is guarded by Writer.mu.
type progress struct {
	enc     encoder
	num     int64 // of the last record accepted
	end     int64 // file offset after the last record accepted
	flushed int64 // file offset up to which write(2) has returned
	synced  int64 // file offset up to which fdatasync has returned
	queue   batch // accepted, not being written
	flight  batch // being written by the one goroutine that set busy
	spare   []byte
	busy    bool
	since   time.Time // when the write in flight began
	cut     bool      // truncate to flushed before the next write

	waiters  int
	watching bool
	handoff  bool // the flusher writes, callers do not; never goes back
	stalled  bool // the write in flight is older than StallBound
	failing  bool // the last write returned an error
	failure  error
	unsaid   []notice // for the flusher to log
	closed   bool
	isDirty  bool

	folded map[string]int64 // per part, the number of its last record in this log
	rowsOf map[string]bool  // parts with rows in this log; "" is its own writer
	step   int64            // the highest of any row; -1 if there is none
	torn   int64            // bytes cut off when the log was opened again
	damage Damage           // found then

	written  int64
	dropped  int64
	stalls   int64
	failures int64
	syncErrs int64
	syncErr  error
}

// batch is framed records that follow each other in the file.
type batch struct {
	buf     []byte
	records int64
}

// Create makes a new log at path (mode 0600), takes its lock, and writes the
// file header and the header record. It fails if the file exists.
func Create(path string, o Options) (*Writer, error) {
	f, err := openLocked(path, os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, err
	}
	w := newWriter(f, path, o, 0, 0)
	if err := w.begin(); err != nil {
		w.Close()
		os.Remove(path)
		return nil, fmt.Errorf("create run log %s: %w", path, err)
	}
	return w, nil
}

// begin writes the file header and the header record, which must succeed.
func (w *Writer) begin() error {
	by := producer
	if w.opts.Version != "" {
		by += "/" + w.opts.Version
	}
	w.queue.buf = append(w.queue.buf, fileHeader...)
	w.end = int64(len(fileHeader))
	err := w.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Header{Header: &wandbpb.HeaderRecord{
		VersionInfo: &wandbpb.VersionInfo{Producer: by, MinConsumer: minConsumer},
	}}})
	if err == nil {
		err = w.lastFailure()
	}
	return err
}

// newWriter goes on at offset end of an open, locked file after record num.
// It starts the two goroutines of the log, which end with Close.
func newWriter(f *os.File, path string, o Options, end, num int64) *Writer {
	w := &Writer{path: path, file: o.wrap(f), opts: o.withDefaults()}
	w.handoff = o.File == nil && !isLocal(f)
	w.cond.L = &w.mu
	w.num, w.end, w.flushed = num, end, end
	w.step, w.rowsOf = -1, map[string]bool{}
	w.wake, w.dirty, w.stop = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{})
	w.watch = time.AfterFunc(time.Hour, w.look)
	w.watch.Stop()
	w.ended.Go(w.flushLoop)
	w.ended.Go(w.syncLoop)
	return w
}

// Path is where the log lies.
func (w *Writer) Path() string { return w.path }

// Close writes what waits, syncs, and gives up the lock. It waits at most
// CloseBound for a file that does not answer and then reports how much is not
// on disk; the file is released when the kernel lets go of it.
func (w *Writer) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrClosed
	}
	w.closed = true
	w.cond.Broadcast()
	w.mu.Unlock()
	close(w.stop)
	ended := make(chan error, 1)
	go func() { ended <- w.finish() }() // ends when the kernel has answered the last call
	timeout := time.NewTimer(w.opts.CloseBound)
	defer timeout.Stop()
	select {
	case err := <-ended:
		return err
	case <-timeout.C:
		return fmt.Errorf("close run log %s: %d records: %w", w.path, w.Counters().PendingRecords, ErrNotWritten)
	}
}

// finish runs after the flusher had its last try.
func (w *Writer) finish() error {
	w.ended.Wait()
	w.mu.Lock()
	pending, failure, flushed := w.pendingRecords(), w.failure, w.flushed
	w.watch.Stop()
	w.mu.Unlock()
	var errs []error
	if pending > 0 {
		errs = append(errs, fmt.Errorf("close run log %s: %d records: %w: %w", w.path, pending, ErrNotWritten, failure))
		// A failed write may have left half a record behind.
		errs = append(errs, w.file.Truncate(flushed))
	}
	errs = append(errs, w.datasync(), w.file.Close())
	return errors.Join(errs...)
}

// Counters say what became of the records. Records accepted is Records +
// PendingRecords; DroppedRecords were refused with ErrFull.
type Counters struct {
	Records        int64 // given to the kernel
	Bytes          int64 // size of the file, without what is pending
	SyncedBytes    int64 // of these, on stable storage
	PendingRecords int64 // in memory: a crash of the process loses them
	PendingBytes   int64 // size of these
	DroppedRecords int64 // refused with ErrFull
	TornBytes      int64 // cut off by Reopen
	Stalls         int64 // writes that took longer than StallBound
	WriteErrors    int64 // calls of write(2) that failed
	SyncErrors     int64 // after the first one SyncedBytes never grows again
	Handoff        bool  // the log's own goroutine writes
	Failing        bool  // the last write failed; it is tried again every second
}

// Counters takes a snapshot.
func (w *Writer) Counters() Counters {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Counters{
		Records: w.written, Bytes: w.flushed, SyncedBytes: w.synced,
		PendingRecords: w.pendingRecords(), PendingBytes: w.pendingBytes(),
		DroppedRecords: w.dropped, TornBytes: w.torn, Stalls: w.stalls,
		WriteErrors: w.failures, SyncErrors: w.syncErrs,
		Handoff: w.handoff, Failing: w.failing,
	}
}

// Size is how many bytes the log has, with what is pending.
func (w *Writer) Size() int64 { return w.position() }

func (w *Writer) lastFailure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}

func (w *Writer) pendingRecords() int64 { return w.queue.records + w.flight.records }
func (w *Writer) pendingBytes() int64   { return w.end - w.flushed }
