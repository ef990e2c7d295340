//go:build linux

package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// preempted says whether the newest run below dir holds a record that says so.
func preempted(t *testing.T, dir string) (marked bool) {
	t.Helper()
	run, err := runlog.OpenDir(filepath.Join(dir, "wandb", "latest-run"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runlog.Walk(run, func(_ string, rec *wandbpb.Record) error {
		marked = marked || rec.GetPreempting() != nil
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return marked
}

// TestSchedulersSignalMarksTheRun: SIGTERM under Slurm, and nothing else. Seen to
// fail without conf.Signaled in keep.
func TestSchedulersSignalMarksTheRun(t *testing.T) {
	for _, test := range []struct {
		signal, job string
		want        bool
	}{{"TERM", "SLURM_JOB_ID=7", true}, {"INT", "SLURM_JOB_ID=7", false}, {"TERM", "NO_JOB=7", false}} {
		dir := t.TempDir()
		script := "trap 'sleep 0.4; exit 5' " + test.signal + "; kill -" + test.signal + " $PPID; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.5; done"
		cmd := exec.Command("wandb-agent", execArgs(dir, "sh", "-c", script)...)
		cmd.Env = append(cmd.Environ(), test.job)
		if s := says(t, cmd); s.code != 5 {
			t.Fatalf("%+v: exit %d: %s", test, s.code, s.stderr)
		}
		if got := preempted(t, dir); got != test.want {
			t.Errorf("%+v: the run is marked: %v", test, got)
		}
	}
}
