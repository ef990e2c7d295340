package runlog

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// patient is for tests that must not take a loaded machine for a stalled file.
var patient = Options{StallBound: time.Minute, CloseBound: time.Minute, Sync: time.Hour}

func newLog(t testing.TB) *Writer {
	t.Helper()
	w, err := Create(filepath.Join(t.TempDir(), "run-test.wandb"), patient)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func someRow(step int64) *Row {
	return &Row{Step: step, Runtime: 1.5, Timestamp: 1.7e9 + float64(step), Items: []Item{
		{Key: NewKey("loss"), F: 1 / float64(step+1)},
		{Key: NewKey("val", "acc"), F: 0.25},
		{Key: NewKey("epoch"), Kind: Int, I: step},
		{Key: NewKey("note"), Kind: JSON, JSON: []byte(`"a"`)},
	}}
}

func TestTwoWritersOnOneLog(t *testing.T) {
	w := newLog(t)
	if _, err := Create(w.Path(), Options{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("Create over a log: got %v, want it to exist already", err)
	}
	if f, err := openLocked(w.Path(), 0); !errors.Is(err, ErrLocked) {
		t.Errorf("open a log with a living writer: got %v, %v, want ErrLocked", f, err)
	}
}

func TestHotPathsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	w := newLog(t)
	row := someRow(5)
	if n := testing.AllocsPerRun(1000, func() {
		if err := w.Row(row); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Row: %v allocations, want 0", n)
	}
	stats := []StatItem{{NewStatKey("cpu"), 12.5}, {NewStatKey("gpu.0.temp"), 61}}
	if n := testing.AllocsPerRun(1000, func() {
		if err := w.Stats(1.7e18, stats); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Stats: %v allocations, want 0", n)
	}
	line := []byte("epoch 1 loss 0.5\n")
	if n := testing.AllocsPerRun(1000, func() {
		if err := w.Output(true, 1.7e18, line); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Output: %v allocations, want 0", n)
	}
}

// The hand-written encoders must make what the generated code would make.
func TestHotRecordsEqualMessages(t *testing.T) {
	var e encoder
	r := someRow(3)
	e.row(r)
	var got wandbpb.Record
	if err := proto.Unmarshal(e.record(300, recordHistory), &got); err != nil {
		t.Fatal(err)
	}
	item := func(json string, path ...string) *wandbpb.HistoryItem {
		return &wandbpb.HistoryItem{NestedKey: path, ValueJson: json}
	}
	want := &wandbpb.Record{Num: 300, RecordType: &wandbpb.Record_History{History: &wandbpb.HistoryRecord{
		Item: []*wandbpb.HistoryItem{
			item("0.25", "loss"), item("0.25", "val", "acc"), item("3", "epoch"), item(`"a"`, "note"),
			item("1.5", "_runtime"), item("1700000003", "_timestamp"), item("3", "_step"),
		},
		Step: &wandbpb.HistoryStep{Num: 3},
	}}}
	if !proto.Equal(&got, want) {
		t.Errorf("row: got %v\nwant %v", &got, want)
	}
}

func TestWriterRefuses(t *testing.T) {
	w := newLog(t)
	if err := w.Write(&wandbpb.Record{}); err == nil {
		t.Error("a record without a type: want an error")
	}
	check(t, w.Close())
	for name, err := range map[string]error{"Row": w.Row(someRow(1)), "Sync": w.Sync(), "Close": w.Close()} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: got %v, want ErrClosed", name, err)
		}
	}
}

// Console text is cut between characters and loses only what is not text.
func TestOutput(t *testing.T) {
	w := newLog(t)
	text := bytes.Repeat([]byte("ä€😀x"), 30_000)
	check(t, w.Output(true, 1.7e18, text))
	check(t, w.Output(false, -1, []byte("a\xff\r\x1b[0mb\xe2\x82")))
	check(t, w.Close())
	b, err := os.ReadFile(w.Path())
	check(t, err)
	recs, _, _ := readAll(t, b)
	var got []byte
	for _, rec := range recs[1 : len(recs)-1] {
		o := rec.GetOutputRaw()
		if len(o.GetLine()) > maxOutput || o.GetOutputType() != wandbpb.OutputRawRecord_STDERR || o.GetTimestamp().GetSeconds() != 1.7e9 {
			t.Errorf("got %d bytes, %v, %v", len(o.GetLine()), o.GetOutputType(), o.GetTimestamp())
		}
		got = append(got, o.GetLine()...)
	}
	if !bytes.Equal(got, text) {
		t.Errorf("got %d bytes, want the %d that were written", len(got), len(text))
	}
	last := recs[len(recs)-1].GetOutputRaw()
	if last.GetLine() != "a\ufffd\r\x1b[0mb\ufffd" || last.GetTimestamp().AsTime().UnixNano() != -1 || last.GetOutputType() != wandbpb.OutputRawRecord_STDOUT {
		t.Errorf("got %v", last)
	}
}
