package keeper

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// session is a keeper as a shell's foreground job on a terminal of 31 rows and
// 97 columns.
type session struct {
	*setup
	cmd    *exec.Cmd
	master *os.File // where the test sits
	tty    *os.File
	screen lockedBuffer
	before unix.Termios
}

func startSession(t *testing.T, s *setup, change func(*exec.Cmd)) *session {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Skip(err)
	}
	v := &session{setup: s, cmd: keeperCmd(t, s), master: master, tty: tty, before: modes(t, tty)}
	t.Cleanup(func() { master.Close(); tty.Close() })
	pty.Setsize(master, &pty.Winsize{Rows: 31, Cols: 97})
	v.cmd.Stdin, v.cmd.Stdout, v.cmd.Stderr = tty, tty, tty
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if change != nil {
		change(v.cmd)
	}
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go io.Copy(&v.screen, master)
	return v
}

// shows waits until the screen has the text.
func (v *session) shows(t *testing.T, text string) {
	t.Helper()
	eventually(t, "screen shows "+text, func() bool { return bytes.Contains(v.screen.Bytes(), []byte(text)) })
}

func modes(t *testing.T, tty *os.File) unix.Termios {
	t.Helper()
	m, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *m
}

const askTerminal = `test -t 0 && test -t 1 && test -t 2 && echo "all terminals"; stty size; `

func TestTerminal(t *testing.T) {
	for _, c := range []struct {
		end  string
		code int
	}{{"exit 0", 0}, {"exit 7", 7}, {"kill -KILL $$", 137}, {"ulimit -c 0; kill -SEGV $$", 139}} {
		t.Run(c.end, func(t *testing.T) {
			s := &setup{Argv: sh(askTerminal + `read answer; echo "<$answer>"; ` + c.end), Worker: "good"}
			v := startSession(t, s, nil)
			v.shows(t, "all terminals\r\n31 97\r\n")
			io.WriteString(v.master, "forty-two\r")
			v.shows(t, "<forty-two>\r\n")
			v.cmd.Wait()
			if code := v.cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit code: got %d, want %d", code, c.code)
			}
			if after := modes(t, v.tty); after != v.before {
				t.Errorf("terminal modes: got %+v, want %+v as before", after, v.before)
			}
			// Echoed once, by the command's terminal.
			if n := strings.Count(string(v.screen.Bytes()), "forty-two"); n != 2 {
				t.Errorf("screen shows the answer %d times, want 2:\n%s", n, v.screen.Bytes())
			}
			logged, _ := readLog(t, filepath.Join(s.Dir, "exec.log"))
			if !bytes.Contains(logged, []byte("<forty-two>\r\n")) {
				t.Errorf("log has %q", logged)
			}
		})
	}
}

func TestWindowSizeFollows(t *testing.T) {
	s := &setup{Argv: sh(`trap "stty size; exit 0" WINCH; echo ready; while :; do sleep 0.02; done`)}
	v := startSession(t, s, nil)
	v.shows(t, "ready")
	pty.Setsize(v.master, &pty.Winsize{Rows: 40, Cols: 132})
	v.shows(t, "40 132\r\n")
	v.cmd.Wait()
}

// TestKeys: Ctrl-C is the command's business, and only the command's.
func TestKeys(t *testing.T) {
	s := &setup{Argv: sh(`trap "echo interrupted; exit 5" INT; echo ready; while :; do sleep 0.02; done`), Worker: "good"}
	v := startSession(t, s, nil)
	v.shows(t, "ready")
	io.WriteString(v.master, "\x03")
	v.shows(t, "interrupted")
	v.cmd.Wait()
	if o := readOutcome(t, s); o.Status.Code != 5 || strings.Count(string(v.screen.Bytes()), "interrupted") != 1 {
		t.Errorf("got %v, screen %q", o.Status, v.screen.Bytes())
	}
}

// TestSharedTerminal: with stdout redirected the command shares our terminal,
// and Ctrl-C reaches it once, with a worker to ask and without.
func TestSharedTerminal(t *testing.T) {
	for _, worker := range []string{"", "good"} {
		t.Run("worker="+worker, func(t *testing.T) {
			s := &setup{Argv: playing(t, "trap"), Worker: worker, Signal: busyWait}
			out := filepath.Join(t.TempDir(), "out")
			file, err := os.Create(out)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			prints := func(text string) {
				t.Helper()
				eventually(t, "command prints "+text, func() bool {
					got, _ := os.ReadFile(out)
					return bytes.Contains(got, []byte(text))
				})
			}
			v := startSession(t, s, func(cmd *exec.Cmd) { cmd.Stdout = file })
			prints("ready")
			if worker != "" {
				eventually(t, "a worker", func() bool { return readPID(s.Dir, "worker") != 0 })
			}
			// Two signals at the same time may become one: several rounds.
			want := "ready\n"
			for range 10 {
				io.WriteString(v.master, "\x03")
				want += "got interrupt\n"
				prints(want)
			}
			time.Sleep(600 * time.Millisecond) // late ones would come in this time
			v.cmd.Process.Signal(syscall.SIGTERM)
			v.cmd.Wait()
			if got, _ := os.ReadFile(out); string(got) != want+"got terminated\n" {
				t.Errorf("command printed %q, want %q", got, want)
			}
		})
	}
}

// TestStdinPipedIntoTerminal: only what was a terminal becomes one.
func TestStdinPipedIntoTerminal(t *testing.T) {
	s := &setup{Argv: sh(`test -t 0 || echo "0 is none"; test -t 1 && echo "1 is one"; test -t 2 || echo "2 is none"; cat`)}
	errs, err := os.Create(filepath.Join(t.TempDir(), "errs"))
	if err != nil {
		t.Fatal(err)
	}
	defer errs.Close()
	v := startSession(t, s, func(cmd *exec.Cmd) {
		cmd.Stdin, cmd.Stderr = strings.NewReader("piped"), errs
		cmd.SysProcAttr.Ctty = 1
	})
	v.shows(t, "0 is none\r\n1 is one\r\n2 is none\r\npiped")
	v.cmd.Wait()
}

// TestTerminalHangup: the terminal goes away; the command is told and decides.
func TestTerminalHangup(t *testing.T) {
	s := &setup{Argv: sh(`trap "" HUP; echo ready; sleep 0.5; echo more; exit 6`), Worker: "good"}
	v := startSession(t, s, nil)
	v.shows(t, "ready")
	v.tty.Close()
	v.master.Close()
	v.cmd.Wait()
	logged, _ := readLog(t, filepath.Join(s.Dir, "exec.log"))
	if o := readOutcome(t, s); o.Status.Code != 6 || !bytes.Contains(logged, []byte("more")) {
		t.Errorf("got %+v, logged %q, want exit 6 and all output", o, logged)
	}
}
