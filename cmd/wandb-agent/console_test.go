//go:build linux

package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// TestDaemon: a grandchild that made itself a daemon neither holds exec up nor
// is it ended, whether or not it still holds the console. Seen to fail (hangs)
// without the read deadline in pump.stop.
func TestDaemon(t *testing.T) {
	for _, mode := range []string{"quiet", "holds"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := agentSays(t, execArgs(dir, "part", "daemon", mode, dir)...)
			pid, _ := strconv.Atoi(strings.TrimSpace(s.stdout))
			if s.code != 7 || pid == 0 {
				t.Fatalf("exec: exit %d, %q, %s", s.code, s.stdout, s.stderr)
			}
			defer syscall.Kill(pid, syscall.SIGKILL)
			if err := syscall.Kill(pid, 0); err != nil {
				t.Errorf("the daemon is gone: %v", err)
			}
			run := shown(t, dir)
			wantExit(t, run.Exit, true, 7, 0)
		})
	}
}

// daemonPart starts a process in a session of its own, says its number and exits
// with 7. It lasts as long as the directory args[1]; args[0] "holds" leaves it our
// console.
func daemonPart(args []string) error {
	cmd := exec.Command("sh", "-c", `while [ -d "$0" ]; do sleep 0.1; done`, args[1])
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if args[0] == "holds" {
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	fmt.Println(cmd.Process.Pid)
	os.Exit(7)
	return nil
}

// TestFlood: a command that prints 200 MB as fast as it can has all of it on our
// stdout, and all of it in the run unless exec says how much is missing because
// the disk was too slow.
func TestFlood(t *testing.T) {
	size := 200_000_000
	if testing.Short() {
		size = 20_000_000
	}
	dir := t.TempDir()
	cmd := exec.Command("wandb-agent", execArgs(dir, "part", "flood", strconv.Itoa(size))...)
	printed := sha256.New()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	start(t, cmd)
	if n, err := io.Copy(printed, out); n != int64(size) || err != nil {
		t.Errorf("stdout had %d bytes, %v, want %d", n, err, size)
	}
	if code := done(t, cmd); code != 0 {
		t.Errorf("exec: exit %d, %s", code, stderr.String())
	}
	logged, n := sha256.New(), 0
	d, err := runlog.OpenDir(filepath.Join(dir, "wandb", "latest-run"))
	if err != nil {
		t.Fatal(err)
	}
	damage, err := runlog.Walk(d, func(_ string, rec *wandbpb.Record) error {
		line := rec.GetOutputRaw().GetLine()
		n += len(line)
		io.WriteString(logged, line)
		return nil
	})
	if err != nil || damage.Any() {
		t.Errorf("read the run: %v, damage %+v", err, damage)
	}
	if strings.Contains(stderr.String(), "console in the log is incomplete") {
		t.Skipf("the disk is too slow here, and exec says so: %s", stderr.String())
	}
	if n != size || string(printed.Sum(nil)) != string(logged.Sum(nil)) {
		t.Errorf("the run has %d bytes of %d, equal: %v", n, size, n == size)
	}
}

// floodPart prints args[0] bytes of numbered lines.
func floodPart(args []string) error {
	left, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	var buf []byte
	for i := 0; left > 0; {
		for buf = buf[:0]; len(buf) < 1<<20; i++ {
			buf = fmt.Appendf(buf, "line %09d goes by and is gone\n", i)
		}
		n := min(left, len(buf))
		if _, err := os.Stdout.Write(buf[:n]); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// TestTerminal: in a terminal the command has one, of the same size; without one
// it has none. Seen to fail without connect's isTerminal branch in the keeper.
func TestTerminal(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("wandb-agent", execArgs(dir, "part", "tty")...)
	master, slave, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	defer master.Close()
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 33, Cols: 99}); err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	start(t, cmd)
	slave.Close()
	seen := make(chan string, 1)
	go func() { text, _ := io.ReadAll(master); seen <- string(text) }() // ends with EIO when exec has ended
	if code := done(t, cmd); code != 5 {
		t.Errorf("exec: exit %d, want 5", code)
	}
	const want = "true true true 99x33 controls=true\r\n"
	select {
	case text := <-seen:
		if !strings.Contains(text, want) {
			t.Errorf("the terminal shows %q, want %q", text, want)
		}
	case <-time.After(patience):
		t.Error("somebody holds the terminal")
	}
	run := shown(t, dir)
	if got := consoleOf(&run, "stdout"); got != want {
		t.Errorf("the run has %q, want %q", got, want)
	}
	if s := agentSays(t, execArgs(t.TempDir(), "part", "tty")...); s.code != 5 || !strings.HasPrefix(s.stdout, "false false false") {
		t.Errorf("without a terminal: exit %d, %q", s.code, s.stdout)
	}
}

// ttyPart says which of the standard files are terminals, and the size of it,
// and whether it controls us.
func ttyPart([]string) error {
	cols, rows, _ := term.GetSize(1)
	tty, err := os.Open("/dev/tty")
	if err == nil {
		tty.Close()
	}
	fmt.Printf("%v %v %v %dx%d controls=%v\n", term.IsTerminal(0), term.IsTerminal(1), term.IsTerminal(2), cols, rows, err == nil)
	os.Exit(5)
	return nil
}
