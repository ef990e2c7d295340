//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestStopWithoutAServer: the command of a run that is kept gets SIGTERM. Seen to
// fail without "r.lookForStop" in background of runapi.
func TestStopWithoutAServer(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("wandb-agent", execArgs(dir, "sh", "-c", "trap 'exit 9' TERM; touch "+filepath.Join(dir, "ready")+"; while :; do sleep 0.05; done")...)
	collect := record(t, cmd)
	start(t, cmd)
	eventually(t, "the command", func() bool { _, err := os.Stat(filepath.Join(dir, "ready")); return err == nil })
	run := filepath.Join(dir, "wandb", "latest-run")
	if s := agentSays(t, "stop", run); s.code != 0 || !strings.Contains(s.stderr, "is asked to stop") {
		t.Fatalf("stop: exit %d: %s", s.code, s.stderr)
	}
	code := done(t, cmd)
	if _, errs := collect(); code != 9 || !strings.Contains(errs, "somebody stopped the run") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if s := agentSays(t, "stop", run); s.code != 1 || !strings.Contains(s.stderr, "no process of this machine is at it") {
		t.Errorf("stop of a run that is over: exit %d: %s", s.code, s.stderr)
	}
}
