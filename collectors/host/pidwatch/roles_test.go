//go:build linux

package pidwatch

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The test binary plays the other processes of a test too: roles says which
// one an invocation is.
var roles = map[string]func(args []string) error{
	"parent": parentRole,
	"watch":  watchRole,
	"reuse":  reuseRole,
}

func TestMain(m *testing.M) {
	if role := os.Getenv("PIDWATCH_TEST_ROLE"); role != "" {
		if err := roles[role](os.Args[1:]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// role returns an invocation of the test binary as another process.
func role(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), "PIDWATCH_TEST_ROLE="+name)
	cmd.Stderr = os.Stderr
	return cmd
}

// endings are the ways a target ends, as the shell command that does it.
var endings = []struct {
	name, script string
	want         ExitStatus
}{
	{"exit 0", "exit 0", ExitStatus{Known: true}},
	{"exit 7", "exit 7", ExitStatus{Known: true, Code: 7}},
	{"SIGKILL", "kill -KILL $$", ExitStatus{Known: true, Signal: syscall.SIGKILL}},
	{"SIGSEGV", "kill -SEGV $$", ExitStatus{Known: true, Signal: syscall.SIGSEGV}},
}

// target is a process that ends in the given way once its stdin says so.
func target(script string) *exec.Cmd {
	return exec.Command("/bin/sh", "-c", "ulimit -c 0; read go; "+script)
}

// parentRole starts a target, prints its number, lets it end when its own
// stdin closes, and collects it as args[0] says: "collect", "autoreap" (it
// never becomes a zombie) or "never" (it stays one until a second line).
func parentRole(args []string) error {
	if args[0] == "autoreap" {
		signal.Ignore(syscall.SIGCHLD)
	}
	cmd := target(args[1])
	end, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	fmt.Println(cmd.Process.Pid)
	in := bufio.NewReader(os.Stdin)
	in.ReadString('\n')
	end.Close()
	if args[0] == "never" {
		in.ReadString('\n')
	}
	cmd.Wait()
	return nil
}

// family is a parent and its target.
type family struct {
	pid int // of the target
	in  io.WriteCloser
}

func startFamily(t *testing.T, collect, script string) family {
	t.Helper()
	cmd := role(t, "parent", collect, script)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("read target's number: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return family{pid, in}
}

func (f family) end() { io.WriteString(f.in, "\n") }

// watchRole follows args[0] and prints its status as JSON. With a second
// argument the kernel refuses PIDFD_GET_INFO to it.
func watchRole(args []string) error {
	if len(args) > 1 {
		if err := refuseGetInfo(); err != nil {
			return err
		}
	}
	pid, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	p, err := Open(pid)
	if err != nil {
		return err
	}
	defer p.Close()
	fmt.Println("open")
	s, err := p.Wait(context.Background())
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(s)
}

// watchElsewhere runs watchRole, ends the target once it is watched, and
// returns what the watcher saw.
func watchElsewhere(t *testing.T, cmd *exec.Cmd, f family) ExitStatus {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(out)
	if line, err := in.ReadString('\n'); line != "open\n" {
		t.Fatalf("watcher said %q, %v", line, err)
	}
	f.end()
	var s ExitStatus
	if err := json.NewDecoder(in).Decode(&s); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return s
}

// refuseGetInfo installs a seccomp filter under which ioctl number 0xFF/11,
// of whatever size, answers ENOTTY as on a kernel that does not know it.
func refuseGetInfo() error {
	const nrOffset, requestOffset = 0, 24 // in struct seccomp_data: nr, args[1]
	stmt := func(code uint16, k uint32) unix.SockFilter { return unix.SockFilter{Code: code, K: k} }
	jump := func(k uint32, jf uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jf: jf}
	}
	prog := []unix.SockFilter{
		stmt(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, nrOffset),
		jump(unix.SYS_IOCTL, 4),
		stmt(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, requestOffset),
		stmt(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, 0xFFFF),
		jump(0xFF0B, 1),
		stmt(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_ERRNO|uint32(unix.ENOTTY)),
		stmt(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_ALLOW),
	}
	fprog := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&fprog)))
	if errno != 0 {
		return errno
	}
	return nil
}
