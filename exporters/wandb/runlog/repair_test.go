package runlog

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

func newDir(t testing.TB) *Dir {
	t.Helper()
	d, err := NewDir(DirOptions{WandbDir: t.TempDir(), RunID: "abc"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t testing.TB, path string) *Writer {
	t.Helper()
	w, err := Create(path, patient)
	check(t, err)
	return w
}

func runRecord() *wandbpb.Record {
	return &wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: &wandbpb.RunRecord{
		RunId: "abc", Project: "p", StartTime: &timestamppb.Timestamp{Seconds: 1.7e9},
	}}}
}

func TestReopenCutsATornTailAndGoesOn(t *testing.T) {
	whole := logBytes(t, 5)
	all, ends, _ := readAll(t, whole)
	for cut := 0; cut < len(whole); cut += 1 + cut/400 {
		path := filepath.Join(t.TempDir(), "run-x.wandb")
		check(t, os.WriteFile(path, whole[:cut], 0o600))
		w, err := Reopen(path, patient)
		check(t, err)
		check(t, w.Row(someRow(9)))
		want, end := 0, int64(0)
		if cut >= len(fileHeader) {
			end = int64(len(fileHeader))
		}
		for want < len(all) && ends[want] <= int64(cut) {
			want, end = want+1, ends[want]
		}
		if got := w.Counters().TornBytes; got != int64(cut)-end {
			t.Errorf("cut at %d: got %d torn bytes, want %d", cut, got, int64(cut)-end)
		}
		check(t, w.Close())
		b, _ := os.ReadFile(path)
		recs, _, d := readAll(t, b)
		if end == 0 {
			want = 1 // the header record is written again
		}
		if len(recs) != want+1 || d.Any() || recs[want].GetNum() != int64(want+1) {
			t.Fatalf("cut at %d: got %d records, damage %+v, want %d and none", cut, len(recs), d, want+1)
		}
	}
}

func TestRepairWhileTheWriterLives(t *testing.T) {
	d := newDir(t)
	w := create(t, d.LogPath())
	defer w.Close()
	if _, err := Repair(d); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
	if _, err := Reopen(d.LogPath(), Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("Reopen: got %v, want ErrLocked", err)
	}
}

// crashed makes a run whose main writer and part were killed.
func crashed(t *testing.T) *Dir {
	d := newDir(t)
	w := create(t, d.LogPath())
	check(t, w.Write(runRecord()))
	for i := range int64(3) {
		check(t, w.Row(someRow(i)))
	}
	check(t, w.Close())
	part := create(t, d.PartPath("worker"))
	check(t, part.Output(false, 1.7e18+1e9, []byte("one\n")))
	check(t, part.Stats(1.7e18+2e9, []StatItem{{NewStatKey("cpu"), 5}}))
	check(t, part.Close())
	other := create(t, d.PartPath("front"))
	check(t, other.Output(true, 1.7e18+15e8, []byte("between\n")))
	check(t, other.Write(exitRecord(&wandbpb.RunExitRecord{ExitCode: 137, Signal: 9, Runtime: 4})))
	check(t, other.Close())
	open, err := CreateOpenSteps(d.OpenStepsPath(), patient)
	check(t, err)
	check(t, open.Append(someRow(2))) // the log has this step already
	check(t, open.Append(&Row{Step: 3, Timestamp: 1.7e9, Items: []Item{{Key: NewKey("loss"), F: 9}, {Key: NewKey("x"), F: 1}}}))
	check(t, open.Append(&Row{Step: 3, Timestamp: 1.8e9, Runtime: 7, Items: []Item{{Key: NewKey("loss"), F: 0.5}}}))
	check(t, open.Close())
	return d
}

func wantWhole(t *testing.T, d *Dir) *Run {
	t.Helper()
	run, err := Load(d)
	check(t, err)
	if len(run.History) != 4 || run.Damage.Any() || run.Project != "p" {
		t.Fatalf("got %+v", run)
	}
	last := run.History[3]
	if last.Step != 3 || last.Values["loss"] != 0.5 || last.Values["x"] != int64(1) || last.Timestamp != 1.8e9 || last.Runtime != 7 {
		t.Errorf("open step: got %+v", last)
	}
	var text bytes.Buffer
	for _, c := range run.Console {
		text.WriteString(c.Text)
	}
	if text.String() != "one\nbetween\n" || len(run.Stats) != 1 || run.Stats[0].Values["cpu"] != int64(5) {
		t.Errorf("console %q, stats %v: want those of both parts in time order", &text, run.Stats)
	}
	if run.Exit == nil || *run.Exit != (Exit{Code: 137, Signal: 9, Known: true, Runtime: 4e9}) || run.Crashed {
		t.Errorf("exit: got %+v", run.Exit)
	}
	if run.Summary["loss"] != 0.5 || run.Summary["_step"] != int64(3) {
		t.Errorf("summary: got %v", run.Summary)
	}
	return run
}

