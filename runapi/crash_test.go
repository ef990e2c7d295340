package runapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// crashDir makes the test binary a program that logs until it is killed.
const crashDir = "WANDB_AGENT_TEST_CRASH_DIR"

// crashServer has that program send its run to a server.
const crashServer = "WANDB_AGENT_TEST_CRASH_SERVER"

// crashBound has it be a boundProgram.
const crashBound = "WANDB_AGENT_TEST_CRASH_BOUND"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if os.Getenv(crashBound) != "" {
			os.Exit(boundProgram(dir, os.Getenv(crashServer), os.Stdout))
		}
		os.Exit(crashProgram(dir, os.Stdout))
	}
	if dir := os.Getenv(mediaKillDir); dir != "" {
		os.Exit(mediaProgram(dir, os.Stdout))
	}
	if dir := os.Getenv(signalDir); dir != "" {
		os.Exit(signalProgram(dir))
	}
	os.Exit(m.Run())
}

// crashProgram logs rows in all ways and says on w what was acknowledged: the
// key, which is also the value, a line each. A value is logged once.
func crashProgram(dir string, w io.Writer) int {
	s := Settings{
		Dir: dir, Mode: ModeOffline, Project: "p", DisableGit: true, Environ: []string{}, SampleInterval: minInterval, StatsInterval: minInterval,
	}
	if url := os.Getenv(crashServer); url != "" {
		s.Mode, s.BaseURL, s.APIKey, s.Transmit = ModeOnline, url, api.NewKey(strings.Repeat("0", 40)), minInterval
	}
	r, err := Init(context.Background(), s)
	if err != nil {
		return 1
	}
	row, step := r.Row(), int64(0)
	for i := 0; ; i++ {
		key := "k" + strconv.Itoa(i)
		switch i % 7 {
		case 0, 1:
			row.Int(r.Key(key), int64(i))
			err = r.LogRow(&row)
		case 2, 3:
			err = r.Log(map[string]any{key: i}, NoCommit())
		case 4:
			step = r.Step() + 2
			err = r.Log(map[string]any{key: i}, AtStep(step))
		case 5:
			err = r.Log(map[string]any{key: i}, AtStep(step))
		default:
			err = r.Log(map[string]any{key: i})
		}
		if err != nil {
			return 1
		}
		if _, err := fmt.Fprintln(w, i); err != nil {
			return 1
		}
	}
}

func killRounds(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("WANDB_AGENT_KILL_ROUNDS"))
	if err != nil || n <= 0 {
		n = 20
	}
	if testing.Short() {
		n = min(n, 3)
	}
	return n
}

// TestKilledProgramLosesNothing kills a program at random moments. Seen to fail
// without "parts.Append" in addPart (values of open steps are lost).
func TestKilledProgramLosesNothing(t *testing.T) {
	rows := 0
	for range killRounds(t) {
		rows += killOnce(t)
	}
	t.Logf("%d acknowledged values survived", rows)
}

func killOnce(t *testing.T) int {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	last := killedAfter(t, cmd, time.Duration(rand.Int64N(int64(60*time.Millisecond))))
	checkCrashed(t, filepath.Join(dir, "wandb"), last)
	return last + 1
}

// killedAfter runs a crashProgram, kills it some time after its first row, and
// returns the last value that was acknowledged.
func killedAfter(t *testing.T, cmd *exec.Cmd, d time.Duration) int {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acked := make(chan int)
	go func() { // ends with the pipe
		last := -1
		for lines := bufio.NewScanner(out); lines.Scan(); {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				break
			}
			if last = n; n == 0 {
				acked <- 0
			}
		}
		acked <- last
	}()
	if first := <-acked; first != 0 {
		t.Fatalf("the program ended before it logged: %v", cmd.Wait())
	}
	time.Sleep(d)
	cmd.Process.Kill()
	last := <-acked
	cmd.Wait()
	return last
}

// checkCrashed looks for every acknowledged value before and after repair.
func checkCrashed(t *testing.T, path string, last int) {
	t.Helper()
	dir, err := runlog.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"before repair", "after repair", "after a second repair"} {
		run, err := runlog.Load(dir)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		seen := make(map[string]int)
		before := int64(-1)
		for _, h := range run.History {
			if h.Step <= before {
				t.Fatalf("%s: step %d follows step %d", when, h.Step, before)
			}
			before = h.Step
			for key, v := range h.Values {
				seen[key]++
				if fmt.Sprint("k", v) != key {
					t.Fatalf("%s: %s is %v", when, key, v)
				}
			}
		}
		for i := 0; i <= last; i++ {
			if n := seen["k"+strconv.Itoa(i)]; n != 1 {
				t.Fatalf("%s: acknowledged value %d of %d is there %d times", when, i, last, n)
			}
		}
		if !run.Crashed || run.Project != "p" {
			t.Fatalf("%s: crashed is %v, project %q", when, run.Crashed, run.Project)
		}
		report, err := runlog.Repair(dir)
		if err != nil {
			t.Fatalf("repair: %v", err)
		}
		if strings.HasPrefix(when, "after") && report.Changed {
			t.Fatalf("repair %s changed something: %+v", when, report)
		}
	}
}

// TestContinueAfterCrash takes up the log of a killed program, as a worker
// does whose predecessor died.
func TestContinueAfterCrash(t *testing.T) {
	s := quiet(t)
	s.Config = map[string]any{"lr": 1}
	s.ID, s.Name = "again", "first"
	r := start(t, s)
	for i := range 3 {
		if err := r.Log(map[string]any{"a": i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Log(map[string]any{"open": 1}, NoCommit()); err != nil {
		t.Fatal(err)
	}
	began := r.StartTime()
	abandon(r)
	next := s
	next.Config, next.Name, next.ID = nil, "second", ""
	next.RunDir = &runlog.Dir{Path: r.Dir(), RunID: "again"}
	r2 := start(t, next)
	if r2.ID() != "again" || r2.Name() != "first" || r2.Step() != 4 || r2.StartTime().Sub(began).Abs() > time.Millisecond {
		t.Errorf("id %q, name %q, step %d, start %v; want again, first, 4, %v", r2.ID(), r2.Name(), r2.Step(), r2.StartTime(), began)
	}
	if v, ok := r2.Config().Get("lr"); !ok || v != int64(1) {
		t.Errorf("config lr is %v", v)
	}
	if err := r2.Log(map[string]any{"a": 3}, NoCommit()); err != nil {
		t.Fatal(err)
	}
	run := load(t, r2)
	if len(run.History) != 5 || run.History[3].Values["open"] != int64(1) || run.History[4].Values["a"] != int64(3) || run.Crashed {
		t.Errorf("history is %v, crashed %v", run.History, run.Crashed)
	}
	if _, err := Init(context.Background(), next); err == nil || !strings.Contains(err.Error(), "finished") {
		t.Errorf("a finished run was continued: %v", err)
	}
}

// abandon lets go of a run's files as the death of its process does.
func abandon(r *Run) {
	close(r.stop)
	r.back.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finished = true
	r.log.Close()
	if parts := r.parts.Load(); parts != nil {
		parts.Close()
	}
}
