package runlog

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// partsOnly makes a run directory in which only exec has written.
func partsOnly(t *testing.T) (*Dir, *Writer) {
	t.Helper()
	dir, err := NewDir(DirOptions{WandbDir: t.TempDir(), RunID: "parts001", Start: time.Now()})
	check(t, err)
	w, err := Create(dir.PartPath("exec"), patient)
	check(t, err)
	check(t, w.Output(false, 1.7e18, []byte("hello\n")))
	check(t, w.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Exit{Exit: &wandbpb.RunExitRecord{ExitCode: 7}}}))
	return dir, w
}

// TestRepairOfPartsOnly: seen to fail without the call of begin.
func TestRepairOfPartsOnly(t *testing.T) {
	dir, w := partsOnly(t)
	check(t, w.Close())
	report, err := Repair(dir)
	check(t, err)
	if report.FoldedParts != 1 || !report.Exit.Known || report.Exit.Code != 7 {
		t.Errorf("got %+v, want one part folded and exit 7", report)
	}
	run, err := Load(dir)
	check(t, err)
	if run.ID != "parts001" || run.Start.Unix() != 1.7e9 || len(run.Console) != 1 || run.Exit == nil || run.Exit.Code != 7 {
		t.Errorf("got %+v", run)
	}
	left, _ := filepath.Glob(filepath.Join(dir.Path, "run-*"))
	if len(left) != 1 || left[0] != dir.LogPath() {
		t.Errorf("the directory has %q, want the log only", left)
	}
	if again, err := Repair(dir); err != nil || again.Changed {
		t.Errorf("second repair: %+v, %v; want nothing changed", again, err)
	}
}

// TestRepairWaitsForTheWriterOfAPart: the log of such a run may yet be begun.
// Seen to fail without the lock in firstTime.
func TestRepairWaitsForTheWriterOfAPart(t *testing.T) {
	dir, w := partsOnly(t)
	defer w.Close()
	if _, err := Repair(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("repair while the part's writer lives: got %v, want ErrLocked", err)
	}
	if _, err := os.Stat(dir.LogPath()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a log was begun: %v", err)
	}
}
