package runlog

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// trimLab is a log with a row per step, console text and values.
type trimLab struct {
	t    *testing.T
	dir  *Dir
	w    *Writer
	step int64
}

func newTrimLab(t *testing.T) *trimLab {
	dir := &Dir{Path: t.TempDir(), RunID: "trim"}
	w, err := Create(dir.LogPath(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	l := &trimLab{t: t, dir: dir, w: w}
	l.write(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: &wandbpb.RunRecord{RunId: "trim", Project: "p"}}})
	return l
}

func (l *trimLab) write(rec *wandbpb.Record) {
	l.t.Helper()
	if err := l.w.Write(rec); err != nil {
		l.t.Fatal(err)
	}
}

// rows adds n rows with a line of console text each.
func (l *trimLab) rows(n int) {
	l.t.Helper()
	for range n {
		row := &Row{Step: l.step, Runtime: 1, Timestamp: 1.7e9, Items: []Item{{Key: NewKey("v"), Kind: Int, I: l.step}}}
		if err := errors.Join(l.w.Row(row), l.w.Output(false, 1, []byte("line "+strconv.FormatInt(l.step, 10)+"\n"))); err != nil {
			l.t.Fatal(err)
		}
		l.step++
	}
}

func (l *trimLab) trim(t Trim) Trimmed {
	l.t.Helper()
	gone, err := l.w.Trim(t)
	if err != nil {
		l.t.Fatal(err)
	}
	return gone
}

func (l *trimLab) load() *Run {
	l.t.Helper()
	run, err := Load(l.dir)
	if err != nil || run.Damage.Any() {
		l.t.Fatalf("load: %v, damage %+v", err, run.Damage)
	}
	return run
}

// numOf is the number of the record of a step's row.
func (l *trimLab) numOf(step int64) (num int64) {
	_, err := Walk(l.dir, func(_ string, rec *wandbpb.Record) error {
		if h := rec.GetHistory(); h != nil && h.GetStep().GetNum() == step {
			num = rec.GetNum()
		}
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return num
}

func TestTrimTakesOffWhatWasSent(t *testing.T) {
	l := newTrimLab(t)
	l.rows(1000)
	size := l.w.Size()
	gone := l.trim(Trim{Sent: l.numOf(600), Limit: size, Goal: size})
	if gone.Rows != 0 || gone.Texts != 0 || gone.Lines != 600 || gone.Bytes <= size/2 {
		t.Errorf("took off %+v of %d bytes", gone, size)
	}
	l.rows(10)
	run := l.load()
	if len(run.History) != 409 || run.History[0].Step != 601 || run.History[408].Step != 1009 {
		t.Errorf("%d rows are left, %d to %d", len(run.History), run.History[0].Step, run.History[len(run.History)-1].Step)
	}
	if err := l.w.Close(); err != nil {
		t.Fatal(err)
	}
	w, err := Reopen(l.dir.LogPath(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if w.num != 2+2*1010 || w.step != 1009 {
		t.Errorf("a new writer goes on after record %d, step %d", w.num, w.step)
	}
}

func TestTrimMakesRoom(t *testing.T) {
	l := newTrimLab(t)
	l.rows(1000)
	pinned := l.numOf(299)
	gone := l.trim(Trim{Sent: l.numOf(199), Pinned: pinned, Limit: 1, Goal: l.w.Size() / 4})
	run := l.load()
	if len(run.History) == 0 || run.History[0].Step != 200 || run.History[100].Step <= 301 {
		t.Errorf("what is on its way did not stay, or nothing behind it went: %d rows, %d and %d", len(run.History), run.History[0].Step, run.History[100].Step)
	}
	if gone.Rows+int64(len(run.History)) != 800 || run.History[len(run.History)-1].Step != 999 || gone.Texts == 0 {
		t.Errorf("%+v went and %d rows are left", gone, len(run.History))
	}
	// All was sent: the last row stays, since a resumed run counts on from it.
	l.trim(Trim{Sent: l.w.num, Limit: 1 << 30})
	if run := l.load(); len(run.History) != 1 || run.History[0].Step != 999 {
		t.Errorf("%d rows are left of a log that was sent", len(run.History))
	}
}

func TestTrimTakesOffWhatWasReplaced(t *testing.T) {
	l := newTrimLab(t)
	for i := range 500 {
		text := strconv.Itoa(i)
		items := []*wandbpb.SummaryItem{{Key: "best", ValueJson: text}}
		l.write(&wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: &wandbpb.SummaryRecord{Update: items}}})
		l.write(&wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: &wandbpb.SummaryRecord{Update: items, Derived: true}}})
		l.write(&wandbpb.Record{RecordType: &wandbpb.Record_Config{Config: &wandbpb.ConfigRecord{Update: []*wandbpb.ConfigItem{{Key: "lr", ValueJson: text}}}}})
		l.write(&wandbpb.Record{RecordType: &wandbpb.Record_Files{Files: &wandbpb.FilesRecord{Files: []*wandbpb.FilesItem{{Path: "model"}}}}})
	}
	l.write(&wandbpb.Record{RecordType: &wandbpb.Record_Config{Config: &wandbpb.ConfigRecord{Update: []*wandbpb.ConfigItem{{Key: "other", ValueJson: "1"}}}}})
	l.rows(3)
	l.trim(Trim{Limit: 1 << 30})
	run := l.load()
	if l.w.Size() > 2000 || run.Summary["best"] != int64(499) || run.Config["lr"] != int64(499) || run.Config["other"] != int64(1) || len(run.History) != 3 {
		t.Errorf("%d bytes, summary %v, config %v, %d rows", l.w.Size(), run.Summary, run.Config, len(run.History))
	}
}

