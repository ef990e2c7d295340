//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// The kill matrix of one run from several processes. The part with the official
// client is in interop/wandb.

// countPart is a training program that joins exec's run and logs numbers until
// args[1] exists. A number that was acknowledged is a line in args[0]; the first line is
// its process id.
func countPart(args []string) error {
	acks, err := os.OpenFile(args[0], os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	fmt.Fprintln(acks, os.Getpid())
	r, err := runapi.Init(context.Background(), runapi.Settings{Config: map[string]any{"lr": 0.5}})
	for i := 0; err == nil; i++ {
		if i%3 == 2 { // a step that stays open until the next call
			err = r.Log(map[string]any{"open": i}, runapi.NoCommit())
		} else {
			err = r.Log(map[string]any{"n": i})
		}
		if err == nil {
			_, err = fmt.Fprintln(acks, i)
		}
		time.Sleep(100 * time.Microsecond)
		if _, bad := os.Stat(args[1]); bad == nil {
			return errors.Join(err, r.Finish(0))
		}
	}
	return err
}

// roles are the processes of a run that may be killed.
type roles struct{ program, keeper, worker bool }

func (r roles) String() string {
	var names []string
	for name, on := range map[string]bool{"program": r.program, "keeper": r.keeper, "worker": r.worker} {
		if on {
			names = append(names, name)
		}
	}
	return fmt.Sprint(names)
}

// TestKillMatrix kills each of program, keeper and worker, alone and together, at
// random moments: every acknowledged row is at the server once after sync, in one run.
// WANDB_AGENT_KILL_ROUNDS is the number of moments for each set of processes. Seen to
// fail without "fold" in Repair of runlog.
func TestKillMatrix(t *testing.T) {
	for set := 1; set < 8; set++ {
		r := roles{set&1 != 0, set&2 != 0, set&4 != 0}
		t.Run(fmt.Sprintf("program=%v,keeper=%v,worker=%v", r.program, r.keeper, r.worker), func(t *testing.T) {
			t.Parallel()
			p, acked := serve(t), 0
			rounds := killRounds(t, 1)
			for n := range rounds {
				acked += p.killOnce(t, r, "m"+strconv.Itoa(n))
			}
			t.Logf("%v: %d rounds, %d acknowledged rows, none lost", r, rounds, acked)
		})
	}
}

// killOnce is one run, killed at one moment.
func (p *proof) killOnce(t *testing.T, r roles, id string) (acked int) {
	t.Helper()
	dir := t.TempDir()
	acks, stop := filepath.Join(dir, "acks"), filepath.Join(dir, "stop")
	cmd := exec.Command("part", "quick", dir, "part", "count", acks, stop)
	cmd.Env = append(os.Environ(), "WANDB_MODE=offline", "WANDB_PROJECT=p", "WANDB_RUN_ID="+id)
	record(t, cmd)
	start(t, cmd)
	keeper, program := cmd.Process.Pid, 0
	eventually(t, "the first row", func() bool {
		text, _ := os.ReadFile(acks)
		lines := bytes.Split(text, []byte("\n"))
		program, _ = strconv.Atoi(string(lines[0]))
		return len(lines) > 2
	})
	time.Sleep(time.Duration(rand.Int64N(int64(150 * time.Millisecond))))
	worker := workerOf(keeper)
	for _, victim := range []struct {
		on  bool
		pid int
	}{{r.program, program}, {r.keeper, keeper}, {r.worker, worker}} {
		if victim.on && victim.pid > 0 {
			syscall.Kill(victim.pid, syscall.SIGKILL)
		}
	}
	time.Sleep(20 * time.Millisecond) // what lives goes on for a while
	touch(t, stop)
	done(t, cmd)
	eventually(t, "the end of all", func() bool { return errors.Is(syscall.Kill(-keeper, 0), syscall.ESRCH) })
	numbers := strings.Fields(string(slurp(t, acks)))[1:]
	sync := p.online("sync", filepath.Join(dir, "wandb"))
	sync.Env = append(sync.Env, "WANDB_RUN_ID=")
	if s := says(t, sync); s.code != 0 || strings.Count(s.stderr, ": sent ") != 1 {
		t.Fatalf("sync: exit %d: %s", s.code, s.stderr)
	}
	p.wantRows(t, id, numbers)
	return len(numbers)
}

// wantRows checks that a run has every acknowledged number once.
func (p *proof) wantRows(t *testing.T, id string, numbers []string) {
	t.Helper()
	run, err := p.Run(server.DefaultEntity, "p", id)
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for _, line := range run.History {
		var row struct {
			N    *int64 `json:"n"`
			Open *int64 `json:"open"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		for _, n := range []*int64{row.N, row.Open} {
			if n != nil {
				times[strconv.FormatInt(*n, 10)]++
			}
		}
	}
	for _, n := range numbers {
		if times[n] != 1 {
			t.Fatalf("run %s: value %s of %d acknowledged ones is there %d times", id, n, len(numbers), times[n])
		}
	}
}

// TestRunThatNoWorkerBegan is sent to its project, under its name. Seen to fail
// without namesInParts in runlog (it went to "uncategorized").
func TestRunThatNoWorkerBegan(t *testing.T) {
	p, dir := serve(t), t.TempDir()
	cmd := exec.Command("part", "alone", dir, "sh", "-c", "echo words; exit 3")
	cmd.Env = append(os.Environ(), "WANDB_MODE=offline", "WANDB_PROJECT=p", "WANDB_RUN_ID=r1", "WANDB_NAME=n")
	if s := says(t, cmd); s.code != 3 {
		t.Fatalf("exit %d: %s", s.code, s.stderr)
	}
	if s := says(t, p.online("sync", filepath.Join(dir, "wandb"))); s.code != 0 {
		t.Fatalf("sync: exit %d: %s", s.code, s.stderr)
	}
	if run := p.stored(); run == nil || run.DisplayName != "n" || run.ExitCode == nil || *run.ExitCode != 3 || len(run.Console) != 1 {
		t.Errorf("stored: %+v", run)
	}
}
