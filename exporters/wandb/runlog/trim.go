package runlog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protowire"
)

// trimSuffix ends the name of a smaller log that is being made. One that was
// left by a killed process is removed when the log is opened again.
const trimSuffix = ".trim"

// ErrNoTrim means that a log cannot be made smaller at this moment: records
// wait in memory, or the file system may stall.
var ErrNoTrim = errors.New("run log cannot be made smaller now")

// Trim says what may be taken off a log that is written.
type Trim struct {
	Sent   int64 // rows, samples and console text up to this record are not needed any more
	Pinned int64 // those up to this record, and the first behind it, are on their way and stay
	Limit  int64 // where more bytes than that would be left, ...
	Goal   int64 // ... the oldest of the others go too, until about so many are
}

// Trimmed says what was taken off.
type Trimmed struct {
	Rows, Samples, Texts int64 // that were not sent
	Lines                int64 // of console text that was sent
	Bytes                int64
	Passed               int64 // of these, up to Sent or Pinned

	from, to, row int64 // what was not sent and went: from < number <= to, without row
}

// Has says whether a row, sample or text with this number was taken off without
// having been sent.
func (t *Trimmed) Has(num int64) bool { return num > t.from && num <= t.to && num != t.row }

// Last is the highest number for which Has is true; 0 if there is none.
func (t *Trimmed) Last() int64 { return t.to }

// Trim takes rows, samples and console text off the beginning of the log, and
// what was replaced by later records: derived summaries, values of config and
// summary, files. Everything else stays, with its number, and so does the last
// row. The smaller log is a new file that takes the old one's place in one step,
// so that whoever dies at any moment leaves one of the two. Readers that have the
// log open read the old file to its end; a [Tail] goes on in the new one.
//
// Callers that want to write wait meanwhile: about as long as it takes to copy
// what is left and to bring it to stable storage. The values that summaries of removed
// rows gave must be in a later summary record.
func (w *Writer) Trim(t Trim) (Trimmed, error) {
	w.syncing.Lock() // no fdatasync of a file that is closed
	defer w.syncing.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.await(w.end)
	for w.busy && !w.stalled && !w.handoff {
		w.wait()
	}
	switch {
	case w.closed:
		return Trimmed{}, ErrClosed
	case w.busy || w.stalled || w.failing || w.handoff || w.cut || w.flushed < w.end:
		return Trimmed{}, ErrNoTrim
	}
	f, end, gone, err := w.shorter(t)
	if err != nil {
		return Trimmed{}, fmt.Errorf("trim run log %s: %w", w.path, err)
	}
	old := w.file
	w.file = w.opts.wrap(f)
	gone.Bytes = w.end - end
	w.end, w.flushed, w.synced = end, end, end
	// The lock of the old file ends here; the new one is locked since it was made.
	return gone, old.Close()
}

// shorter makes the smaller log and puts it in the old one's place.
func (w *Writer) shorter(t Trim) (*os.File, int64, Trimmed, error) {
	path := w.path + trimSuffix
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, 0, Trimmed{}, err
	}
	plan, err := planTrim(w.path, t)
	if err != nil {
		return nil, 0, Trimmed{}, err
	}
	f, err := openLocked(path, os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, 0, Trimmed{}, err
	}
	end, err := plan.copy(w.path, f)
	if err == nil {
		err = datasync(f)
	}
	if err == nil {
		err = os.Rename(path, w.path)
	}
	if err != nil {
		f.Close()
		os.Remove(path)
		return nil, 0, Trimmed{}, err
	}
	_ = syncDir(filepath.Dir(w.path)) // not every file system can
	return f, end, plan.gone, nil
}

// trimPlan is what is known of the log after reading it once.
type trimPlan struct {
	Trim
	excess  int64            // bytes that must go although they were not sent
	lastRow int64            // number of the last row
	newest  map[string]int64 // by value: the last record that gives it
	behind  int64            // the first record behind Pinned
	gone    Trimmed
}

