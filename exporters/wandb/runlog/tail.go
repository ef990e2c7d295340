package runlog

import (
	"errors"
	"fmt"
	"io"
	"os"

	"google.golang.org/protobuf/encoding/protowire"
)

// Tail reads a log that may still be written: where a [Reader] stops for good,
// it waits for more. It is the fast way through a log too, since it hands out
// the bytes of a record and builds no message.
//
// A log that was made smaller ([Writer.Trim]) is a new file: the old one is read to
// its end, then the new one from the record behind.
//
// Damage in the block that is being written is not believed: the bytes may be
// on their way. It counts once [Tail.Complete] was called or the file has gone on
// behind that block. One goroutine at a time may use it.
type Tail struct {
	file     *os.File
	reader   *Reader
	size     int64 // of the file when it was last read to its end
	dry      bool  // the last Next came to the end
	complete bool
	final    bool // the end was read since Complete

	last int64 // number of the last record that Next returned
	skip int64 // up to this number, records of a log that took the file's place were returned
}

// OpenTail opens the log at path for reading from its first record. It takes
// no lock.
func OpenTail(path string) (*Tail, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("follow run log: %w", err)
	}
	return &Tail{file: f, reader: NewReader(f)}, nil
}

// Complete says that nothing is added to the log any more: what Next cannot
// read from now on is lost, and counted.
func (t *Tail) Complete() { t.complete = true }

// Next returns the encoded next record, valid until the following call. The
// error is io.EOF where the log ends at this moment; a later call may find
// more. Others are ErrFormat and those of the file.
func (t *Tail) Next() ([]byte, error) {
	for fresh := false; ; fresh = true {
		if t.dry {
			more, err := t.again()
			if err != nil {
				return nil, err
			}
			if !more {
				return nil, io.EOF
			}
		}
		payload, err := t.next()
		if fresh || !errors.Is(err, io.EOF) { // what was read ahead may be old
			return payload, err
		}
	}
}

// next returns the next record that was not returned before.
func (t *Tail) next() ([]byte, error) {
	for {
		payload, err := t.read()
		if err != nil {
			return nil, err
		}
		num := payloadNum(payload)
		if num > 0 && num <= t.skip {
			continue
		}
		t.last = max(t.last, num)
		return payload, nil
	}
}

// payloadNum is the number of a record; 0 if it does not begin with one.
func payloadNum(payload []byte) int64 {
	if len(payload) == 0 || payload[0] != recordNum<<3 {
		return 0
	}
	v, n := protowire.ConsumeVarint(payload[1:])
	if n < 0 {
		return 0
	}
	return int64(v)
}

// read reads on in what was read ahead, or in the file.
func (t *Tail) read() ([]byte, error) {
	before, end := t.reader.damage, t.reader.end
	payload, err := t.reader.payload()
	switch {
	case errors.Is(err, io.EOF):
		t.rest(before)
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("follow run log %s: %w", t.file.Name(), err)
	case t.reader.damage != before && !t.complete && t.reader.n < blockSize:
		t.reader.end = end
		t.rest(before)
		return nil, io.EOF
	}
	return payload, nil
}

// rest notes the end of what there is. The next try begins behind the last
// whole record and finds the damage again.
func (t *Tail) rest(before Damage) {
	t.dry = true
	t.size = t.reader.base + int64(t.reader.n)
	if !t.complete {
		t.reader.damage = before
	}
}

// again goes back to the end of the last whole record, if the file has grown.
func (t *Tail) again() (bool, error) {
	st, err := t.file.Stat()
	if err != nil {
		return false, fmt.Errorf("follow run log: %w", err)
	}
	if st.Size() == t.size && (!t.complete || t.final) {
		return t.replaced()
	}
	t.final = t.complete
	t.dry = false
	return true, t.reader.resume(t.file)
}

// replaced goes on in the file that has taken this one's place, if one has and
// this one was read to its end.
func (t *Tail) replaced() (bool, error) {
	now, err := os.Stat(t.file.Name())
	if err != nil {
		return false, nil
	}
	old, err := t.file.Stat() // behind the other: what has lost its place does not grow
	if err != nil {
		return false, fmt.Errorf("follow run log: %w", err)
	}
	if os.SameFile(now, old) {
		return false, nil
	}
	if old.Size() == t.size {
		f, err := os.Open(t.file.Name())
		if err != nil {
			return false, nil // it may be there again at the next look
		}
		damage := t.reader.damage
		t.file.Close()
		t.file, t.reader = f, NewReader(f)
		t.reader.damage, t.skip, t.dry = damage, t.last, false
		return true, nil
	}
	t.dry = false
	return true, t.reader.resume(t.file)
}

// End is the file offset after the last record that Next returned.
func (t *Tail) End() int64 { return t.reader.End() }

// Size is the size of the file now, in bytes; 0 if that cannot be told.
func (t *Tail) Size() int64 {
	st, err := t.file.Stat()
	if err != nil {
		return 0
	}
	return st.Size()
}

// Damage says what could not be read so far.
func (t *Tail) Damage() Damage { return t.reader.Damage() }

// Close lets go of the file.
func (t *Tail) Close() error { return t.file.Close() }

// resume makes r go on behind its last whole record.
func (r *Reader) resume(src io.ReadSeeker) error {
	r.joining = false
	if r.end < int64(len(fileHeader)) {
		r.started, r.base, r.n, r.i, r.end = false, 0, 0, 0, 0
		_, err := src.Seek(0, io.SeekStart)
		return err
	}
	at := r.end - r.end%blockSize
	if _, err := src.Seek(at, io.SeekStart); err != nil {
		return err
	}
	r.base, r.n = at-blockSize, blockSize // so that fill reads block at
	if err := r.fill(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if r.base < at { // not a byte behind the block boundary yet
		r.i = r.n
		return nil
	}
	r.i = min(int(r.end-at), r.n)
	return nil
}

// Parts finds the logs of other writers that are there now: path by writer.
func (d *Dir) Parts() (map[string]string, error) {
	paths, err := d.parts()
	if err != nil {
		return nil, fmt.Errorf("list parts of run: %w", err)
	}
	parts := make(map[string]string, len(paths))
	for _, path := range paths {
		parts[d.partName(path)] = path
	}
	return parts, nil
}
