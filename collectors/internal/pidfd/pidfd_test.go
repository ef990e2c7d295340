//go:build linux

package pidfd

import (
	"errors"
	"io/fs"
	"os/exec"
	"testing"
	"time"
)

func TestExited(t *testing.T) {
	for _, foreign := range []bool{false, true} {
		cmd := exec.Command("sleep", "60")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		h, err := Open("/proc", cmd.Process.Pid, foreign)
		if err != nil {
			t.Fatal(err)
		}
		if h.Exited() {
			t.Errorf("foreign %v: a living process has exited", foreign)
		}
		if n := testing.AllocsPerRun(100, func() { h.Exited() }); n != 0 {
			t.Errorf("foreign %v: Exited: %v allocations, want 0", foreign, n)
		}
		cmd.Process.Kill()
		if !foreign { // a pidfd tells the exit before anybody reaps
			for deadline := time.Now().Add(20 * time.Second); !h.Exited() && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			if !h.Exited() {
				t.Error("a killed process has not exited")
			}
		}
		cmd.Wait()
		if !h.Exited() {
			t.Errorf("foreign %v: a reaped process has not exited", foreign)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := Open("/proc", 1<<30, false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such process: got %v, want fs.ErrNotExist", err)
	}
}
