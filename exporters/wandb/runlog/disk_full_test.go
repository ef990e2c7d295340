//go:build linux

package runlog

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The same as TestDiskFullAtEveryByte with a real file system that is full.
func TestRealDiskFull(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childDir+"="+t.TempDir(), childMode+"=full")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if cmd.Process == nil || strings.Contains(string(out), "cannot mount") {
		t.Skipf("no user and mount namespaces here: %v %s", err, out)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// fillDisk runs in namespaces of its own.
func fillDisk(path string) error {
	if err := unix.Mount("none", path, "tmpfs", 0, "size=128k"); err != nil {
		return fmt.Errorf("cannot mount: %w", err)
	}
	ballast := filepath.Join(path, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 96<<10), 0o600); err != nil {
		return err
	}
	dir := &Dir{Path: path, RunID: "full"}
	w, err := Create(dir.LogPath(), patient)
	if err != nil {
		return err
	}
	const rows = 500 // about 70 kB
	for i := range int64(rows) {
		if err := w.Row(someRow(i)); err != nil {
			return err
		}
	}
	if c := w.Counters(); !c.Failing || c.PendingRecords == 0 || c.Records == 0 || c.Records+c.PendingRecords != rows+1 {
		return fmt.Errorf("on a full disk: got %+v", c)
	}
	if run, err := Load(dir); err != nil || len(run.History) == 0 {
		return fmt.Errorf("load on a full disk: got %+v, %w", run, err)
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	for end := time.Now().Add(time.Minute); w.Counters().PendingRecords > 0 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	if err := w.Close(); err != nil {
		return err
	}
	run, err := Load(dir)
	if err != nil || len(run.History) != rows || run.Damage.Any() {
		return fmt.Errorf("when space is back: got %d rows, damage %+v, %w", len(run.History), run.Damage, err)
	}
	return nil
}
