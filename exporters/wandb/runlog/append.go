package runlog

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// maxOutput is the most console text that goes into one record.
const maxOutput = 64 << 10

// maxRecord is the largest record that is written or read.
const maxRecord = 256 << 20

// Write appends any record and sets its Num. Rows, samples and console text
// have methods of their own that do not build messages.
func (w *Writer) Write(rec *wandbpb.Record) error {
	if rec.GetRecordType() == nil {
		return fmt.Errorf("append to %s: a record without a type breaks its readers", w.path)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	rec.Num = w.num + 1
	w.noteRow(rec)
	payload, err := proto.Marshal(rec)
	if err != nil {
		return fmt.Errorf("append to %s: %w", w.path, err)
	}
	return w.accept(payload)
}

// Row appends one history record. It does not allocate and keeps nothing of r.
func (w *Writer) Row(r *Row) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.enc.row(r)
	w.step, w.rowsOf[""] = max(w.step, r.Step), true
	return w.accept(w.enc.record(w.num+1, recordHistory))
}

// Stats appends one sample of system metrics taken at t, in nanoseconds since
// 1970. It does not allocate and keeps nothing of items.
func (w *Writer) Stats(t int64, items []StatItem) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.enc.stats(t, items)
	return w.accept(w.enc.record(w.num+1, recordStats))
}

// Output appends console text seen at t, in nanoseconds since 1970, as it
// came: partial lines and escape sequences are fine. Text that is not UTF-8
// becomes U+FFFD, also a character that two calls share; more than 64 KiB
// becomes several records, cut between characters.
func (w *Writer) Output(stderr bool, t int64, text []byte) error {
	if !utf8.Valid(text) {
		text = bytes.ToValidUTF8(text, []byte("\ufffd"))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(text) > 0 {
		n := runeCut(text, maxOutput)
		w.enc.output(stderr, t, text[:n])
		if err := w.accept(w.enc.record(w.num+1, recordOutputRaw)); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

// runeCut is the largest length up to limit that does not cut a character of
// valid UTF-8.
func runeCut(text []byte, limit int) int {
	if len(text) <= limit {
		return len(text)
	}
	for !utf8.RuneStart(text[limit]) {
		limit--
	}
	return limit
}

// accept takes a payload that carries number num+1 and returns when it is in
// the kernel, or must wait in memory. Called with mu held, which it may let
// go of in between.
func (w *Writer) accept(payload []byte) error {
	switch {
	case w.closed:
		return ErrClosed
	case len(payload) > maxRecord:
		return fmt.Errorf("append to %s: record of %d bytes is above the limit of %d", w.path, len(payload), maxRecord)
	case (w.stalled || w.failing) && w.pendingBytes()+int64(len(payload)) > w.opts.MaxPending:
		w.dropped++
		return fmt.Errorf("append to %s: %w", w.path, ErrFull)
	}
	before := len(w.queue.buf)
	w.queue.buf = appendRecord(w.queue.buf, w.end, payload)
	w.queue.records++
	w.num++
	w.end += int64(len(w.queue.buf) - before)
	w.await(w.end)
	return nil
}
