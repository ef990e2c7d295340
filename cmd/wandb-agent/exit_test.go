//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/wandb-agent/wandb-agent/collectors/host/pidwatch"
)

// endings are the ways a command ends, as the shell text that does it.
var endings = []struct {
	name, script string
	code, signal int
}{
	{"exit 0", "exit 0", 0, 0},
	{"exit 7", "exit 7", 7, 0},
	{"SIGKILL", "kill -KILL $$", 137, 9},
	{"SIGSEGV", "kill -SEGV $$", 139, 11},
}

// waiting is a command that says begin, waits for the file go in dir, says end
// and ends as script says. It ignores SIGPIPE: nobody may read what it says.
func waiting(dir, script string) []string {
	text := fmt.Sprintf("trap '' PIPE; ulimit -c 0; echo begin; while [ ! -e %q ]; do sleep 0.05; done; echo end; : > %q; %s",
		filepath.Join(dir, "go"), filepath.Join(dir, "ending"), script)
	return []string{"sh", "-c", text}
}

// wantExit compares a run's exit record; unknown when known is false.
func wantExit(t *testing.T, got *shownExit, known bool, code, signal int) {
	t.Helper()
	switch {
	case got == nil:
		t.Errorf("the run has no exit record")
	case !known:
		if got.Status != "unknown" || got.Code != nil || got.Signal != 0 {
			t.Errorf("got exit %+v, want unknown without a code", *got)
		}
	case got.Status != "known" || got.Code == nil || *got.Code != code || got.Signal != signal:
		t.Errorf("got exit %+v (code %v), want code %d, signal %d", *got, got.Code, code, signal)
	}
}

// TestExecExit is how a command's end is told by exec and by its run, whatever
// else dies. With keeper and worker gone nobody is left to tell: the run is
// shown as crashed, without an exit record. Seen to fail without "takeOver" in
// keeper.Worker.Wait (keeper killed), without the restart in supervisor.run
// (worker killed) and with exitJSON giving a code for what is unknown.
func TestExecExit(t *testing.T) {
	for _, e := range endings {
		for _, victim := range []string{"nobody", "worker", "keeper", "both"} {
			t.Run(e.name+"/"+victim, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				cmd := exec.Command("wandb-agent", execArgs(dir, waiting(dir, e.script)...)...)
				collect := record(t, cmd)
				start(t, cmd)
				worker := 0
				eventually(t, "the worker measures", func() bool {
					worker = workerOf(cmd.Process.Pid)
					return worker != 0 && latest(dir)["agent.proc.count"] != nil
				})
				if victim == "keeper" || victim == "both" {
					cmd.Process.Kill()
					done(t, cmd)
				}
				if victim == "worker" || victim == "both" {
					syscall.Kill(worker, syscall.SIGKILL)
				}
				touch(t, filepath.Join(dir, "go"))
				eventually(t, "the command ends", func() bool { _, err := os.Stat(filepath.Join(dir, "ending")); return err == nil })
				if victim == "both" {
					wantCrashed(t, dir)
					return
				}
				if victim != "keeper" {
					if code := done(t, cmd); code != e.code {
						t.Errorf("exec exits with %d, want %d", code, e.code)
					}
				}
				eventually(t, "the run is finished", func() bool { return folded(dir) })
				run := shown(t, dir)
				wantExit(t, run.Exit, victim != "keeper" || pidwatch.KnowsEveryStatus(), e.code, e.signal)
				stdout, _ := collect()
				if got := consoleOf(&run, "stdout"); got != "begin\nend\n" || stdout != got {
					t.Errorf("console in the run is %q, on stdout %q, want all", got, stdout)
				}
			})
		}
	}
}

// folded reports whether the newest run has its exit and everything that other
// writers added.
func folded(dir string) bool {
	run, ok := loaded(dir)
	parts, _ := filepath.Glob(filepath.Join(dir, "wandb", "latest-run", "*.part"))
	return ok && run.Exit != nil && len(parts) == 0
}

// wantCrashed checks a run whose agent died with nobody to end it.
func wantCrashed(t *testing.T, dir string) {
	t.Helper()
	run := shown(t, dir)
	if run.Exit != nil || !run.Crashed {
		t.Errorf("got exit %+v, crashed %v, want no exit and crashed", run.Exit, run.Crashed)
	}
	if got := consoleOf(&run, "stdout"); got != "" && got != "begin\n" {
		t.Errorf("console in the run is %q", got)
	}
	if s := agentSays(t, "show", filepath.Join(dir, "wandb", "latest-run")); s.code != 0 || !strings.Contains(s.stdout, "crashed") {
		t.Errorf("show: exit %d, %q", s.code, s.stdout)
	}
}

