package keeper

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func sh(script string) []string { return []string{"/bin/sh", "-c", script} }

func TestExitStatus(t *testing.T) {
	for _, c := range []struct {
		script string
		code   int
		want   Status
	}{
		{"exit 0", 0, Status{Known: true}},
		{"exit 7", 7, Status{Known: true, Code: 7}},
		{"kill -KILL $$", 137, Status{Known: true, Signal: syscall.SIGKILL}},
		{"ulimit -c 0; kill -SEGV $$", 139, Status{Known: true, Signal: syscall.SIGSEGV}},
	} {
		for _, worker := range []string{"", "good"} {
			t.Run(c.script+"/worker="+worker, func(t *testing.T) {
				s := &setup{Argv: sh(c.script), Worker: worker}
				_, _, code := keep(t, s)
				o := readOutcome(t, s)
				o.Status.Source, o.Status.Core = "", false
				if code != c.code || o.Status != c.want {
					t.Errorf("got exit code %d, status %v, want %d, %v", code, o.Status, c.code, c.want)
				}
				said, err := os.ReadFile(filepath.Join(s.Dir, "finish"))
				if string(said) != c.want.String() {
					t.Errorf("Finish got %q, %v, want %q", said, err, c.want)
				}
				if worker == "" {
					return
				}
				var e struct{ Text string }
				readJSON(t, filepath.Join(s.Dir, "ending"), &e)
				if e.Text != c.want.String() || o.Worker != "<nil>" {
					t.Errorf("worker got %q, ended with %s, want %q, <nil>", e.Text, o.Worker, c.want)
				}
			})
		}
	}
}

func TestWorkerSpec(t *testing.T) {
	s := &setup{Argv: sh("exit 3"), Worker: "good"}
	keep(t, s)
	var e struct {
		Gone bool
		Spec WorkerSpec
	}
	readJSON(t, filepath.Join(s.Dir, "ending"), &e)
	if e.Gone || e.Spec.RunDir != s.Dir || e.Spec.RunID != "testrun1" || e.Spec.PID == 0 || e.Spec.StartTicks == 0 ||
		strings.Join(e.Spec.Argv, " ") != "/bin/sh -c exit 3" || string(e.Spec.Settings) != `{"key":"value"}` {
		t.Errorf("got %+v", e)
	}
}

// TestBytesUnchanged: every byte value, bad UTF-8, no end of line at the end.
func TestBytesUnchanged(t *testing.T) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i), 0xff, 0xc3)
	}
	all = append(bytes.Repeat(all, 400), "no end"...)
	file := filepath.Join(t.TempDir(), "bytes")
	if err := os.WriteFile(file, all, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &setup{Argv: sh("cat " + file + "; cat " + file + " >&2")}
	stdout, stderr, _ := keep(t, s)
	if !bytes.Equal(stdout, all) || !bytes.Equal(stderr, all) {
		t.Errorf("forwarded %d and %d bytes, want %d unchanged", len(stdout), len(stderr), len(all))
	}
	stdout, stderr = readLog(t, filepath.Join(s.Dir, "exec.log"))
	if !bytes.Equal(stdout, all) || !bytes.Equal(stderr, all) {
		t.Errorf("logged %d and %d bytes, want %d unchanged", len(stdout), len(stderr), len(all))
	}
}

