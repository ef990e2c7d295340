package runlog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Reopen goes on with the log at path, which must exist: it takes the lock,
// cuts off what stands behind the last whole record (Counters.TornBytes), and
// numbers on from there. A log that was killed before its header was complete
// is begun again. See [Repair] for ending the log of a crashed run.
func Reopen(path string, o Options) (*Writer, error) {
	return reopen(path, o, func(*wandbpb.Record, int64) {})
}

// reopen shows each whole record and its file offset to visit.
func reopen(path string, o Options, visit func(*wandbpb.Record, int64)) (*Writer, error) {
	f, err := openLocked(path, 0)
	if err != nil {
		return nil, err
	}
	os.Remove(path + trimSuffix) // of a Trim that was killed; usually there is none
	w, err := resume(f, path, o, visit)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open run log %s: %w", path, err)
	}
	return w, nil
}

func resume(f *os.File, path string, o Options, visit func(*wandbpb.Record, int64)) (*Writer, error) {
	r := NewReader(f)
	var num int64
	noted := progress{step: -1, rowsOf: map[string]bool{}}
	folded := map[string]int64{}
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		num = max(num, rec.GetNum())
		if part, n, ok := origin(rec); ok {
			folded[part] = max(folded[part], n)
		}
		noted.noteRow(rec)
		visit(rec, r.start)
	}
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	torn := st.Size() - r.End()
	if torn > 0 {
		if err := f.Truncate(r.End()); err != nil {
			return nil, err
		}
	}
	w := newWriter(f, path, o, r.End(), num)
	w.torn, w.folded, w.damage = torn, folded, r.Damage()
	w.step, w.rowsOf = noted.step, noted.rowsOf
	w.damage.TornBytes = 0 // cut off by now
	if r.End() == 0 {
		if err := w.begin(); err != nil {
			w.Close()
			return nil, err
		}
	}
	return w, nil
}

// mark names the part and the number that a folded record had there, so that
// an interrupted fold does not add it twice.
func mark(rec *wandbpb.Record, part string) {
	rec.Uuid = part + ":" + strconv.FormatInt(rec.GetNum(), 10)
}

func origin(rec *wandbpb.Record) (part string, num int64, ok bool) {
	part, text, ok := cutLast(rec.GetUuid(), ":")
	if !ok {
		return "", 0, false
	}
	num, err := strconv.ParseInt(text, 10, 64)
	return part, num, err == nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
