package runapi

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// signalDir makes the test binary a program that waits for a signal.
const signalDir = "WANDB_AGENT_TEST_SIGNAL_DIR"

// signalProgram logs to two runs and waits. With "own" in the variable it handles
// signals itself too, and ends with status 3.
func signalProgram(dir string) int {
	dir, how, _ := strings.Cut(dir, "|")
	s := Settings{Dir: dir, Mode: ModeOffline, Project: "p", DisableStats: true, DisableGit: true, HandleSignals: how != "off"}
	own := make(chan os.Signal, 4)
	if how == "own" {
		signal.Notify(own, syscall.SIGTERM)
	}
	for range 2 {
		r, err := Init(context.Background(), s)
		if err != nil || r.Log(map[string]any{"x": 1}) != nil {
			return 1
		}
	}
	if _, err := os.Stdout.WriteString("ready\n"); err != nil {
		return 1
	}
	<-own
	<-own // raised again
	return 3
}

// TestSignalFinishesRuns: opted in, both runs end as ended by the signal and the
// process ends by it; else nothing of the program's is touched. Seen to fail
// without raise (the process does not end).
func TestSignalFinishesRuns(t *testing.T) {
	for _, test := range []struct {
		how      string
		signal   syscall.Signal
		status   int // of the process; -1: by the signal
		finished bool
	}{
		{"", syscall.SIGTERM, -1, true},
		{"", syscall.SIGINT, -1, true},
		{"off", syscall.SIGTERM, -1, false},
		{"own", syscall.SIGTERM, 3, true},
	} {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{signalDir + "=" + dir + "|" + test.how, "SLURM_JOB_ID=7", "GOCOVERDIR=" + t.TempDir()}
		out, err := cmd.StdoutPipe()
		if err = errors.Join(err, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
			t.Fatalf("%q %v", line, err)
		}
		if err := cmd.Process.Signal(test.signal); err != nil {
			t.Fatal(err)
		}
		stuck := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		var e *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &e) || e.ExitCode() != test.status || test.status < 0 && e.Sys().(syscall.WaitStatus).Signal() != test.signal {
			t.Errorf("%+v: the process ended with %v", test, err)
		}
		stuck.Stop()
		dirs, err := filepath.Glob(filepath.Join(dir, "wandb", "offline-run-*"))
		if err != nil || len(dirs) != 2 {
			t.Fatalf("%+v: runs %q, %v", test, dirs, err)
		}
		for _, path := range dirs {
			run := loadDir(t, path)
			if finished := run.Exit != nil; finished != test.finished || finished && run.Exit.Signal != int(test.signal) || len(run.History) != 1 {
				t.Errorf("%+v: exit %+v, %d rows", test, run.Exit, len(run.History))
			}
			text, err := os.ReadFile(filepath.Join(path, "run-"+run.ID+".wandb"))
			if err != nil {
				t.Fatal(err)
			}
			const preempting = "\xba\x01\x00" // field 23, an empty message
			if got, want := strings.Contains(string(text), preempting), test.finished && test.signal == syscall.SIGTERM; got != want {
				t.Errorf("%+v: preemption in the log: %v, want %v", test, got, want)
			}
		}
	}
}
