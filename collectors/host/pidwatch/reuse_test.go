//go:build linux

package pidwatch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

// TestNumberReused forces the kernel to give a dead process's number to
// another one, in a pid namespace of its own.
func TestNumberReused(t *testing.T) {
	cmd := role(t, "reuse")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.Output()
	switch text := string(out); {
	case strings.HasPrefix(text, "skip:"):
		t.Skip(text)
	case cmd.Process == nil:
		t.Skipf("no namespaces here: %v", err)
	case text != "ok\n":
		t.Errorf("got %q, %v", text, err)
	}
}

func reuseRole([]string) error {
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		fmt.Println("skip: mount /proc:", err)
		return nil
	}
	first := target("exit 7")
	end, err := first.StdinPipe()
	if err != nil {
		return err
	}
	if err := first.Start(); err != nil {
		return err
	}
	pid := first.Process.Pid
	p, err := Open(pid)
	if err != nil {
		return err
	}
	end.Close()
	first.Wait()
	if err := os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(itoa(pid-1)), 0); err != nil {
		fmt.Println("skip:", err)
		return nil
	}
	second := target("exit 3")
	hold, err := second.StdinPipe()
	if err != nil {
		return err
	}
	defer hold.Close()
	if err := second.Start(); err != nil {
		return err
	}
	if second.Process.Pid != pid {
		fmt.Printf("skip: got number %d, wanted %d again\n", second.Process.Pid, pid)
		return nil
	}
	// As if the number had changed hands between pidfd_open and opening stat.
	raced := &Process{pid: pid, pidfd: p.pidfd}
	if err := raced.openFiles(); !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("files of the second process taken for those of the first: %v", err)
	}
	s, err := p.Wait(context.Background())
	if err != nil {
		return err
	}
	if s.Known && s.Code != 7 || s.Known != tellsCollected() {
		return fmt.Errorf("status of the first process: %v", s)
	}
	// The two start within the same clock tick now and then, so another tick is asked for.
	if _, err := OpenAt(pid, p.StartTicks()+1000); !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("OpenAt another start: %v", err)
	}
	fmt.Println("ok")
	return nil
}
