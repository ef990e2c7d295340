package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// What the tests of whole processes share: how to start wandb-agent, how to
// read its run back, and which other processes the test binary can play.

// parts are the processes that "part NAME ARG..." plays.
var parts = map[string]func(args []string) error{
	"root": rootPart, "mid": midPart, "work": workPart,
	"parent": parentPart, "refuse": refusePart, "node": nodePart,
	"train": trainPart, "quick": quickPart, "alone": alonePart,
	"inside": insidePart, "count": countPart, "full": fullPart, "tty": ttyPart, "daemon": daemonPart, "flood": floodPart, "events": eventsPart,
}

func playPart() {
	if err := parts[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "part:", err)
		os.Exit(99)
	}
}

// patience is a deadline that only a broken program misses.
const patience = 2 * time.Minute

// start starts a command in a process group of its own; what is left of the
// group is killed with the test.
func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	if !cmd.SysProcAttr.Setsid {
		cmd.SysProcAttr.Setpgid = true
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	t.Cleanup(func() {
		syscall.Kill(-pid, syscall.SIGKILL)
		if cmd.ProcessState == nil {
			cmd.Wait()
		}
	})
}

// done waits for a started command and returns its exit code, -1 after a
// signal. It does not wait for others that hold its output.
func done(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
	case <-time.After(patience):
		cmd.Process.Kill()
		<-ended
		t.Fatalf("%v has not ended", cmd.Args)
	}
	return cmd.ProcessState.ExitCode()
}

// said is what a command printed and how it ended.
type said struct {
	code           int
	stdout, stderr string
}

// agentSays runs wandb-agent to its end.
func agentSays(t *testing.T, args ...string) said {
	t.Helper()
	return says(t, exec.Command("wandb-agent", args...))
}

// says runs cmd to its end. Its output goes to files, so that nobody who
// inherited them is waited for.
func says(t *testing.T, cmd *exec.Cmd) said {
	t.Helper()
	collect := record(t, cmd)
	start(t, cmd)
	code := done(t, cmd)
	out, errs := collect()
	return said{code, out, errs}
}

// record sends what cmd prints to files and returns how to read them.
func record(t *testing.T, cmd *exec.Cmd) (collect func() (stdout, stderr string)) {
	t.Helper()
	dir := t.TempDir()
	var err [2]error
	var files [2]*os.File
	for i, name := range []string{"stdout", "stderr"} {
		files[i], err[i] = os.Create(filepath.Join(dir, name))
	}
	if err := errors.Join(err[:]...); err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = files[0], files[1]
	t.Cleanup(func() { files[0].Close(); files[1].Close() })
	return func() (string, string) { return string(slurp(t, files[0].Name())), string(slurp(t, files[1].Name())) }
}

// execArgs are arguments of exec with short intervals and the run below dir.
func execArgs(dir string, command ...string) []string {
	return append([]string{"exec", "--dir", dir, "--sample-interval", "100ms", "--stats-interval", "100ms", "--"}, command...)
}

// shown is what `show --json` says of the newest run below dir.
func shown(t *testing.T, dir string) shownRun {
	t.Helper()
	s := agentSays(t, "show", "--json", filepath.Join(dir, "wandb", "latest-run"))
	var run shownRun
	if err := json.Unmarshal([]byte(s.stdout), &run); err != nil || s.code != 0 {
		t.Fatalf("show: exit %d, %v: %s", s.code, err, s.stderr)
	}
	return run
}

// loaded reads the newest run below dir; false if there is none yet.
func loaded(dir string) (*runlog.Run, bool) {
	run, err := loadRun(filepath.Join(dir, "wandb", "latest-run"))
	return run, err == nil
}

// consoleOf joins what a run recorded of one stream.
func consoleOf(run *shownRun, stream string) string {
	var all strings.Builder
	for _, c := range run.Console {
		if c.Stream == stream {
			all.WriteString(c.Text)
		}
	}
	return all.String()
}

// eventually polls until f is true.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// workerOf returns the number of the worker that a keeper has now, 0 if none.
func workerOf(keeper int) int {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		line, _ := os.ReadFile(path)
		if !bytes.Contains(line, []byte("\x00"+workerCommand)) {
			continue
		}
		status, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "status"))
		if bytes.Contains(status, fmt.Appendf(nil, "\nPPid:\t%d\n", keeper)) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			return pid
		}
	}
	return 0
}

func slurp(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// awaitFile is eventually for a part.
func awaitFile(path string) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s did not appear", path)
		}
	}
}

// loadRun reads a run directory, log or wandb directory whole.
func loadRun(path string) (*runlog.Run, error) {
	dir, err := runlog.OpenDir(path)
	if err != nil {
		return nil, err
	}
	return runlog.Load(dir)
}