// TestAttachExit is how attach tells the end of a process that is not its
// child: on this kernel, and on one that does not answer PIDFD_GET_INFO, where
// only an unreaped process tells its status. Seen to fail with
// Status.Known always true in attach.
func TestAttachExit(t *testing.T) {
	for _, e := range endings {
		for _, c := range []struct {
			name, collect string
			refuse, known bool
		}{
			{"collected", "collect", false, pidwatch.KnowsEveryStatus()},
			{"autoreaped", "autoreap", false, pidwatch.KnowsEveryStatus()},
			{"refused, zombie", "never", true, true},
			{"refused, autoreaped", "autoreap", true, false},
		} {
			t.Run(e.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				pid, release := startParent(t, c.collect, waiting(dir, e.script))
				defer release()
				args := []string{"attach", "--pid", strconv.Itoa(pid), "--dir", dir, "--sample-interval", "100ms", "--stats-interval", "100ms"}
				cmd := exec.Command("wandb-agent", args...)
				if c.refuse {
					cmd = exec.Command("part", append([]string{"refuse", "wandb-agent"}, args...)...)
				}
				collect := record(t, cmd)
				start(t, cmd)
				eventually(t, "the run measures", func() bool { return latest(dir)["agent.proc.count"] != nil })
				touch(t, filepath.Join(dir, "go"))
				code := done(t, cmd)
				if _, stderr := collect(); code != 0 || !strings.Contains(stderr, "ended: ") {
					t.Errorf("attach: exit %d, %s", code, stderr)
				}
				wantExit(t, shown(t, dir).Exit, c.known, e.code, e.signal)
			})
		}
	}
}

// TestAttachKilled: the process goes on, and what was measured can be shown.
func TestAttachKilled(t *testing.T) {
	dir := t.TempDir()
	pid, release := startParent(t, "collect", waiting(dir, "exit 7"))
	defer release()
	cmd := exec.Command("wandb-agent", "attach", "--pid", strconv.Itoa(pid), "--dir", dir, "--sample-interval", "100ms", "--stats-interval", "100ms")
	start(t, cmd)
	eventually(t, "the run measures", func() bool { return latest(dir)["agent.proc.count"] != nil })
	cmd.Process.Kill()
	done(t, cmd)
	if err := syscall.Kill(pid, 0); err != nil {
		t.Errorf("the process that was followed: %v", err)
	}
	wantCrashed(t, dir)
	touch(t, filepath.Join(dir, "go"))
}

// startParent starts a process that starts command and collects it as parentPart
// says. release lets a parent that never collects do so.
func startParent(t *testing.T, collect string, command []string) (pid int, release func()) {
	t.Helper()
	cmd := exec.Command("part", append([]string{"parent", collect}, command...)...)
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	start(t, cmd)
	line, _ := bufio.NewReader(out).ReadString('\n')
	if pid, _ = strconv.Atoi(strings.TrimSpace(line)); pid == 0 {
		t.Fatalf("parent said %q", line)
	}
	return pid, func() { in.Close(); done(t, cmd) }
}

// parentPart starts args[1:], prints its number, and collects it at once
// ("collect"), not before its own stdin ends ("never"), or has the kernel do it
// ("autoreap").
func parentPart(args []string) error {
	if args[0] == "autoreap" {
		signal.Ignore(syscall.SIGCHLD)
	}
	cmd := exec.Command(args[1], args[2:]...)
	if err := cmd.Start(); err != nil {
		return err
	}
	fmt.Println(cmd.Process.Pid)
	if args[0] == "never" {
		bufio.NewReader(os.Stdin).ReadString('\n')
	}
	cmd.Wait()
	return nil
}

// refusePart becomes args under a seccomp filter that answers ioctl 0xFF/11,
// of whatever size, with ENOTTY: a kernel without PIDFD_GET_INFO.
func refusePart(args []string) error {
	const nrOffset, requestOffset = 0, 24 // in struct seccomp_data: nr, args[1]
	load := func(k uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: k}
	}
	unless := func(k uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jf: skip}
	}
	answer := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	filter := []unix.SockFilter{
		load(nrOffset), unless(unix.SYS_IOCTL, 4),
		load(requestOffset), {Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0xFFFF}, unless(0xFF0B, 1),
		answer(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOTTY)),
		answer(unix.SECCOMP_RET_ALLOW),
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return errno
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	return syscall.Exec(path, args, os.Environ())
}
