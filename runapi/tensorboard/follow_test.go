package tensorboard

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// all takes files of any time, and looks often.
var all = Options{Since: time.Unix(0, 0), Poll: 2 * time.Millisecond}

func startRun(t testing.TB) *runapi.Run {
	t.Helper()
	r, err := runapi.Init(context.Background(), runapi.Settings{
		Dir: t.TempDir(), Mode: runapi.ModeOffline, Project: "p", DisableStats: true, DisableGit: true, Environ: []string{},
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func follow(t testing.TB, r *runapi.Run, dir string, o Options) *Follower {
	t.Helper()
	f, err := Follow(context.Background(), r, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// until waits for the follower to have come so far.
func until(t testing.TB, f *Follower, far func(Counters) bool) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); !far(f.Counters()); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("still at %+v", f.Counters())
		}
	}
}

// finished ends the run and returns its rows.
func finished(t testing.TB, r *runapi.Run) []runlog.HistoryRow {
	t.Helper()
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	dir, err := runlog.OpenDir(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	run, err := runlog.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return run.History
}

func wantRows(t testing.TB, got []runlog.HistoryRow, want ...map[string]any) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d: %v", len(got), len(want), got)
		return
	}
	for i := range want {
		row := got[i].Values
		row["_timestamp"] = got[i].Timestamp
		if got[i].Step != int64(i) || !reflect.DeepEqual(row, want[i]) {
			t.Errorf("row %d: step %d, %v\nwant %v", i, got[i].Step, row, want[i])
		}
	}
}

type row = map[string]any

const name = "events.out.tfevents.1795836855.host"

// TestRowsOfSteps: one row for a step of a directory, in the order in which they
// are complete; steps that go back and keys that come twice lose nothing.
func TestRowsOfSteps(t *testing.T) {
	dir := t.TempDir()
	appendTo(t, dir, name,
		scalars(10, 0, "loss", 1.0), scalars(11, 0, "acc", 2.0),
		scalars(20, 1, "loss", 3.0),
		scalars(30, 0, "loss", 4.0), // goes back
		scalars(31, 0, "loss", 5.0), // twice
		scalars(32, 0, "global_step", 6.0))
	appendTo(t, dir, "train/deep/"+name, scalars(15, 7, "loss", 6.0), scalars(25, 8, "loss", 7.0, "acc", 8.0))
	r := startRun(t)
	f := follow(t, r, dir, all)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if c := f.Counters(); c != (Counters{Files: 2, Rows: 6, Values: 9}) {
		t.Errorf("counters %+v", c)
	}
	wantRows(t, finished(t, r),
		row{"loss": int64(1), "acc": int64(2), "global_step": int64(0), "_timestamp": 11.0},
		row{"train/deep/loss": int64(6), "global_step": int64(7), "_timestamp": 15.0},
		row{"loss": int64(3), "global_step": int64(1), "_timestamp": 20.0},
		row{"loss": int64(4), "global_step": int64(0), "_timestamp": 30.0},
		row{"train/deep/loss": int64(7), "train/deep/acc": int64(8), "global_step": int64(8), "_timestamp": 25.0},
		row{"loss": int64(5), "global_step": int64(6), "_timestamp": 32.0},
	)
}

