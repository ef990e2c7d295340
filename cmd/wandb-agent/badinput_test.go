//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/runapi"
)

func attachArgs(pid int, dir string) []string {
	return []string{"attach", "--pid", strconv.Itoa(pid), "--dir", dir, "--sample-interval", "100ms", "--stats-interval", "100ms"}
}

// TestRefusals: the exit code tells a mistake in the call (2) from a failure (1)
// and from a command that was not started (126, 127); the text names the subject.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	plain, readOnly, file := filepath.Join(dir, "plain"), filepath.Join(dir, "ro"), filepath.Join(dir, "file")
	touch(t, plain)
	touch(t, file)
	if err := os.Mkdir(readOnly, 0o500); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "agent.yaml")
	if err := os.WriteFile(config, []byte("sample_interval: 1s\nsampel_interval: 1s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"attach", "--pid", "4194303"}, 1, "4194303"},
		{[]string{"attach", "--pid", "0"}, 2, "--pid"},
		{[]string{"attach", "--pid", "many"}, 2, "many"},
		{[]string{"exec", "--", "no-such-command"}, 127, "no-such-command"},
		{[]string{"exec", "--", plain}, 126, plain},
		{[]string{"exec", "--", dir}, 126, dir},
		{[]string{"exec", "--"}, 2, "CMD"},
		{[]string{"exec", "--dir", file, "--", "true"}, 1, file},
		{[]string{"exec", "--dir", "/proc/nowhere", "--", "true"}, 1, "--dir"},
		{[]string{"exec", "--mode", "bogus", "--", "true"}, 2, "bogus"},
		{[]string{"exec", "--id", "a/b", "--", "true"}, 2, "a/b"},
		{[]string{"run", "--", "python3", "train.py"}, 2, "wandb-agent exec -- python3 train.py"},
		{[]string{"run", "--config", config}, 2, config + ":2: sampel_interval"},
		{[]string{"show", filepath.Join(dir, "nowhere")}, 1, "nowhere"},
		{[]string{"export", "--format", "xml", dir}, 2, "xml"},
	} {
		args := c.args
		if args[0] == "exec" && args[1] == "--" {
			args = append([]string{"exec", "--dir", filepath.Join(dir, "runs")}, args[1:]...)
		}
		s := agentSays(t, args...)
		if s.code != c.code || !strings.Contains(s.stderr, c.want) || s.stdout != "" {
			t.Errorf("%v: exit %d, stdout %q, stderr %q; want %d and %q", c.args, s.code, s.stdout, s.stderr, c.code, c.want)
		}
	}
	if runs, _ := filepath.Glob(filepath.Join(dir, "*", "wandb", "*run-*")); len(runs) > 0 {
		t.Errorf("commands that were not started left runs behind: %v", runs)
	}
	if os.Getuid() == 0 {
		return // root may write everywhere
	}
	if s := agentSays(t, "exec", "--dir", readOnly, "--", "true"); s.code != 1 || !strings.Contains(s.stderr, readOnly) || !strings.Contains(s.stderr, "--dir") {
		t.Errorf("a directory that cannot be written: exit %d, %q", s.code, s.stderr)
	}
}

// TestAttachOtherUser follows a process of another user.
func TestAttachOtherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to start a process as another user")
	}
	dir := t.TempDir()
	target := exec.Command("sh", "-c", "read go; exit 7")
	target.Dir = "/"
	target.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	in, err := target.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, target)
	cmd := exec.Command("wandb-agent", attachArgs(target.Process.Pid, dir)...)
	collect := record(t, cmd)
	start(t, cmd)
	eventually(t, "the run measures its memory and I/O", func() bool {
		last := latest(dir)
		return number(last["proc.memory.rssMB"]) > 0 && last["agent.proc.write"] != nil
	})
	in.Close()
	if code := done(t, cmd); code != 0 {
		_, stderr := collect()
		t.Errorf("attach: exit %d, %s", code, stderr)
	}
	wantExit(t, shown(t, dir).Exit, true, 7, 0)
}

// TestAttachDying attaches to processes that end at about that moment: either it
// says that there is no such process, or the run tells how the process ended.
func TestAttachDying(t *testing.T) {
	refused := 0
	for round := range 8 {
		dir := t.TempDir()
		target := exec.Command("sh", "-c", fmt.Sprintf("sleep 0.0%d; exit 7", round))
		start(t, target)
		collected := make(chan error, 1)
		go func() { collected <- target.Wait() }()
		s := agentSays(t, attachArgs(target.Process.Pid, dir)...)
		<-collected
		switch {
		case s.code == exitFailure && strings.Contains(s.stderr, strconv.Itoa(target.Process.Pid)) && strings.Contains(s.stderr, "no such process"):
			refused++
			if _, err := os.Stat(filepath.Join(dir, "wandb")); err == nil {
				t.Errorf("round %d: attach refused and left a run behind", round)
			}
		case s.code == exitOK:
			if e := shown(t, dir).Exit; e == nil || e.Status == "known" && *e.Code != 7 {
				t.Errorf("round %d: got exit %+v, want 7 or unknown", round, e)
			}
		default:
			t.Errorf("round %d: exit %d, %s", round, s.code, s.stderr)
		}
	}
	t.Logf("%d of 8 ended before they could be followed", refused)
}

