//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
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

	"github.com/wandb-agent/wandb-agent/cmd/wandb-agent/internal/keeper"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// killRounds is how often a program is killed: WANDB_AGENT_KILL_ROUNDS, else n.
func killRounds(t *testing.T, n int) int {
	if rounds, err := strconv.Atoi(os.Getenv("WANDB_AGENT_KILL_ROUNDS")); err == nil && rounds > 0 {
		n = rounds
	}
	if testing.Short() {
		n = min(n, 3)
	}
	return n
}

// TestKilledRunIsShown kills a training program at random moments: show prints
// every value that was acknowledged, once. Seen to fail without "r.parts.Append"
// in addPart of runapi.
func TestKilledRunIsShown(t *testing.T) {
	values := 0
	for range killRounds(t, 20) {
		values += showKilled(t)
	}
	t.Logf("%d acknowledged values were shown", values)
}

func showKilled(t *testing.T) int {
	dir := t.TempDir()
	cmd := exec.Command("part", "train", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, cmd)
	began, last := make(chan bool, 1), make(chan int, 1)
	go func() { // ends with the pipe
		acked := -1
		for lines := bufio.NewScanner(out); lines.Scan(); acked++ {
			if lines.Text() != strconv.Itoa(acked+1) {
				break
			}
			select {
			case began <- true:
			default:
			}
		}
		last <- acked
	}()
	select {
	case <-began:
	case <-time.After(patience):
		t.Fatal("the program has not logged")
	}
	time.Sleep(time.Duration(rand.Int64N(int64(40 * time.Millisecond))))
	cmd.Process.Kill()
	acked := <-last
	done(t, cmd)
	run := shown(t, dir)
	seen := make(map[string]int)
	for _, row := range run.History {
		values, _ := row.Values.(map[string]any)
		for key, v := range values {
			seen[key]++
			if fmt.Sprintf("k%.0f", v) != key {
				t.Fatalf("%s is %v", key, v)
			}
		}
	}
	for i := 0; i <= acked; i++ {
		if n := seen["k"+strconv.Itoa(i)]; n != 1 {
			t.Fatalf("acknowledged value %d of %d is shown %d times", i, acked, n)
		}
	}
	if !run.Crashed || run.Exit != nil {
		t.Errorf("crashed %v, exit %+v; want a crashed run without one", run.Crashed, run.Exit)
	}
	return acked + 1
}

// trainPart logs plain rows, parts of a step and rows at a step until it is
// killed, and says what was acknowledged.
func trainPart(args []string) error {
	r, err := runapi.Init(context.Background(), runapi.Settings{
		Dir: args[0], Mode: runapi.ModeOffline, Project: "p", SampleInterval: 100 * time.Millisecond, StatsInterval: 100 * time.Millisecond,
	})
	for i := 0; err == nil; i++ {
		value := map[string]any{"k" + strconv.Itoa(i): i}
		switch i % 4 {
		case 0:
			err = r.Log(value)
		case 1:
			err = r.Log(value, runapi.NoCommit())
		case 2:
			err = r.Log(value, runapi.AtStep(r.Step()+2))
		default:
			err = r.Log(value, runapi.AtStep(r.Step()))
		}
		if err == nil {
			_, err = fmt.Println(i)
		}
	}
	return err
}