// TestTrimThatFails leaves the log as it is.
func TestTrimThatFails(t *testing.T) {
	l := newTrimLab(t)
	l.rows(100)
	if err := os.MkdirAll(l.dir.LogPath()+trimSuffix+"/x", 0o700); err != nil { // in the way
		t.Fatal(err)
	}
	if _, err := l.w.Trim(Trim{Sent: 1 << 30}); err == nil {
		t.Error("trim with something in its way: no error")
	}
	l.rows(10)
	if run := l.load(); len(run.History) != 110 {
		t.Errorf("%d rows are left", len(run.History))
	}
	l.w.Close()
	if _, err := l.w.Trim(Trim{}); !errors.Is(err, ErrClosed) {
		t.Errorf("trim of a closed log: %v", err)
	}
}

// TestTrimCountsLines finds in the header how many lines were taken off.
func TestTrimCountsLines(t *testing.T) {
	l := newTrimLab(t)
	for want := int64(100); want <= 300; want += 100 {
		l.rows(100)
		l.trim(Trim{Sent: l.w.num, Limit: 1 << 30})
		var got int64
		err := eachPayload(l.dir.LogPath(), func(h head, _ []byte) error {
			if h.kind == recordHeader {
				got = CutLines(h.body)
			}
			return nil
		})
		if err != nil || got != want {
			t.Errorf("the header says %d lines, want %d (%v)", got, want, err)
		}
	}
	l.load()
}

// TestTailGoesOnBehindATrim reads a log that is made smaller again and again: each
// row that was not taken off unsent comes once.
func TestTailGoesOnBehindATrim(t *testing.T) {
	l := newTrimLab(t)
	tail, err := OpenTail(l.dir.LogPath())
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	var steps []int64
	var read int64
	for range 300 {
		l.rows(rand.IntN(40))
		for range rand.IntN(150) {
			payload, err := tail.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			h, ok := readHead(payload)
			if !ok || h.num <= read {
				t.Fatalf("record %d after %d", h.num, read)
			}
			read = h.num
			if h.kind == recordHistory {
				steps = append(steps, int64(len(steps)))
				if want := NewKey("v"); h.num != 3+2*int64(len(steps)-1) {
					t.Fatalf("row %d (%q) is record %d", len(steps)-1, want, h.num)
				}
			}
		}
		if rand.IntN(4) == 0 {
			l.trim(Trim{Sent: read, Limit: 1 << 40})
		}
	}
	for {
		payload, err := tail.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if h, ok := readHead(payload); ok && h.kind == recordHistory {
			steps = append(steps, int64(len(steps)))
		}
	}
	if int64(len(steps)) != l.step || !slices.IsSorted(steps) {
		t.Errorf("read %d rows of %d", len(steps), l.step)
	}
}