// TestTwoAgentsOneRun: the log of a living run belongs to its worker; another
// agent is refused by name, and the run does not suffer. Seen to fail without
// the lock that runlog takes.
func TestTwoAgentsOneRun(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("wandb-agent", execArgs(dir, waiting(dir, "exit 7")...)...)
	record(t, cmd)
	start(t, cmd)
	eventually(t, "the run measures", func() bool { return latest(dir)["agent.proc.count"] != nil })
	d := latestDir(t, dir)
	if _, err := runapi.Init(context.Background(), runapi.Settings{RunDir: d, DisableStats: true}); err == nil || !strings.Contains(err.Error(), d.RunID) {
		t.Errorf("a second agent on the run: %v, want an error that names it", err)
	}
	if s := agentSays(t, "exec", "--dir", dir, "--id", d.RunID, "--", "true"); s.code != 0 {
		t.Errorf("a second run with the same id: exit %d, %s", s.code, s.stderr)
	}
	touch(t, filepath.Join(dir, "go"))
	if code := done(t, cmd); code != 7 {
		t.Errorf("exec: exit %d, want 7", code)
	}
	run, err := loadRun(d.Path)
	if err != nil || run.Exit == nil || run.Exit.Code != 7 || run.Damage.Any() {
		t.Errorf("the first run: %v, %+v", err, run)
	}
}

// TestShowCutLog: a log that ends anywhere is shown as far as it goes, and what
// is damaged is said.
func TestShowCutLog(t *testing.T) {
	dir := t.TempDir()
	if s := agentSays(t, execArgs(dir, "sh", "-c", "echo begin; sleep 0.5; echo end")...); s.code != 0 {
		t.Fatalf("exec: exit %d, %s", s.code, s.stderr)
	}
	d := latestDir(t, dir)
	whole := slurp(t, d.LogPath())
	before := int64(1 << 62)
	for _, size := range []int{len(whole) - 1, len(whole) * 3 / 4, len(whole) / 2, len(whole) / 8, 8, 7} {
		if err := os.WriteFile(d.LogPath(), whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		run := shown(t, dir)
		if run.Records > before || !run.Crashed && size < len(whole)/2 {
			t.Errorf("%d of %d bytes: %d records (more than of a longer piece: %d), crashed %v", size, len(whole), run.Records, before, run.Crashed)
		}
		before = run.Records
		if s := agentSays(t, "show", d.Path); s.code != 0 || !strings.Contains(s.stdout, d.RunID) {
			t.Errorf("%d of %d bytes: exit %d, %s", size, len(whole), s.code, s.stderr)
		}
	}
	if err := os.WriteFile(d.LogPath(), []byte("no log at all, and longer than a header"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := agentSays(t, "show", d.Path); s.code != exitFailure || !strings.Contains(s.stderr, d.Path+": read run log: not a .wandb log") {
		t.Errorf("a file that is no log: exit %d, %q", s.code, s.stderr)
	}
}

// latestDir is the newest run below dir, by its own name.
func latestDir(t *testing.T, dir string) *runlog.Dir {
	t.Helper()
	path, err := filepath.EvalSymlinks(filepath.Join(dir, "wandb", "latest-run"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := runlog.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDiskFullInMidRun runs fullPart where it may mount a small file system. Seen
// to fail without what aftermath says of an incomplete log.
func TestDiskFullInMidRun(t *testing.T) {
	cmd := exec.Command("part", "full", t.TempDir())
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

// fullPart runs a command that prints 3 MB as a run on a file system of 1 MB:
// the command gets through and keeps its status, exec says that the log is
// incomplete, and the run can be shown.
func fullPart(args []string) error {
	dir := args[0]
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=1m"); err != nil {
		return fmt.Errorf("cannot mount: %w", err)
	}
	var stdout, stderr strings.Builder
	cmd := exec.Command("wandb-agent", execArgs(dir, "sh", "-c", "part flood 3000000; sleep 1; exit 7")...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 7 || stdout.Len() != 3000000 {
		return fmt.Errorf("exec: %w, %d bytes on stdout, %s", err, stdout.Len(), stderr.String())
	}
	for _, want := range []string{"incomplete", "no space left on device"} {
		if !strings.Contains(stderr.String(), want) {
			return fmt.Errorf("exec does not say %q: %s", want, stderr.String())
		}
	}
	run, err := loadRun(filepath.Join(dir, "wandb", "latest-run"))
	if err != nil {
		return err
	}
	if len(run.Console) == 0 || !strings.HasPrefix(run.Console[0].Text, "line 000000000 ") {
		return fmt.Errorf("the run has %d texts of console", len(run.Console))
	}
	if out, err := exec.Command("wandb-agent", "show", filepath.Join(dir, "wandb", "latest-run")).CombinedOutput(); err != nil {
		return fmt.Errorf("show: %w: %s", err, out)
	}
	return nil
}
