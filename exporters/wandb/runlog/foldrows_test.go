package runlog

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// partOf begins the part of a program inside exec.
func partOf(t *testing.T, d *Dir, name, label string) *Writer {
	t.Helper()
	w := create(t, d.PartPath(name))
	run := &wandbpb.RunRecord{RunId: d.RunID, Writer: &wandbpb.Writer{Label: label}}
	check(t, w.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: run}}))
	return w
}

func rowAt(step int64, second float64, v float64) *Row {
	return &Row{Step: step, Runtime: second, Timestamp: epoch + second, Items: []Item{{Key: NewKey("v"), F: v}}}
}

func TestFoldKeepsStepsOfOneProgram(t *testing.T) {
	d := newDir(t)
	w, part := create(t, d.LogPath()), partOf(t, d, "program-a", "")
	check(t, part.Row(rowAt(5, 1, 1)))
	check(t, part.Row(rowAt(9, 2, 2)))
	check(t, part.Close())
	check(t, Fold(w, d, nil, func() error { return nil }))
	check(t, w.Close())
	run, err := Load(d)
	check(t, err)
	wantText(t, "rows", rowsOf(run), "5 v=1\n9 v=2\n")
}

// Ranks that one exec started count their steps each from 0: none may be lost
// or overwritten. A fold that was interrupted goes on with the same numbers.
func TestFoldNumbersRowsOfSeveralPrograms(t *testing.T) {
	d := newDir(t)
	w := create(t, d.LogPath())
	check(t, w.Write(runRecord()))
	a, b := partOf(t, d, "program-a", "rank-0"), partOf(t, d, "program-b", "rank-1")
	for i := range int64(2) {
		check(t, a.Row(rowAt(i, float64(i), float64(i))))
		check(t, b.Row(rowAt(i, float64(i)+0.5, float64(10+i))))
	}
	for _, w := range []*Writer{a, b} { // as a program that ends well does
		check(t, w.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: &wandbpb.SummaryRecord{
			Derived: true, Update: []*wandbpb.SummaryItem{{NestedKey: []string{"_step"}, ValueJson: "1"}},
		}}}))
		check(t, w.Close())
	}
	open, err := CreateOpenSteps(d.PartOpenStepsPath("program-b"), patient)
	check(t, err)
	check(t, open.Append(rowAt(1, 1.5, 11))) // finished
	check(t, open.Append(rowAt(2, 3, 12)))
	check(t, open.Close())
	killed := errors.New("killed here")
	if err := Fold(w, d, nil, func() error { return killed }); !errors.Is(err, killed) {
		t.Fatal(err)
	}
	check(t, w.Close())
	_, err = Repair(d)
	check(t, err)
	run, err := Load(d)
	check(t, err)
	want := "0 rank-0.0 v=0\n1 rank-1.0 v=10\n2 rank-0.1 v=1\n3 rank-1.1 v=11\n4 rank-1.2 v=12\n"
	got := ""
	for _, r := range run.History {
		got += fmt.Sprintf("%d %v.%v v=%v\n", r.Step, r.Values[writerKey], r.Values[writerStepKey], r.Values["v"])
	}
	wantText(t, "rows", got, want)
	if _, ok := run.Summary[writerKey]; ok || run.Summary["_step"] != int64(4) {
		t.Errorf("summary: got %v", run.Summary)
	}
}

// A program inside exec that was killed in the middle of a step: exec's own fold
// makes a row of it, so that any sync finds it.
func TestFoldStoresTheStepsThatAPartLeftOpen(t *testing.T) {
	d := newDir(t)
	w := create(t, d.LogPath())
	part := partOf(t, d, "program-a", "")
	check(t, part.Row(rowAt(0, 0, 1)))
	check(t, part.Close())
	open, err := CreateOpenSteps(d.PartOpenStepsPath("program-a"), patient)
	check(t, err)
	check(t, open.Append(rowAt(0, 0, 1))) // finished
	check(t, open.Append(rowAt(1, 1, 2)))
	check(t, open.Close())
	seen := 0
	check(t, Fold(w, d, func(rec *wandbpb.Record) {
		if rec.GetHistory() != nil {
			seen++
		}
	}, func() error { return nil }))
	check(t, w.Close())
	run, err := Load(d)
	check(t, err)
	wantText(t, "rows", rowsOf(run), "0 v=1\n1 v=2\n")
	if _, err := os.Stat(d.PartOpenStepsPath("program-a")); seen != 2 || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("visit saw %d rows, want 2; the side file: %v, want it gone", seen, err)
	}
}

// Two writers may be at the same step: what one left open is not what the other
// has finished. Protection: the part in finished().
func TestAnotherWritersRowDoesNotFinishAnOpenStep(t *testing.T) {
	d := newDir(t)
	w := create(t, d.LogPath())
	check(t, w.Write(runRecord()))
	part := partOf(t, d, "program-a", "rank-0")
	check(t, part.Row(rowAt(0, 0, 1)))
	check(t, part.Close())
	check(t, w.Close())
	open, err := CreateOpenSteps(d.OpenStepsPath(), patient)
	check(t, err)
	check(t, open.Append(rowAt(0, 1, 2)))
	check(t, open.Close())
	_, err = Repair(d)
	check(t, err)
	run, err := Load(d)
	check(t, err)
	if len(run.History) != 2 || run.Summary["v"] != int64(2) {
		t.Errorf("got rows\n%sand summary %v, want the open step too", rowsOf(run), run.Summary)
	}
}