func TestStdinUntouched(t *testing.T) {
	s := &setup{Argv: []string{"cat"}}
	cmd := keeperCmd(t, s)
	cmd.Stdin = strings.NewReader("through\x00 and through")
	out, err := cmd.Output()
	if string(out) != "through\x00 and through" || err != nil {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestNeverStarted(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	os.WriteFile(plain, []byte("text"), 0o644)
	broken := filepath.Join(t.TempDir(), "broken")
	os.WriteFile(broken, []byte("\x00\x01"), 0o755)
	for _, c := range []struct {
		argv []string
		code int
		want string
	}{
		{nil, 127, "no command"},
		{[]string{"no-such-command-here"}, 127, `"no-such-command-here": command not found`},
		{[]string{"/no/such/file"}, 127, "no such file"},
		{[]string{"/tmp"}, 126, "is a directory"},
		{[]string{plain}, 126, "not executable"},
		{[]string{broken}, 126, "exec format error"},
	} {
		s := &setup{Argv: c.argv}
		_, stderr, code := keep(t, s)
		if code != c.code || !strings.Contains(string(stderr), c.want) {
			t.Errorf("%q: got %d, %q, want %d, %q", c.argv, code, stderr, c.code, c.want)
		}
	}
}

// TestWorkerKilled: the command and its output do not notice. It fails if the
// worker's death is passed on (relay.drain when the supervisor returns) or if
// pumps wait for the worker.
func TestWorkerKilled(t *testing.T) {
	const kills = 50
	s := &setup{Worker: "good", Dir: t.TempDir()}
	enough := filepath.Join(s.Dir, "enough")
	s.Argv = sh(`i=0; while [ ! -e ` + enough + ` ]; do i=$((i+1)); echo "line $i"; echo "note $i" >&2; done; exit 7`)
	cmd := keeperCmd(t, s)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := 0
	for range kills {
		eventually(t, "a new worker", func() bool {
			pid := readPID(s.Dir, "worker")
			return pid != 0 && pid != killed
		})
		killed = readPID(s.Dir, "worker")
		syscall.Kill(killed, syscall.SIGKILL)
	}
	os.WriteFile(enough, nil, 0o600)
	cmd.Wait()
	o := readOutcome(t, s)
	if o.Status.Code != 7 || o.Restarts < kills || o.Worker != "<nil>" {
		t.Errorf("got %+v, want exit 7, %d restarts, no error", o, kills)
	}
	checkLines(t, "stdout", "line", stdout.Bytes())
	checkLines(t, "stderr", "note", stderr.Bytes())
	logOut, logErr := readLog(t, filepath.Join(s.Dir, "exec.log"))
	if !bytes.Equal(logOut, stdout.Bytes()) || !bytes.Equal(logErr, stderr.Bytes()) {
		t.Errorf("log has %d and %d bytes, forwarded %d and %d", len(logOut), len(logErr), stdout.Len(), stderr.Len())
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "ending")); err != nil {
		t.Errorf("the last worker did not finish: %v", err)
	}
}

// checkLines checks that word 1, word 2, ... are all there.
func checkLines(t *testing.T, stream, word string, text []byte) {
	t.Helper()
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if want := fmt.Sprintf("%s %d\n", word, n); string(line) != want {
			t.Fatalf("%s line %d: got %q, want %q", stream, n, line, want)
		}
	}
	if n == 0 {
		t.Errorf("%s is empty", stream)
	}
}

func TestWorkerAtTheEnd(t *testing.T) {
	for _, c := range []struct {
		worker   string
		restarts int
		want     string
	}{
		{"dies once", 1, "<nil>"},
		{"dies", 1, "exit status 1"},
		{"mute", 0, "did not finish in time"},
	} {
		t.Run(c.worker, func(t *testing.T) {
			s := &setup{Argv: sh("sleep 0.2; exit 7"), Worker: c.worker, Patience: 5 * time.Second}
			if c.worker == "mute" {
				s.Patience = 300 * time.Millisecond
			}
			_, _, code := keep(t, s)
			if o := readOutcome(t, s); code != 7 || o.Restarts != c.restarts || !strings.Contains(o.Worker, c.want) {
				t.Errorf("got code %d, %+v, want 7, %d restarts, %q", code, o, c.restarts, c.want)
			}
		})
	}
}

// TestReaderGone: our reader's end reaches the command as SIGPIPE, although
// the worker holds the pipe too. Without hangUp's message to the worker this
// hangs.
func TestReaderGone(t *testing.T) {
	for _, worker := range []string{"", "good"} {
		s := &setup{Argv: sh("echo to stderr >&2; yes"), Worker: worker}
		cmd := keeperCmd(t, s)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, _ := bufio.NewReader(out).ReadString('\n')
		out.Close()
		cmd.Wait()
		o := readOutcome(t, s)
		if line != "y\n" || o.Status.ExitCode() != 128+int(syscall.SIGPIPE) || stderr.String() != "to stderr\n" {
			t.Errorf("worker=%q: got %q, %v, stderr %q", worker, line, o.Status, stderr.String())
		}
		if logged, _ := readLog(t, filepath.Join(s.Dir, "exec.log")); !bytes.HasPrefix(logged, []byte("y\ny\n")) {
			t.Errorf("worker=%q: %d bytes logged", worker, len(logged))
		}
	}
}

