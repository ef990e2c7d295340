package runapi

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// TestHistoryWhileItGoesOn: rows are readable as soon as Log returns, the open
// step last.
func TestHistoryWhileItGoesOn(t *testing.T) {
	r := start(t, quiet(t))
	values := []map[string]any{
		{"loss": 0.5, "val": map[string]any{"acc": int64(1)}},
		{"loss": 0.25},
		{"x.y": "text", "val": map[string]any{"acc": int64(2)}},
	}
	for _, v := range values[:2] {
		r.Log(v)
	}
	r.Log(map[string]any{"x.y": "text"}, NoCommit())
	r.Log(map[string]any{"val": map[string]any{"acc": 2}}, NoCommit())
	read := func(keys ...string) (steps []int64, got []map[string]any) {
		for row, err := range r.History(t.Context(), keys...) {
			if err != nil {
				t.Fatal(err)
			}
			if row.Timestamp == 0 || row.Runtime < 0 {
				t.Errorf("row %+v has no time", row)
			}
			steps, got = append(steps, row.Step), append(got, row.Values)
		}
		return steps, got
	}
	if steps, got := read(); !reflect.DeepEqual(steps, []int64{0, 1, 2}) || !reflect.DeepEqual(got, values) {
		t.Errorf("all: got %v %v, want %v", steps, got, values)
	}
	for key, want := range map[string][]int64{"loss": {0, 1}, "val.acc": {0, 2}, "val.*": {0, 2}, `x\.y`: {2}, "x.y": {2}, "lo": nil, "*": {0, 1, 2}} {
		if steps, got := read(key); !reflect.DeepEqual(steps, want) {
			t.Errorf("%s: got %v %v, want steps %v", key, steps, got, want)
		}
	}
	if _, got := read("val.acc"); !reflect.DeepEqual(got[1], map[string]any{"val": map[string]any{"acc": int64(2)}}) {
		t.Errorf("val.acc: got %v, want nothing else in the row", got)
	}
	n := 0
	for range r.History(t.Context()) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("a loop that breaks saw %d rows", n)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range r.History(ended) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that of the context", err)
		}
	}
	for range (*Run)(nil).History(t.Context()) {
		t.Error("a nil run has rows")
	}
}

// TestOpenIsBounded: the memory of a reader does not grow with the run.
func TestOpenIsBounded(t *testing.T) {
	const n = 200_000
	s := quiet(t)
	r := start(t, s)
	key, row := r.Key("loss"), r.Row()
	for i := range n {
		row.Float(key, float64(i))
		if err := r.LogRow(&row); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	reader := open(t, r.Dir())
	rows, most := int64(0), uint64(0)
	for row, err := range reader.History(t.Context(), "loss") {
		if err != nil || row.Step != rows || asNumber(row.Values["loss"]) != float64(rows) {
			t.Fatalf("row %d: got %+v, %v", rows, row, err)
		}
		if rows++; rows%50_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&after)
			most = max(most, after.HeapAlloc)
		}
	}
	if info := reader.Info(); rows != n || info.Rows != n || info.LastStep != n-1 {
		t.Errorf("got %d rows, %+v", rows, info)
	}
	if most > before.HeapAlloc+2<<20 {
		t.Errorf("the heap grew from %d to %d bytes, want at most 2 MiB more", before.HeapAlloc, most)
	}
}

// TestOpenAfterACrash: a run that was cut off reads as its rows say.
func TestOpenAfterACrash(t *testing.T) {
	r := start(t, quiet(t))
	r.DefineMetric("loss", MetricOptions{Summary: Min})
	r.Log(map[string]any{"loss": 2})
	r.Log(map[string]any{"loss": 1})
	r.Log(map[string]any{"loss": 3}, NoCommit())
	got := open(t, r.dir.LogPath())
	if info := got.Info(); info.Exit != nil || !info.Alive || info.Rows != 3 || info.ID != r.ID() || info.Project != "p" || info.Start.IsZero() {
		t.Errorf("got %+v, want a living run of 3 rows", info)
	}
	if v := got.Summary()["loss"]; !reflect.DeepEqual(v, map[string]any{"min": int64(1)}) {
		t.Errorf("got %v, want the least of three rows", v)
	}
	if _, err := Open(t.Context(), t.TempDir()); err == nil {
		t.Error("a directory without a run was opened")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ended, r.Dir()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that of the context", err)
	}
	var _ HistoryRow = runlog.HistoryRow{}
}

// TestOpenTheRunOfAClient: our directory beside that of a client is the client's
// run, with our exit.
func TestOpenTheRunOfAClient(t *testing.T) {
	ours, s := start(t, quiet(t)), quiet(t)
	s.Name = "theirs"
	theirs := start(t, s)
	if err := errors.Join(theirs.Log(map[string]any{"loss": 1}), theirs.Finish(0)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(ours.dir.Follow(theirs.dir, runlog.Client{}), ours.Finish(3)); err != nil {
		t.Fatal(err)
	}
	r, err := Open(t.Context(), ours.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if i := r.Info(); i.ID != theirs.ID() || i.Name != "theirs" || i.Rows != 1 || i.Exit == nil || i.Exit.Code != 3 {
		t.Errorf("got %+v, want the run %s named theirs with a row and exit code 3", i, theirs.ID())
	}
}