func TestRepairMakesTheRunWhole(t *testing.T) {
	d := crashed(t)
	wantWhole(t, d) // readers see the same before
	report, err := Repair(d)
	check(t, err)
	if report.FoldedParts != 2 || report.FoldedRecords != 3 || report.OpenSteps != 1 || !report.AddedExit || !report.Changed {
		t.Errorf("got %+v", report)
	}
	wantWhole(t, d)
	left, _ := filepath.Glob(filepath.Join(d.Path, "run-*"))
	if len(left) != 1 {
		t.Errorf("files left: %v, want the log alone", left)
	}
	before, _ := os.ReadFile(d.LogPath())
	recs, _, _ := readAll(t, before)
	n := len(recs)
	if recs[n-4].GetSummary() == nil || recs[n-3].GetExit() == nil || recs[n-2].GetFinal() == nil || recs[n-1].GetFooter() == nil {
		t.Errorf("the end is %v, want summary, exit, final, footer", recs[n-4:])
	}
	report, err = Repair(d)
	check(t, err)
	after, _ := os.ReadFile(d.LogPath())
	if report.Changed || !bytes.Equal(before, after) {
		t.Errorf("second repair: got %+v and another file", report)
	}
}

// A repair that was killed between copying and removing must not copy again.
// Protection: the marks that resume() reads.
func TestInterruptedFoldCopiesOnce(t *testing.T) {
	d := crashed(t)
	kept := map[string][]byte{}
	for _, path := range []string{d.PartPath("worker"), d.PartPath("front"), d.OpenStepsPath()} {
		kept[path], _ = os.ReadFile(path)
	}
	_, err := Repair(d)
	check(t, err)
	for path, b := range kept {
		check(t, os.WriteFile(path, b, 0o600))
	}
	wantWhole(t, d)
	report, err := Repair(d)
	check(t, err)
	if report.FoldedRecords != 0 || report.OpenSteps != 0 || report.FoldedParts != 2 {
		t.Errorf("got %+v, want the parts gone and nothing copied", report)
	}
	wantWhole(t, d)
}

// What a part adds after the run was ended goes in front of the exit record.
func TestLatePartGoesBeforeTheExit(t *testing.T) {
	d := newDir(t)
	w := create(t, d.LogPath())
	check(t, w.Write(runRecord()))
	check(t, w.Row(someRow(0)))
	check(t, w.Write(exitRecord(&wandbpb.RunExitRecord{ExitCode: 3})))
	check(t, w.Close())
	part := create(t, d.PartPath("late"))
	check(t, part.Output(false, 1.7e18, []byte("last words\n")))
	check(t, part.Close())
	report, err := Repair(d)
	check(t, err)
	if report.Exit != (Exit{Code: 3, Known: true}) || report.FoldedRecords != 1 {
		t.Errorf("got %+v", report)
	}
	b, _ := os.ReadFile(d.LogPath())
	recs, _, damage := readAll(t, b)
	exitAt, outputAt := 0, 0
	for i, rec := range recs {
		if rec.GetNum() != int64(i+1) {
			t.Errorf("record %d has num %d", i+1, rec.GetNum())
		}
		if rec.GetExit() != nil {
			exitAt = i
		}
		if rec.GetOutputRaw() != nil {
			outputAt = i
		}
	}
	if damage.Any() || outputAt == 0 || exitAt != len(recs)-3 {
		t.Errorf("output at %d, exit at %d of %d, damage %+v", outputAt, exitAt, len(recs), damage)
	}
}

func TestFoldLeavesLivingPartsAlone(t *testing.T) {
	d := newDir(t)
	w := create(t, d.LogPath())
	live, dead := create(t, d.PartPath("live")), create(t, d.PartPath("dead"))
	defer live.Close()
	check(t, live.Output(false, 2e18, []byte("live\n")))
	check(t, dead.Output(false, 1e18, []byte("dead\n")))
	check(t, dead.Close())
	for range 2 { // the second finds nothing to do
		check(t, Fold(w, d, nil, func() error { return nil }))
	}
	check(t, w.Close())
	if _, err := os.Stat(d.PartPath("live")); err != nil {
		t.Errorf("part with a living writer: %v", err)
	}
	if _, err := os.Stat(d.PartPath("dead")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folded part: got %v, want it removed", err)
	}
	run, err := Load(d)
	check(t, err)
	if len(run.Console) != 2 || run.Console[0].Text != "dead\n" || run.Console[1].Text != "live\n" {
		t.Errorf("console: got %v", run.Console)
	}
}

// TestFoldKeepsPartsUntilTheEndIsWritten: a kill before the run's own exit
// record finds the part's. Seen to fail with end called after remove.
func TestFoldKeepsPartsUntilTheEndIsWritten(t *testing.T) {
	d := newDir(t)
	w, part := create(t, d.LogPath()), create(t, d.PartPath("exec"))
	check(t, part.Output(false, 1e18, []byte("from the part\n")))
	check(t, part.Write(exitRecord(&wandbpb.RunExitRecord{ExitCode: 7})))
	check(t, part.Close())
	failed := errors.New("killed here")
	if err := Fold(w, d, nil, func() error { return failed }); !errors.Is(err, failed) {
		t.Errorf("got %v, want the error of end", err)
	}
	check(t, w.Close())
	report, err := Repair(d)
	check(t, err)
	if !report.Exit.Known || report.Exit.Code != 7 || report.FoldedParts != 1 {
		t.Errorf("repair after a kill in the end: got %+v, want exit 7 of the part", report)
	}
	run, err := Load(d)
	check(t, err)
	if len(run.Console) != 1 {
		t.Errorf("the part's line is there %d times, want once", len(run.Console))
	}
}