// TestWorkerKilled kills the worker 50 times while the command runs: the command
// goes on, and every byte that it printed is in the run afterwards. Seen to fail
// without the restart in supervisor.run.
func TestWorkerKilled(t *testing.T) {
	kills := killRounds(t, 50)
	dir := t.TempDir()
	stop := filepath.Join(dir, "stop")
	script := fmt.Sprintf("i=0; while [ ! -e %q ]; do i=$((i+1)); echo line $i; echo note $i >&2; sleep 0.01; done; exit 7", stop)
	cmd := exec.Command("part", append([]string{"quick", dir}, "sh", "-c", script)...)
	collect := record(t, cmd)
	start(t, cmd)
	killed := 0
	for range kills {
		worker := 0
		eventually(t, "another worker", func() bool {
			worker = workerOf(cmd.Process.Pid)
			return worker != 0 && worker != killed
		})
		time.Sleep(time.Duration(rand.Int64N(int64(60 * time.Millisecond))))
		if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
			t.Fatalf("worker %d: %v", worker, err)
		}
		killed = worker
	}
	touch(t, stop)
	if code := done(t, cmd); code != 7 {
		t.Errorf("exec exits with %d, want 7", code)
	}
	stdout, stderr := collect()
	var result keeper.Result
	if err := json.Unmarshal(slurp(t, filepath.Join(dir, "result")), &result); err != nil {
		t.Fatal(err)
	}
	if result.Restarts < kills || result.LogLost != 0 || result.Unsent != 0 {
		t.Errorf("got %+v, want %d restarts and nothing lost", result, kills)
	}
	run := shown(t, dir)
	wantExit(t, run.Exit, true, 7, 0)
	if run.Damage != (shownDamage{}) {
		t.Errorf("the log is damaged: %+v", run.Damage)
	}
	for _, c := range []struct{ stream, word, printed string }{{"stdout", "line", stdout}, {"stderr", "note", stderr}} {
		if got := consoleOf(&run, c.stream); got != c.printed {
			t.Errorf("the run has %d bytes of %s, printed were %d", len(got), c.stream, len(c.printed))
		}
		n := 0
		for line := range strings.Lines(c.printed) {
			if n++; line != fmt.Sprintf("%s %d\n", c.word, n) {
				t.Fatalf("%s line %d is %q", c.stream, n, line)
			}
		}
		if n == 0 {
			t.Errorf("%s is empty", c.stream)
		}
	}
}

// TestNoWorker: without a worker that ever works the command still runs, and the
// keeper's own part of the run has its console and its exit. Seen to fail
// without writeExit in keep.
func TestNoWorker(t *testing.T) {
	dir := t.TempDir()
	s := says(t, exec.Command("part", "alone", dir, "sh", "-c", "echo begin; sleep 0.2; echo end; exit 7"))
	if s.code != 7 || s.stdout != "begin\nend\n" {
		t.Errorf("exit %d, %q, %s", s.code, s.stdout, s.stderr)
	}
	run := shown(t, dir)
	wantExit(t, run.Exit, true, 7, 0)
	if got := consoleOf(&run, "stdout"); got != "begin\nend\n" {
		t.Errorf("console in the run is %q", got)
	}
}

// alonePart is exec whose worker ends at once, whenever it is started.
func alonePart(args []string) error {
	return keepPart(args, func(conf *keeper.Config) { conf.Worker = func() *exec.Cmd { return exec.Command("false") } })
}

// quickPart is exec with a worker that is started again at once.
func quickPart(args []string) error { return keepPart(args, func(*keeper.Config) {}) }

// keepPart is exec, changed, that does not wait before it starts a worker again.
func keepPart(args []string, change func(*keeper.Config)) error {
	flags := runFlags{Dir: args[0], SampleInterval: 100 * time.Millisecond, StatsInterval: 100 * time.Millisecond, Client: clientJoin,
		TensorBoard: os.Getenv(eventsVariable)}
	s, err := runapi.Prepare(flags.settings())
	if err != nil {
		return err
	}
	conf := keeper.Config{Argv: args[1:], Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	if err := keep(&conf, &s, &flags); err != nil {
		return err
	}
	conf.MinBackoff, conf.MaxBackoff = time.Millisecond, time.Millisecond
	change(&conf)
	result, err := keeper.Run(context.Background(), conf)
	if err != nil {
		return err
	}
	text, err := json.Marshal(keeper.Result{Restarts: result.Restarts, LogLost: result.LogLost, Unsent: result.Unsent})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(args[0], "result"), text, 0o600); err != nil {
		return err
	}
	os.Exit(result.Status.ExitCode())
	return nil
}