// TestFollowsWhatComes: a file that grows, cut anywhere; a directory, a file and
// a sub-directory that were not there; and what Finish finds.
func TestFollowsWhatComes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	r := startRun(t)
	f := follow(t, r, dir, all)
	one, two := scalars(1, 1, "loss", 1.0), scalars(2, 2, "loss", math.NaN())
	appendTo(t, dir, name, one, two[:20])
	until(t, f, func(c Counters) bool { return c.Files == 1 && c.Unread == 20 })
	appendTo(t, dir, name, two[20:])
	until(t, f, func(c Counters) bool { return c.Rows == 1 && c.Unread == 0 })
	appendTo(t, dir, "eval/"+name, scalars(3, 5, "acc", 3.0))
	until(t, f, func(c Counters) bool { return c.Files == 2 })
	appendTo(t, dir, name, scalars(4, 3, "loss", 4.0))
	rows := finished(t, r) // Finish reads the rest
	if len(rows) != 4 || rows[3].Values["loss"] != int64(4) || rows[2].Values["eval/acc"] != int64(3) {
		t.Fatalf("rows %v", rows)
	}
	if v, ok := rows[1].Values["loss"].(float64); !ok || v == v {
		t.Errorf("NaN became %v", rows[1].Values["loss"])
	}
	if c := f.Counters(); c.Corrupt != 0 || c.Rows != 4 {
		t.Errorf("counters %+v", c)
	}
	if err := f.Close(); err != nil {
		t.Errorf("close after Finish: %v", err)
	}
	saved, err := os.ReadFile(filepath.Join(r.FilesDir(), "eval", name))
	if err != nil || len(saved) != len(scalars(3, 5, "acc", 3.0)) {
		t.Errorf("saved event file: %d bytes, %v", len(saved), err)
	}
	if _, err := os.Stat(filepath.Join(r.FilesDir(), name)); err != nil {
		t.Error(err)
	}
}

// TestQuietStepIsStored: the newest step does not wait for the next one for ever.
func TestQuietStepIsStored(t *testing.T) {
	f := &Follower{dirs: map[string]*rows{}, run: startRun(t)}
	x := newFile("a", f.rowsOf("a"))
	f.take(&event{step: 1, values: []value{{tag: "loss", kind: scalarValue}}}, x)
	f.settle(settleAfter)
	if f.now.Rows != 0 {
		t.Error("stored at once")
	}
	x.dir.touched = time.Now().Add(-settleAfter)
	f.settle(settleAfter)
	if f.now.Rows != 1 {
		t.Errorf("%d rows, want 1", f.now.Rows)
	}
}

// TestDamageIsCounted: a corrupt record is skipped once a good one is behind it.
// Seen to fail without search (the row behind is missing).
func TestDamageIsCounted(t *testing.T) {
	dir := t.TempDir()
	bad := scalars(2, 2, "loss", 2.0)
	bad[15] ^= 1
	appendTo(t, dir, name, scalars(1, 1, "loss", 1.0), bad, frame([]byte{0xff}), scalars(3, 3, "loss", 3.0), []byte("torn"))
	r := startRun(t)
	f := follow(t, r, dir, all)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	want := Counters{Files: 1, Rows: 2, Values: 2, Corrupt: 2, CorruptBytes: int64(len(bad)), Unread: 4}
	if c := f.Counters(); c != want {
		t.Errorf("counters %+v, want %+v", c, want)
	}
	if rows := finished(t, r); len(rows) != 2 || rows[1].Values["loss"] != int64(3) {
		t.Errorf("rows %v", rows)
	}
}

// TestReplacedAndCutFiles are read from their beginnings. Seen to fail without
// restart (the rows of the new files are missing).
func TestReplacedAndCutFiles(t *testing.T) {
	dir := t.TempDir()
	path := appendTo(t, dir, name, scalars(1, 1, "loss", 1.0), scalars(2, 2, "loss", 2.0))
	r := startRun(t)
	f := follow(t, r, dir, all)
	until(t, f, func(c Counters) bool { return c.Rows == 1 })
	other := appendTo(t, t.TempDir(), "new", scalars(3, 3, "loss", 3.0), scalars(4, 4, "loss", 4.0), scalars(5, 5, "loss", 5.0))
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	until(t, f, func(c Counters) bool { return c.Rows == 4 && c.Restarts == 1 })
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	until(t, f, func(c Counters) bool { return c.Restarts == 2 })
	appendTo(t, dir, name, scalars(6, 6, "loss", 6.0))
	if err := os.Remove(path); err != nil { // it may go at any moment
		t.Fatal(err)
	}
	appendTo(t, dir, name, scalars(7, 7, "loss", 7.0))
	rows := finished(t, r)
	if n := len(rows); n < 6 || rows[n-1].Values["loss"] != int64(7) {
		t.Errorf("rows %v", rows)
	}
}