// trimUntilKilled acknowledges rows, and before each trim the row up to which it
// takes them off.
func trimUntilKilled(path string) error {
	dir := &Dir{Path: path, RunID: "kill"}
	w, err := Create(dir.LogPath(), patient)
	if err != nil {
		return err
	}
	for step := int64(0); ; step++ {
		if err := w.Row(&Row{Step: step, Timestamp: 1.7e9, Items: []Item{{Key: NewKey("v0"), Kind: Int, I: step * 10}}}); err != nil {
			return err
		}
		os.Stdout.WriteString("row " + strconv.FormatInt(step, 10) + "\n")
		if step%100 == 99 {
			os.Stdout.WriteString("part " + strconv.FormatInt(step-50, 10) + " 0\n")
			if _, err := w.Trim(Trim{Sent: w.num - 50, Limit: 1 << 30}); err != nil {
				return err
			}
		}
	}
}

// TestKilledTrimLosesNothing kills a process that makes its log smaller all the
// time. Seen to fail with the Rename in shorter before the copy.
func TestKilledTrimLosesNothing(t *testing.T) {
	for range 20 {
		dir := &Dir{Path: t.TempDir(), RunID: "kill"}
		last, trims := runAndKill(t, dir, "trim")
		gone := int64(-1)
		for step := range trims {
			gone = max(gone, step)
		}
		if _, err := Repair(dir); err != nil {
			t.Fatal(err)
		}
		run, err := Load(dir)
		if err != nil || len(run.History) == 0 {
			t.Fatalf("%d rows, %v", len(run.History), err)
		}
		first := run.History[0].Step
		for i, h := range run.History {
			if h.Step != first+int64(i) || h.Values["v0"] != h.Step*10 {
				t.Fatalf("row %d has step %d, the first one %d", i, h.Step, first)
			}
		}
		if end := run.History[len(run.History)-1].Step; first > gone+1 || end < last {
			t.Errorf("rows %d to %d are left; %d were taken off and %d acknowledged", first, end, gone+1, last+1)
		}
		if _, err := os.Stat(dir.LogPath() + trimSuffix); err == nil {
			t.Error("the smaller log that was not finished is still there after Repair")
		}
	}
}

func FuzzReadHead(f *testing.F) {
	var e encoder
	e.row(&Row{Step: 3, Items: []Item{{Key: NewKey("a", "b"), F: 1}}})
	f.Add(e.record(7, recordHistory))
	f.Add(protowire.AppendString(protowire.AppendTag(nil, recordUUID, protowire.BytesType), "x:3"))
	f.Add([]byte{0x1a, 0x04, 0x0a, 0x02, 0x0a, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := readHead(b)
		if ok && payloadNum(b) > 0 && h.num == 0 {
			t.Errorf("number %d and %d", payloadNum(b), h.num)
		}
		if names := h.values(); len(names) > 0 && h.isBulk() {
			t.Errorf("bulk with values %q", names)
		}
		_ = h.lines()
		if rest, lines := splitCutLines(h.body); ok && lines == 0 && len(rest) > len(h.body) {
			t.Errorf("%d bytes of %d", len(rest), len(h.body))
		}
	})
}

// BenchmarkTrim is how long writers wait.
func BenchmarkTrim(b *testing.B) {
	dir := &Dir{Path: b.TempDir(), RunID: "trim"}
	w, err := Create(dir.LogPath(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	row := &Row{Timestamp: 1.7e9, Items: []Item{{Key: NewKey("v"), F: 0.123456789}}}
	var took time.Duration
	for range b.N {
		for w.Size() < 64<<20 {
			if err := w.Row(row); err != nil {
				b.Fatal(err)
			}
			row.Step++
		}
		begin := time.Now()
		if _, err := w.Trim(Trim{Limit: 48 << 20, Goal: 32 << 20}); err != nil {
			b.Fatal(err)
		}
		took += time.Since(begin)
	}
	b.ReportMetric(float64(took.Milliseconds())/float64(b.N), "ms/trim")
}
