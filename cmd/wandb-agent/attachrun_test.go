//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAttachAddsToTheRunOfTheProcess: a program with a run of runapi gets no second
// one; our hardware is in it, labelled, and the end that only we have seen.
// Seen to fail without joinProcess (two runs) and without foldInto (a part is left).
func TestAttachAddsToTheRunOfTheProcess(t *testing.T) {
	for _, end := range []string{"finish", "kill"} {
		t.Run(end, func(t *testing.T) {
			dir := t.TempDir()
			acks, stop := filepath.Join(dir, "acks"), filepath.Join(dir, "stop")
			program := exec.Command("part", "count", acks, stop)
			program.Env = append(os.Environ(), "WANDB_MODE=offline", "WANDB_DIR="+dir, "WANDB_PROJECT=p", "WANDB_X_DISABLE_STATS=true")
			start(t, program)
			eventually(t, "the first row", func() bool {
				text, _ := os.ReadFile(acks)
				return bytes.Count(text, []byte("\n")) > 2
			})
			cmd := exec.Command("wandb-agent", "attach", "--pid", strconv.Itoa(program.Process.Pid),
				"--sample-interval", "100ms", "--stats-interval", "100ms", "--dir", t.TempDir())
			collect := record(t, cmd)
			start(t, cmd)
			eventually(t, "our part", func() bool {
				found, _ := filepath.Glob(filepath.Join(dir, "wandb", "offline-*", "*.attach-*.part"))
				return len(found) == 1
			})
			time.Sleep(300 * time.Millisecond)
			want := 0
			if end == "kill" {
				program.Process.Kill()
				want = int(syscall.SIGKILL)
			} else {
				touch(t, stop)
			}
			done(t, program)
			code := done(t, cmd)
			if _, errs := collect(); code != 0 || !strings.Contains(errs, "has a run") {
				t.Fatalf("exit %d: %s", code, errs)
			}
			all := runsBelow(t, dir)
			if len(all) != 1 {
				t.Fatalf("there are %d runs, want 1", len(all))
			}
			run, numbers := all[0], len(strings.Fields(string(slurp(t, acks))))-1
			values := 0
			for _, row := range run.History {
				values += len(row.Values)
			}
			if values < numbers || run.Config["lr"] != 0.5 {
				t.Errorf("%d values of %d acknowledged ones, config %v", values, numbers, run.Config)
			}
			if run.Exit == nil || !run.Exit.Known || run.Exit.Signal != want {
				t.Errorf("exit %+v, want signal %d", run.Exit, want)
			}
			if len(run.Stats) == 0 {
				t.Error("no hardware")
			}
			for _, s := range run.Stats {
				for key := range s.Values {
					if !strings.HasSuffix(key, "/l:attach") {
						t.Fatalf("key %s has no label", key)
					}
				}
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "wandb", "offline-*", "*.part")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}
