package keeper

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The test binary plays the keeper, its worker and some commands.
const roleVar, configVar = "KEEPER_TEST_ROLE", "KEEPER_TEST_CONFIG"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVar) {
	case "keeper":
		os.Exit(keeperRole())
	case "worker":
		os.Exit(workerRole())
	case "flood":
		os.Exit(floodRole())
	case "trap":
		os.Exit(trapRole())
	}
	os.Exit(m.Run())
}

// setup is what a test tells its keeper.
type setup struct {
	Argv       []string
	Dir        string        // logs, results and pids of this test
	Worker     string        // "", or one of workerRole
	LogDelay   time.Duration // of each Output
	NoLog      bool          // Console takes everything and keeps nothing
	Patience   time.Duration
	MinBackoff time.Duration
	Signal     time.Duration // SignalPatience
}

// keeperRole runs a command as cmd/wandb-agent would, and leaves the Result.
func keeperRole() int {
	var s setup
	if err := json.Unmarshal([]byte(os.Getenv(configVar)), &s); err != nil {
		return 99
	}
	log, err := newFileLog(filepath.Join(s.Dir, "exec.log"), s.LogDelay)
	if err != nil {
		return 98
	}
	cfg := Config{
		Argv: s.Argv, Env: without(os.Environ(), roleVar),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Console: log, RunDir: s.Dir, RunID: "testrun1", Settings: json.RawMessage(`{"key":"value"}`),
		Finish:  func(st Status) error { return os.WriteFile(filepath.Join(s.Dir, "finish"), []byte(st.String()), 0o600) },
		Started: func(st Started) { writePID(s.Dir, "command", st.PID) },

		WorkerPatience: s.Patience, LogPatience: s.Patience, SignalPatience: s.Signal, MinBackoff: s.MinBackoff, MaxBackoff: s.MinBackoff,
	}
	if s.NoLog {
		cfg.Console = discard{}
	}
	if s.Worker != "" {
		cfg.Worker = func() *exec.Cmd {
			cmd := exec.Command("/proc/self/exe", s.Worker)
			cmd.Env = append(without(os.Environ(), roleVar), roleVar+"=worker")
			return cmd
		}
	}
	res, err := Run(context.Background(), cfg)
	if start := (*StartError)(nil); errors.As(err, &start) {
		fmt.Fprintln(os.Stderr, "wandb-agent:", err)
		return start.Code
	}
	if err != nil {
		return 97
	}
	text, _ := json.Marshal(outcome{res.Status, res.Restarts, fmt.Sprint(res.Worker), fmt.Sprint(res.Log), res.LogLost, res.Unsent})
	os.WriteFile(filepath.Join(s.Dir, "result"), text, 0o600)
	return res.Status.ExitCode()
}

// outcome is a Result as JSON; errors are "<nil>" or their text.
type outcome struct {
	Status          Status
	Restarts        int
	Worker, Log     string
	LogLost, Unsent int64
}

// workerRole is a worker that does nothing but note what it is told:
// "good"; "mute" listens to nobody; "dies" does so at once when the
// command has ended, each time; "dies once" only the first time.
func workerRole() int {
	mode := os.Args[1]
	if mode == "mute" {
		time.Sleep(time.Hour)
	}
	w, err := Attach()
	if err != nil {
		return 96
	}
	defer w.Close()
	dir := w.Spec.RunDir
	writePID(dir, "worker", os.Getpid())
	e, err := w.Wait(context.Background(), func() (Console, error) {
		return newFileLog(filepath.Join(dir, "worker.log"), 0)
	})
	if err != nil {
		return 95
	}
	once := filepath.Join(dir, "died")
	_, statErr := os.Stat(once)
	if mode == "dies" || mode == "dies once" && statErr != nil {
		os.WriteFile(once, nil, 0o600)
		return 1
	}
	text, _ := json.Marshal(map[string]any{
		"status": e.Status, "text": e.Status.String(), "gone": e.KeeperGone, "spec": w.Spec,
	})
	os.WriteFile(filepath.Join(dir, "ending.new"), text, 0o600)
	os.Rename(filepath.Join(dir, "ending.new"), filepath.Join(dir, "ending"))
	return 0
}

// floodRole writes os.Args[1] bytes of numbered lines as fast as it can.
func floodRole() int {
	n, _ := strconv.Atoi(os.Args[1])
	var buf []byte
	for i := 0; len(buf) < 1<<20; i++ {
		buf = fmt.Appendf(buf, "line %07d of the flood goes by and is gone\n", i)
	}
	for n > 0 {
		m, err := os.Stdout.Write(buf[:min(n, len(buf))])
		if err != nil {
			return 1
		}
		n -= m
	}
	return 0
}