// TestFilesOfOtherRuns are left alone, and so is the directory of runs, which
// has the files that this one saved.
func TestFilesOfOtherRuns(t *testing.T) {
	r := startRun(t)
	dir := filepath.Dir(filepath.Dir(r.Dir())) // the wandb directory is inside
	appendTo(t, dir, "events.out.tfevents.1000.host", scalars(1, 1, "old", 1.0))
	appendTo(t, dir, "events.out.tfevents.99999999999.host", scalars(2, 1, "new", 1.0))
	appendTo(t, dir, "events.out.tfevents.99999999999.host.profile-empty", scalars(3, 1, "profile", 1.0))
	appendTo(t, dir, "a.txt", []byte("no events"))
	if err := syscall.Mkfifo(filepath.Join(dir, "tfevents.99999999999.pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := follow(t, r, dir, Options{Poll: time.Millisecond})
	until(t, f, func(c Counters) bool { return c.Files == 1 })
	time.Sleep(30 * time.Millisecond) // several looks for new files
	rows := finished(t, r)
	if c := f.Counters(); c.Files != 1 || c.Older != 1 || len(rows) != 1 || rows[0].Values["new"] != int64(1) {
		t.Errorf("counters %+v, rows %v", c, rows)
	}
}

// TestBesideRowsOfTheProgram: neither disturbs the other's steps.
func TestBesideRowsOfTheProgram(t *testing.T) {
	dir := t.TempDir()
	appendTo(t, dir, name, scalars(1, 100, "loss", 1.0), scalars(2, 200, "loss", 2.0))
	r := startRun(t)
	if err := r.Log(map[string]any{"mine": 1}, runapi.AtStep(3)); err != nil {
		t.Fatal(err)
	}
	f := follow(t, r, dir, all)
	if err := errors.Join(f.Close(), r.Log(map[string]any{"too": 2}, runapi.AtStep(3), runapi.Commit())); err != nil {
		t.Fatal(err)
	}
	rows := finished(t, r)
	if len(rows) != 3 || rows[0].Step != 3 || rows[0].Values["mine"] != int64(1) || rows[0].Values["too"] != int64(2) {
		t.Fatalf("rows %v", rows)
	}
	if rows[1].Values["_writer"] != "tensorboard" || rows[2].Values["_writer_step"] != int64(1) {
		t.Errorf("rows of the files: %v", rows[1:])
	}
}

// TestImagesAndHistograms are stored as the official client stores them.
func TestImagesAndHistograms(t *testing.T) {
	r := startRun(t)
	f := follow(t, r, "testdata/torch", all)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if c := f.Counters(); c.Skipped != 1 || c.Refused != 0 || c.Values != 4 {
		t.Errorf("counters %+v", c)
	}
	rows := finished(t, r)
	if len(rows) != 2 {
		t.Fatalf("rows %v", rows)
	}
	if h, ok := rows[0].Values["w"].(map[string]any); !ok || h["_type"] != "histogram" || !reflect.DeepEqual(h["values"], []any{int64(1), int64(3), int64(1)}) {
		t.Errorf("histogram %v", rows[0].Values["w"])
	}
	img, _ := rows[1].Values["img"].(map[string]any)
	names, _ := img["filenames"].([]any)
	if img["_type"] != "images/separated" || img["format"] != "png" || img["width"] != int64(5) || img["count"] != int64(1) || len(names) != 1 {
		t.Fatalf("image %v", img)
	}
	if png, err := os.ReadFile(filepath.Join(r.FilesDir(), names[0].(string))); err != nil || !strings.HasPrefix(string(png), "\x89PNG") {
		t.Errorf("image file: %.20q, %v", png, err)
	}
}

// TestRefusedValuesDoNotTakeOthersAlong: a key that is W&B's own.
func TestRefusedValuesDoNotTakeOthersAlong(t *testing.T) {
	dir := t.TempDir()
	appendTo(t, dir, name, scalars(1, 1, "_step", 1.0, "loss", 2.0))
	r := startRun(t)
	f := follow(t, r, dir, all)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if c := f.Counters(); c.Refused != 1 || c.Values != 1 {
		t.Errorf("counters %+v", c)
	}
	if rows := finished(t, r); len(rows) != 1 || rows[0].Values["loss"] != int64(2) {
		t.Errorf("rows %v", rows)
	}
}

// TestFollowNothing: no run, a disabled one, what is no directory, a run that is
// finished, and a label that is in use.
func TestFollowNothing(t *testing.T) {
	off, err := runapi.Init(context.Background(), runapi.Settings{Mode: runapi.ModeDisabled, Environ: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*runapi.Run{nil, off} {
		f := follow(t, r, "/nowhere", Options{})
		if err := f.Close(); err != nil || f.Counters() != (Counters{}) {
			t.Errorf("%v, %+v", err, f.Counters())
		}
	}
	r := startRun(t)
	follow(t, r, t.TempDir(), Options{})
	if _, err := Follow(context.Background(), r, t.TempDir(), Options{}); !errors.Is(err, runlog.ErrLocked) {
		t.Errorf("same label: %v", err)
	}
	if _, err := Follow(context.Background(), r, t.TempDir(), Options{Label: "a/b"}); err == nil {
		t.Error("label a/b was taken")
	}
	if _, err := Follow(context.Background(), r, appendTo(t, t.TempDir(), "file"), Options{}); err == nil {
		t.Error("a file was followed")
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	if _, err := Follow(context.Background(), r, t.TempDir(), Options{Label: "late"}); !errors.Is(err, runapi.ErrFinished) {
		t.Errorf("after Finish: %v", err)
	}
}

// TestEndOfContext ends the follower; the run goes on.
func TestEndOfContext(t *testing.T) {
	dir := t.TempDir()
	appendTo(t, dir, name, scalars(1, 1, "loss", 1.0))
	r := startRun(t)
	ctx, cancel := context.WithCancel(context.Background())
	f, err := Follow(ctx, r, dir, all)
	if err != nil {
		t.Fatal(err)
	}
	until(t, f, func(c Counters) bool { return c.Files == 1 })
	cancel()
	<-f.done
	appendTo(t, dir, name, scalars(2, 2, "loss", 2.0))
	if rows := finished(t, r); len(rows) != 1 {
		t.Errorf("rows %v", rows)
	}
}

// TestFinishDoesNotWait for files that take longer to read than it has time, and
// says so; what was read is stored. Seen to fail without "f.hurry.Store" in
// finish (the rows come after the run's end).
func TestFinishDoesNotWait(t *testing.T) {
	dir := t.TempDir()
	for i := range 300 {
		var data []byte
		for j := range 1000 {
			data = append(data, scalars(float64(j), int64(i*1000+j), "loss", 1.0)...)
		}
		appendTo(t, dir, name, data)
	}
	r := startRun(t)
	f := follow(t, r, dir, all)
	time.Sleep(20 * time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	from := time.Now()
	err := r.FinishContext(ctx, runapi.Exit{})
	if took := time.Since(from); !errors.Is(err, ErrUnread) || took > 5*time.Second {
		t.Errorf("finish after %v: %v", took, err)
	}
	<-f.done
	dirOfRun, err := runlog.OpenDir(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	run, err := runlog.Load(dirOfRun)
	if c := f.Counters(); err != nil || int64(len(run.History)) != c.Rows || c.Rows == 300000 || c.Unread == 0 {
		t.Errorf("%d rows in the run, %v, %+v", len(run.History), err, c)
	}
}
