package runapi

import (
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// TestRunRecordCanBeSynced checks what the official wandb sync needs of the run
// record; interop runs that program itself.
func TestRunRecordCanBeSynced(t *testing.T) {
	s := quiet(t)
	s.Config = map[string]any{"lr": 0.1}
	r := start(t, s)
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	runs := 0
	_, err := runlog.Walk(r.dir, func(_ string, rec *wandbpb.Record) error {
		run := rec.GetRun()
		if run == nil {
			return nil
		}
		runs++
		keys := map[string]bool{}
		for _, it := range run.GetConfig().GetUpdate() {
			keys[it.GetKey()] = true
		}
		if rec.GetControl().GetMailboxSlot() == "" || run.GetStartTime() == nil || run.GetRunId() != r.ID() || !keys["lr"] || !keys[ownKey] {
			t.Errorf("run record is %v", rec)
		}
		return nil
	})
	if err != nil || runs != 1 {
		t.Errorf("%d run records, want 1 (%v)", runs, err)
	}
}