// fileLog is a Console in a file: stream, length, bytes of each text.
type fileLog struct {
	mu    sync.Mutex
	file  *os.File
	delay time.Duration
	buf   []byte
}

func newFileLog(path string, delay time.Duration) (*fileLog, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return &fileLog{file: f, delay: delay}, err
}

func (l *fileLog) Output(stderr bool, _ int64, text []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	time.Sleep(l.delay)
	stream := byte(1)
	if stderr {
		stream = 2
	}
	l.buf = binary.BigEndian.AppendUint32(append(l.buf[:0], stream), uint32(len(text)))
	l.buf = append(l.buf, text...)
	_, err := l.file.Write(l.buf)
	return err
}

// readLog returns what a fileLog got of the two streams.
func readLog(t *testing.T, path string) (stdout, stderr []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for len(b) > 0 {
		n := 5 + int(binary.BigEndian.Uint32(b[1:]))
		if b[0] == 1 {
			stdout = append(stdout, b[5:n]...)
		} else {
			stderr = append(stderr, b[5:n]...)
		}
		b = b[n:]
	}
	return stdout, stderr
}

// keeperCmd returns a keeper, in a process group of its own, that was not
// started yet. Whatever it leaves behind is ended with the test.
func keeperCmd(t testing.TB, s *setup) *exec.Cmd {
	t.Helper()
	if s.Dir == "" {
		s.Dir = t.TempDir()
	}
	if s.MinBackoff == 0 {
		s.MinBackoff = 10 * time.Millisecond
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleVar+"=keeper", configVar+"="+string(text))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	t.Cleanup(func() {
		if cmd.Process != nil && cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
		if cmd.Process != nil {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its group: what the command left behind
		}
		for _, who := range []string{"command", "worker"} {
			if pid := readPID(s.Dir, who); pid != 0 {
				end(pid)
			}
		}
	})
	return cmd
}

// end kills a process that this test's keeper started, if it is still that one.
func end(pid int) {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err == nil && bytes.Contains(env, []byte(configVar+"=")) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// keep runs a keeper to its end with stdin empty.
func keep(t *testing.T, s *setup) (stdout, stderr []byte, code int) {
	t.Helper()
	cmd := keeperCmd(t, s)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.Bytes(), errs.Bytes(), cmd.ProcessState.ExitCode()
}

func readOutcome(t *testing.T, s *setup) (o outcome) {
	t.Helper()
	readJSON(t, filepath.Join(s.Dir, "result"), &o)
	return o
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(err)
	}
}

func writePID(dir, who string, pid int) {
	os.WriteFile(filepath.Join(dir, who+".pid.new"), []byte(strconv.Itoa(pid)), 0o600)
	os.Rename(filepath.Join(dir, who+".pid.new"), filepath.Join(dir, who+".pid"))
}

// readPID returns 0 if there is none yet.
func readPID(dir, who string) int {
	text, _ := os.ReadFile(filepath.Join(dir, who+".pid"))
	pid, _ := strconv.Atoi(string(text))
	return pid
}

// eventually waits for something that happens in another process.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func alive(pid int) bool { return unix.Kill(pid, 0) == nil }

// running is alive, and not a zombie that nobody collects.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// lockedBuffer collects what a process prints while the test looks at it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.buf.Bytes())
}

func (b *lockedBuffer) lines() int { return bytes.Count(b.Bytes(), []byte("\n")) }

func without(env []string, name string) (out []string) {
	for _, kv := range env {
		if !strings.HasPrefix(kv, name+"=") {
			out = append(out, kv)
		}
	}
	return out
}

// trapRole prints each signal that it gets, each time (a shell's trap would
// run once for two that come together), and ends at SIGTERM.
func trapRole() int {
	caught := make(chan os.Signal, 64)
	signal.Notify(caught, forwarded...)
	fmt.Println("ready")
	for s := range caught {
		fmt.Println("got", s)
		if s == syscall.SIGTERM {
			break
		}
	}
	return 9
}

// flood returns the command that plays floodRole.
func flood(t testing.TB, bytes int) []string {
	return playing(t, "flood", strconv.Itoa(bytes))
}

// playing returns the command that plays a role.
func playing(t testing.TB, role string, args ...string) []string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{"/usr/bin/env", roleVar + "=" + role, exe}, args...)
}