func planTrim(path string, t Trim) (*trimPlan, error) {
	p := &trimPlan{Trim: t, newest: map[string]int64{}}
	err := eachPayload(path, func(h head, _ []byte) error {
		if h.kind == recordHistory {
			p.lastRow = h.num
		}
		if p.behind == 0 && h.num > t.Pinned {
			p.behind = h.num
		}
		for _, key := range h.values() {
			p.newest[key] = h.num
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	left := int64(len(fileHeader))
	err = eachPayload(path, func(h head, payload []byte) error {
		switch {
		case p.sent(h):
			p.gone.Lines += h.lines()
		case !p.replaced(h):
			left += int64(chunkHeader + len(payload))
		}
		return nil
	})
	if left > t.Limit {
		p.excess = left - t.Goal
	}
	return p, err
}

// sent says whether a record is one of many that are not needed any more.
func (p *trimPlan) sent(h head) bool {
	return h.isBulk() && h.num <= p.Sent && h.num != p.lastRow
}

// replaced says whether later records give every value that this one gives.
func (p *trimPlan) replaced(h head) bool {
	values := h.values()
	for _, key := range values {
		if p.newest[key] <= h.num {
			return false
		}
	}
	return len(values) > 0
}

// mayGo says whether a record that was not sent can go when there is no room.
func (p *trimPlan) mayGo(h head) bool {
	return h.isBulk() && h.num > max(p.Sent, p.Pinned) && h.num != p.behind && h.num != p.lastRow
}

// copy writes what stays and counts what goes.
func (p *trimPlan) copy(path string, f *os.File) (end int64, err error) {
	out := bufio.NewWriterSize(f, 256<<10)
	end = int64(len(fileHeader))
	if _, err := out.WriteString(fileHeader); err != nil {
		return 0, err
	}
	var chunks []byte
	err = eachPayload(path, func(h head, payload []byte) error {
		size := int64(chunkHeader + len(payload))
		switch {
		case p.replaced(h):
			p.pass(h, size)
			return nil
		case p.sent(h):
			p.pass(h, size)
			return nil
		case p.excess > 0 && p.mayGo(h):
			p.excess -= size
			p.count(h)
			return nil
		}
		if h.kind == recordHeader {
			payload = withCutLines(payload, h.body, p.gone.Lines)
		}
		chunks = appendRecord(chunks[:0], end, payload)
		end += int64(len(chunks))
		_, err := out.Write(chunks)
		return err
	})
	return end, errors.Join(err, out.Flush())
}

// pass counts the size of a record that goes.
func (p *trimPlan) pass(h head, size int64) {
	if h.num <= max(p.Sent, p.Pinned) {
		p.gone.Passed += size
	}
}

// count counts a record that goes without having been sent.
func (p *trimPlan) count(h head) {
	p.gone.from, p.gone.to, p.gone.row = p.behind, h.num, p.lastRow
	switch h.kind {
	case recordHistory:
		p.gone.Rows++
	case recordStats:
		p.gone.Samples++
	default:
		p.gone.Texts++
	}
}

// eachPayload reads the log at path. What it cannot read is left out.
func eachPayload(path string, visit func(head, []byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for r := NewReader(f); ; {
		payload, err := r.payload()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h, ok := readHead(payload); ok {
			if err := visit(h, payload); err != nil {
				return err
			}
		}
	}
}

// head is what a trim looks at in a record.
type head struct {
	num    int64
	kind   protowire.Number
	body   []byte
	marked bool // folded in from a part: the mark keeps it from being folded again
}

const (
	recordSummary    = 3
	recordConfig     = 5
	recordFiles      = 6
	recordHeader     = 21
	recordOutputLine = 27
	recordControl    = 16
	recordUUID       = 19
	recordInfo       = 200
)

// readHead parses the outermost level of a record; false if it is none.
func readHead(payload []byte) (head, bool) {
	var h head
	for b := payload; len(b) > 0; {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return h, false
		}
		b = b[n:]
		if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
			return h, false
		}
		switch {
		case num == recordNum && typ == protowire.VarintType:
			v, _ := protowire.ConsumeVarint(b)
			h.num = int64(v)
		case typ != protowire.BytesType || num == recordControl || num == recordInfo:
		case num == recordUUID:
			h.marked = true
		default:
			h.kind = num
			h.body, _ = protowire.ConsumeBytes(b)
		}
		b = b[n:]
	}
	return h, true
}

// isBulk says whether a record is one of very many.
func (h head) isBulk() bool {
	switch h.kind {
	case recordHistory, recordStats, recordOutputRaw, recordOutputLine:
		return !h.marked
	}
	return false
}

// lines is how many lines of console text a record ends.
func (h head) lines() int64 {
	switch h.kind {
	case recordOutputRaw:
		for b := h.body; len(b) > 0; {
			num, typ, n := protowire.ConsumeTag(b)
			if n < 0 {
				return 0
			}
			b = b[n:]
			if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
				return 0
			}
			if num == outputLine && typ == protowire.BytesType {
				text, _ := protowire.ConsumeBytes(b)
				return int64(bytes.Count(text, []byte{'\n'}))
			}
			b = b[n:]
		}
	case recordOutputLine:
		return 1
	}
	return 0
}