func TestUnknownExitIsSaid(t *testing.T) {
	d := newDir(t)
	w := create(t, d.LogPath())
	check(t, w.Write(runRecord()))
	check(t, w.Row(someRow(0)))
	check(t, w.Close())
	report, err := Repair(d)
	check(t, err)
	run, err := Load(d)
	check(t, err)
	if report.Exit.Known || run.Exit == nil || run.Exit.Known || run.Exit.Code == 0 || !run.Crashed {
		t.Errorf("got report %+v, exit %+v", report, run.Exit)
	}
}

// Files of the right name that are no logs hide nothing and are not deleted.
// Protection: beginsAsLog() and repair.alien.
func TestAlienFilesAreLeftAlone(t *testing.T) {
	d := crashed(t)
	alien := []string{d.PartPath("alien"), d.OpenStepsPath()}
	for _, path := range alien {
		check(t, os.WriteFile(path, []byte("not a log at all"), 0o600))
	}
	for range 2 {
		run, err := Load(d)
		check(t, err)
		if len(run.History) != 3 || run.Damage.BadChunks != 1 {
			t.Errorf("got %d rows, damage %+v", len(run.History), run.Damage)
		}
		_, err = Repair(d)
		check(t, err)
	}
	for _, path := range alien {
		if b, err := os.ReadFile(path); string(b) != "not a log at all" {
			t.Errorf("%s: got %q, %v", path, b, err)
		}
	}
	if report, err := Repair(d); err != nil || report.Changed {
		t.Errorf("third repair: got %+v, %v, want no change", report, err)
	}
}

// The side file gives its space back only when the rows are on stable
// storage. Protection: the SyncedBytes test in reclaim().
func TestOpenStepsWaitForTheLogsSync(t *testing.T) {
	d := newDir(t)
	w := create(t, d.LogPath())
	open, err := CreateOpenSteps(d.OpenStepsPath(), patient)
	check(t, err)
	check(t, open.Append(someRow(0)))
	check(t, w.Row(someRow(0)))
	open.Reset(w)
	check(t, open.Append(someRow(1)))
	rows, _, err := readOpenSteps(d.OpenStepsPath())
	check(t, err)
	if len(rows) != 2 {
		t.Errorf("before the sync: got %d steps in the side file, want both", len(rows))
	}
	check(t, w.Row(someRow(1)))
	open.Reset(w)
	check(t, w.Sync())
	check(t, open.Append(someRow(2)))
	rows, _, err = readOpenSteps(d.OpenStepsPath())
	check(t, err)
	if len(rows) != 1 || rows[0].Step != 2 {
		t.Errorf("after the sync: got %v, want step 2 alone", rows)
	}
	check(t, open.Close())
	if _, err := os.Stat(d.OpenStepsPath()); err != nil {
		t.Errorf("a step is open: got %v, want the file kept", err)
	}
	check(t, w.Close())
}

// A loop that commits faster than the disk syncs must not let the side file
// grow for ever. Protection: the limit in reclaim().
func TestOpenStepsAreBounded(t *testing.T) {
	d := newDir(t)
	w := create(t, d.LogPath())
	open, err := CreateOpenSteps(d.OpenStepsPath(), patient)
	check(t, err)
	open.limit = 10_000
	largest := int64(0)
	for i := range int64(1000) {
		check(t, open.Append(someRow(i)))
		check(t, w.Row(someRow(i)))
		open.Reset(w)
		largest = max(largest, open.Counters().Bytes)
		open.limit = min(open.limit, 10_000)
	}
	if largest > 11_000 {
		t.Errorf("the side file grew to %d bytes, want about 10000", largest)
	}
	check(t, open.Close())
	if _, err := os.Stat(d.OpenStepsPath()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no step is open: got %v, want the file gone", err)
	}
	check(t, w.Close())
}

func FuzzOpenSteps(f *testing.F) {
	d := newDir(f)
	open, err := CreateOpenSteps(d.OpenStepsPath(), patient)
	check(f, err)
	for i := range int64(3) {
		check(f, open.Append(someRow(i/2)))
	}
	check(f, open.Close())
	b, err := os.ReadFile(d.OpenStepsPath())
	check(f, err)
	f.Add(b)
	f.Add(b[:len(b)-5])
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, _, err := joinParts(bytes.NewReader(b))
		if err != nil {
			return
		}
		for i, row := range rows {
			if i > 0 && rows[i-1].Step >= row.Step {
				t.Fatalf("steps %d, %d: want each once, ascending", rows[i-1].Step, row.Step)
			}
			if got := stepOf(rowRecord(row).GetHistory()); got != row.Step {
				t.Fatalf("step %d reads back as %d", row.Step, got)
			}
		}
	})
}
