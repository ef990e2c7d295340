package keeper

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestKeeperKilled: the command goes on, the worker copies its console and
// learns its exit status. Without the inherited pipes the command would get
// SIGPIPE at its next line.
func TestKeeperKilled(t *testing.T) {
	for _, c := range []struct{ name, end, want string }{
		{"exit 0", "exit 0", "exit 0"},
		{"exit 7", "exit 7", "exit 7"},
		{"SIGKILL", "kill -KILL $$", "signal 9 (killed)"},
		{"SIGSEGV", "ulimit -c 0; kill -SEGV $$", "signal 11 (segmentation fault)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &setup{Dir: t.TempDir(), Worker: "good"}
			stop := filepath.Join(s.Dir, "stop")
			s.Argv = sh(`i=0; while [ ! -e ` + stop + ` ]; do i=$((i+1)); echo "line $i"; echo "note $i" >&2; sleep 0.01; done; ` + c.end)
			cmd := keeperCmd(t, s)
			var stdout, stderr lockedBuffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "a worker and some lines", func() bool { return readPID(s.Dir, "worker") != 0 && stdout.lines() > 5 })
			cmd.Process.Kill()
			before := stdout.lines()
			eventually(t, "twenty lines more", func() bool { return stdout.lines() > before+20 })
			touch(t, stop)
			cmd.Wait() // until the worker has closed our pipes, too
			var e struct {
				Text string
				Gone bool
			}
			readJSON(t, filepath.Join(s.Dir, "ending"), &e)
			if !e.Gone || e.Text != c.want && (kernelTells() || e.Text != "unknown") {
				t.Errorf("worker saw %+v, want %q with the keeper gone", e, c.want)
			}
			checkMissing(t, "line", stdout.Bytes(), 1)
			checkMissing(t, "note", stderr.Bytes(), 1)
			first, _ := readLog(t, filepath.Join(s.Dir, "exec.log"))
			rest, _ := readLog(t, filepath.Join(s.Dir, "worker.log"))
			checkMissing(t, "line", append(first, rest...), 30)
		})
	}
}

// checkMissing checks that the numbered lines are in order, with at most n of
// them missing: those that the killed keeper had read and not yet passed on.
func checkMissing(t *testing.T, word string, text []byte, n int) {
	t.Helper()
	last, missing := 0, 0
	for line := range bytes.Lines(text) {
		var i int
		if _, err := fmt.Sscanf(string(line), word+" %d\n", &i); err != nil || i <= last {
			t.Fatalf("after %s %d: got %q, %v", word, last, line, err)
		}
		missing += i - last - 1
		last = i
	}
	if missing > n || last == 0 {
		t.Errorf("%d of %d %ss are missing, want at most %d", missing, last, word, n)
	}
}

// TestBothKilled: what nobody can prevent, and no more: the command is told by SIGPIPE.
func TestBothKilled(t *testing.T) {
	s := &setup{Worker: "good", Dir: t.TempDir()}
	died := filepath.Join(s.Dir, "died")
	s.Argv = sh(`trap "echo > ` + died + `; exit" PIPE; while :; do echo line; sleep 0.01; done`)
	cmd := keeperCmd(t, s)
	var stdout lockedBuffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a worker and a line", func() bool { return readPID(s.Dir, "worker") != 0 && stdout.lines() > 0 })
	cmd.Process.Signal(syscall.SIGSTOP)
	syscall.Kill(readPID(s.Dir, "worker"), syscall.SIGKILL)
	cmd.Process.Kill()
	command := readPID(s.Dir, "command")
	eventually(t, "the command's end", func() bool { return !running(command) })
	cmd.Wait()
	if _, err := os.Stat(died); err != nil {
		t.Errorf("the command did not end by SIGPIPE: %v", err)
	}
}

// kernelTells reports whether this kernel (6.15) always tells the status of a
// process that is not our child.
func kernelTells() bool {
	var u unix.Utsname
	var major, minor int
	unix.Uname(&u)
	fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor)
	return major > 6 || major == 6 && minor >= 15
}