// TestDiskFull: what our stdout cannot take does not kill the command.
func TestDiskFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	s := &setup{Argv: sh("echo one; echo two; exit 7")}
	cmd := keeperCmd(t, s)
	cmd.Stdout = full
	cmd.Run()
	o := readOutcome(t, s)
	logged, _ := readLog(t, filepath.Join(s.Dir, "exec.log"))
	if o.Status.Code != 7 || o.Unsent != 8 || string(logged) != "one\ntwo\n" {
		t.Errorf("got %+v, logged %q, want exit 7, 8 bytes unsent and logged", o, logged)
	}
}

// TestGrandchildHoldsPipe: it neither hangs us nor is it killed.
func TestGrandchildHoldsPipe(t *testing.T) {
	s := &setup{Argv: sh("sleep 60 & echo $!; exit 7"), Worker: "good"}
	begin := time.Now()
	stdout, _, code := keep(t, s)
	var pid int
	fmt.Sscan(string(stdout), &pid)
	if pid == 0 || !alive(pid) {
		t.Errorf("grandchild %q is not there any more", stdout)
	} else {
		end(pid)
	}
	if took := time.Since(begin); code != 7 || took < grace || took > 30*time.Second {
		t.Errorf("got exit %d after %v, want 7 after a bit more than %v", code, took, grace)
	}
}

// TestSlowReaderGetsAll: what is in the pipe at the end is not cut off by the
// grace for grandchildren.
func TestSlowReaderGetsAll(t *testing.T) {
	s := &setup{Argv: sh("sleep 60 & head -c 800000 /dev/zero; exit 0")}
	cmd := keeperCmd(t, s)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(grace + 500*time.Millisecond)
	n, err := io.Copy(io.Discard, out)
	cmd.Wait()
	if n != 800000 || err != nil {
		t.Errorf("got %d bytes, %v, want 800000", n, err)
	}
}

// TestSlowLog: the command is held up for a bounded time, then the log lacks
// bytes, says so, and stdout is complete.
func TestSlowLog(t *testing.T) {
	const n = 120_000_000
	s := &setup{Argv: flood(t, n), LogDelay: time.Second, Patience: 300 * time.Millisecond}
	stdout, _, code := keep(t, s)
	o := readOutcome(t, s)
	if len(stdout) != n || code != 0 {
		t.Errorf("got %d bytes, exit %d", len(stdout), code)
	}
	if o.LogLost == 0 || o.Log == "<nil>" {
		t.Errorf("got %+v, want bytes lost and an error that says so", o)
	}
}

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"closed", "plain", "good"} {
		os.Mkdir(filepath.Join(dir, name), 0o755)
	}
	os.WriteFile(filepath.Join(dir, "plain", "tool"), nil, 0o644)
	os.WriteFile(filepath.Join(dir, "good", "tool"), nil, 0o755)
	os.Mkdir(filepath.Join(dir, "closed", "tool"), 0o755)
	os.WriteFile(filepath.Join(dir, "plain", "other"), nil, 0o644)
	env := []string{"PATH=/ignored", "PATH=" + strings.Join([]string{"/no/such", dir + "/closed", dir + "/plain", dir + "/good"}, ":")}
	check := func(name, want string, code int) {
		t.Helper()
		got, err := Resolve([]string{name}, env)
		var start *StartError
		if got != want || errors.As(err, &start) != (code != 0) || start != nil && start.Code != code {
			t.Errorf("Resolve(%q): got %q, %v, want %q, code %d", name, got, err, want, code)
		}
	}
	check("tool", filepath.Join(dir, "good", "tool"), 0)
	check("other", "", 126)
	check("none", "", 127)
	check("", "", 127)
	check(dir+"/good/tool", dir+"/good/tool", 0)
	check(dir+"/plain/tool", "", 126)
	check(dir+"/none", "", 127)
	if os.Getuid() != 0 {
		os.Chmod(filepath.Join(dir, "closed"), 0)
		defer os.Chmod(filepath.Join(dir, "closed"), 0o755)
		check("none", "", 127)
	}
}
