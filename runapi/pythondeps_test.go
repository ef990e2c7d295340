package runapi

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// TestPackagesOfAPythonProgram that is followed are a file of the run.
func TestPackagesOfAPythonProgram(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 here")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "made_up-1.2.3.dist-info/METADATA"), "Name: made-up\nVersion: 1.2.3\n")
	cmd := exec.Command(python, "-c", "input()")
	cmd.Env = append(cmd.Environ(), "PYTHONPATH="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := quiet(t)
	s.PID, s.FollowClient = cmd.Process.Pid, true
	r := start(t, s)
	time.Sleep(500 * time.Millisecond) // the program runs for a while
	in.Close()
	_ = cmd.Wait()
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	if text := content(t, r, requirementsFile); !strings.Contains("\n"+text, "\nmade-up==1.2.3\n") {
		t.Errorf("%s is %q", requirementsFile, text)
	}
	told := logged(t, r.Dir(), func(rec *wandbpb.Record) string {
		for _, f := range rec.GetFiles().GetFiles() {
			if f.GetPath() == requirementsFile {
				return "told"
			}
		}
		return ""
	})
	if len(told) != 1 {
		t.Errorf("the log names it %d times", len(told))
	}
}
