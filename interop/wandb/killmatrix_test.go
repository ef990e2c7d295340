package wandb_test

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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// killRounds is how often each set of processes is killed: WANDB_AGENT_KILL_ROUNDS,
// else once.
func killRounds() int {
	if n, err := strconv.Atoi(os.Getenv("WANDB_AGENT_KILL_ROUNDS")); err == nil && n > 0 {
		return n
	}
	return 1
}

// matrix are the processes that are killed at one moment.
var matrix = [][]string{
	{"program"}, {"keeper"}, {"worker"}, {"service"}, {"keeper", "worker"}, {"program", "service"},
	{"program", "keeper", "worker", "service"},
}

// TestKillMatrixWithTheClient kills processes of exec around the official client
// at random moments after the client's run was found. What is in the
// client's log is at the server once after sync, in one run. The client acknowledges
// nothing: run.log returns before anything is written, and its service keeps up
// to a block of 32 KiB in memory. What is lost with a killed service is counted here and is its own.
// Seen to fail without Follow in runapi (two runs).
func TestKillMatrixWithTheClient(t *testing.T) {
	bin := agent(t)
	for _, victims := range matrix {
		t.Run(strings.Join(victims, "+"), func(t *testing.T) {
			t.Parallel()
			p := prove(t)
			var sum killed
			for range killRounds() {
				sum.add(killClient(t, p, bin, victims))
			}
			t.Logf("%v: %d rounds: %d rows logged, %d in the client's log and at the server; lost by the client itself: %d rows in %d rounds, at most %d",
				victims, killRounds(), sum.logged, sum.kept, sum.logged-sum.kept, sum.lossy, sum.worst)
		})
	}
}

// killed is what one round, or several, came to.
type killed struct{ logged, kept, lossy, worst int }

func (k *killed) add(o killed) {
	k.logged, k.kept = k.logged+o.logged, k.kept+o.kept
	if lost := o.logged - o.kept; lost > 0 {
		k.lossy++
		k.worst = max(k.worst, lost)
	}
}

// killClient is one round.
func killClient(t *testing.T, p *proof, bin string, victims []string) killed {
	t.Helper()
	o := onerunOf(t, p, bin, "WANDB_MODE=offline")
	acks, stop := filepath.Join(o.dir, "acks"), filepath.Join(o.dir, "stop")
	cmd := o.exec(t, acks, stop)
	i := slices.IndexFunc(cmd.Args, func(a string) bool { return strings.HasSuffix(a, ".py") })
	cmd.Args[i] = filepath.Join(filepath.Dir(cmd.Args[i]), "kill_run.py")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer o.killAll()
	defer func() {
		if t.Failed() {
			logs, _ := filepath.Glob(filepath.Join(o.dir, "wandb", "*", "logs", "debug*.log"))
			for _, path := range append(logs, acks, said.Name()) {
				text, _ := os.ReadFile(path)
				t.Logf("%s:\n%.2000s", path, text)
			}
			t.Logf("processes %v", o.processes())
		}
	}()
	await(t, "the client's run", func() bool {
		found, _ := filepath.Glob(filepath.Join(o.dir, "wandb", "offline-*", "*.around"))
		text, _ := os.ReadFile(acks)
		return len(found) == 1 && bytes.Count(text, []byte("\n")) > 2
	})
	time.Sleep(time.Duration(rand.Int64N(int64(400 * time.Millisecond))))
	processes := o.processes()
	for _, name := range victims {
		if pid := processes[name]; pid > 0 {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	time.Sleep(50 * time.Millisecond)
	if err := os.WriteFile(stop, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of all processes", func() bool { return len(o.processes()) == 0 })
	if err := cmd.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return o.afterKill(t, acks)
}

// afterKill syncs, and compares what the client's log has with what the server
// has.
func (o *onerun) afterKill(t *testing.T, acks string) (k killed) {
	t.Helper()
	text, err := os.ReadFile(acks)
	if err != nil {
		t.Fatal(err)
	}
	k.logged = bytes.Count(text, []byte("\n")) - 2
	client := o.ours(t).ClientDir()
	kept := map[string]bool{}
	if _, err := runlog.Walk(client, func(_ string, rec *wandbpb.Record) error {
		if row, ok := runlog.RowOf("", rec); ok {
			kept[fmt.Sprint(row.Values["n"])] = true
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	k.kept = len(kept)
	out := ""
	await(t, "the locks of killed processes", func() bool { // which end a little after their memory
		out = o.try(t, "sync")
		return !strings.Contains(out, "is still being written")
	})
	if strings.Count(out, ": sent ") != 1 {
		t.Fatalf("sync: %s", out)
	}
	times := map[string]int{}
	for _, id := range []string{project, "uncategorized"} { // where a run goes that was killed before its log said where
		for _, id2 := range o.p.Runs(entity, id) {
			if id2 != client.RunID {
				continue
			}
			run, err := o.p.Run(entity, id, id2)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range run.History {
				var row struct {
					N json.Number `json:"n"`
				}
				if err := json.Unmarshal([]byte(line), &row); err != nil {
					t.Fatal(err)
				}
				times[row.N.String()]++
			}
		}
	}
	for n := range kept {
		if times[n] != 1 {
			t.Fatalf("row %s of %d in the client's log is at the server %d times", n, len(kept), times[n])
		}
	}
	return k
}

// processes finds what runs in the directory, by name.
func (o *onerun) processes() map[string]int {
	found := map[string]int{}
	paths, _ := filepath.Glob("/proc/[0-9]*")
	for _, path := range paths {
		environ, _ := os.ReadFile(filepath.Join(path, "environ"))
		if !bytes.Contains(environ, []byte("HOME="+o.dir+"\x00")) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(path))
		line, _ := os.ReadFile(filepath.Join(path, "cmdline"))
		switch {
		case bytes.Contains(line, []byte("wandb-core")):
			found["service"] = pid
		case bytes.Contains(line, []byte("exec-worker")):
			found["worker"] = pid
		case bytes.HasPrefix(line, []byte(o.bin)):
			found["keeper"] = pid
		case bytes.Contains(line, []byte("kill_run.py")):
			found["program"] = pid
		case len(line) > 0:
			found["other"] = pid
		}
	}
	return found
}

// killAll leaves nothing behind.
func (o *onerun) killAll() {
	for _, pid := range o.processes() {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// await waits for something that only a broken program does not do.
func await(t *testing.T, what string, f func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !f() {
		if ctx.Err() != nil {
			t.Fatalf("not within a minute: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
