package runapi

import (
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
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

const testBound = 100 << 10

// numbers logs rows from..to-1, each with its number, and returns the largest log
// that there was on the way.
func numbers(t testing.TB, r *Run, from, to int, pace func()) (largest int64) {
	t.Helper()
	i, row := r.Key("i"), r.Row()
	for n := from; n < to; n++ {
		row.Int(i, int64(n))
		if err := r.LogRow(&row); err != nil {
			t.Fatal(err)
		}
		if n%100 == 0 {
			st, err := os.Stat(r.dir.LogPath())
			if err != nil {
				t.Fatal(err)
			}
			largest = max(largest, st.Size())
			pace()
		}
	}
	return largest
}

func nowait() {}

// slowly keeps a program from logging faster than its rows are sent.
func slowly(r *Run) func() {
	return func() {
		for r.Upload().PendingBytes > testBound/3 {
			time.Sleep(time.Millisecond)
		}
	}
}

// TestBoundedOfflineRun logs a hundred times as much as there is room for.
func TestBoundedOfflineRun(t *testing.T) {
	const rows = 100_000
	s := quiet(t)
	s.MaxLogBytes, s.Config = testBound, map[string]any{"lr": 0.1}
	r := start(t, s)
	if err := r.Log(map[string]any{"early": "bird", "i": -1}, AtStep(0), Commit()); err != nil {
		t.Fatal(err)
	}
	if largest := numbers(t, r, 1, rows, nowait); largest > testBound*9/8+1000 {
		t.Errorf("the log had %d bytes, want at most an eighth more than %d", largest, testBound)
	}
	c := r.Counters()
	run := load(t, r)
	if c.Rows != rows || int64(len(run.History))+c.Trimmed != rows || len(run.History) < 500 {
		t.Errorf("%d rows are left, counted %+v", len(run.History), c)
	}
	for n, h := range run.History {
		if want := int64(rows - len(run.History) + n); h.Step != want || h.Values["i"] != want {
			t.Fatalf("row %d of those left is %+v, want step %d", n, h, want)
		}
	}
	if run.Summary["early"] != "bird" || run.Summary["i"] != int64(rows-1) || run.Config["lr"] != 0.1 {
		t.Errorf("summary %v, config %v", run.Summary, run.Config)
	}
	p := serve(t)
	p.send(t, r.Dir())
	if got := p.run(t, r.ID()); len(got.History) != len(run.History) || !strings.Contains(got.Summary, `"early":"bird"`) {
		t.Errorf("the server got %d rows of %d, summary %v", len(got.History), len(run.History), got.Summary)
	}
}

// TestBoundedOnlineRun sends every row once.
func TestBoundedOnlineRun(t *testing.T) {
	rows := 100_000
	if testing.Short() {
		rows = 10_000
	}
	p := serve(t)
	s := p.online(t)
	s.MaxLogBytes = testBound
	r := start(t, s)
	fmt.Fprintln(r.ConsoleWriter(false), "hello")
	if largest := numbers(t, r, 0, rows, slowly(r)); largest > testBound*9/8+1000 {
		t.Errorf("the log had %d bytes, want at most an eighth more than %d", largest, testBound)
	}
	fmt.Fprintln(r.ConsoleWriter(false), "goodbye")
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	if c := r.Counters(); c.Trimmed != 0 {
		t.Errorf("%d rows went before they were sent", c.Trimmed)
	}
	wantNumbers(t, p.run(t, r.ID()), 0, rows, true)
	if run := p.run(t, r.ID()); len(run.Console) != 2 || run.State != "finished" {
		t.Errorf("console %q, state %s", run.Console, run.State)
	}
}

// wantNumbers checks that a stored run has rows first..rows-1, in order and each
// once; without all, those before the last may lack some.
func wantNumbers(t testing.TB, run *server.Run, first, rows int, all bool) {
	t.Helper()
	last := first - 1
	for _, line := range run.History {
		v, err := strconv.Atoi(number1(line, "i"))
		if err != nil {
			t.Fatalf("row %s", line)
		}
		if v <= last || all && v != last+1 {
			t.Fatalf("row %d after %d", v, last)
		}
		last = v
	}
	if last < rows-1 {
		t.Errorf("the last row is %d, want %d", last, rows-1)
	}
}

// number1 is the text of a whole number in a line of JSON.
func number1(line, key string) string {
	_, rest, _ := strings.Cut(line, `"`+key+`":`)
	n := 0
	for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
		n++
	}
	return rest[:n]
}

// TestBoundedRunWithoutServer goes on for long while the server is gone: the
// oldest rows make room, and what was not taken off arrives.
func TestBoundedRunWithoutServer(t *testing.T) {
	const rows = 20_000
	p := serve(t)
	s := p.online(t)
	s.MaxLogBytes = testBound
	r := start(t, s)
	numbers(t, r, 0, 1000, slowly(r))
	p.front.SetMode(faults.Refuse)
	if largest := numbers(t, r, 1000, rows, nowait); largest > testBound*9/8+1000 {
		t.Errorf("the log had %d bytes, want at most an eighth more than %d", largest, testBound)
	}
	p.front.SetMode(faults.Serve)
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	run := p.run(t, r.ID())
	wantNumbers(t, run, 0, rows, false)
	if c := r.Counters(); c.Trimmed == 0 || int64(len(run.History))+c.Trimmed != rows {
		t.Errorf("the server has %d rows, %d were taken off, of %d", len(run.History), c.Trimmed, rows)
	}
}

// boundProgram logs numbers into a bounded run and says what was acknowledged.
func boundProgram(dir, url string, w io.Writer) int {
	s := Settings{Dir: dir, Mode: ModeOnline, Project: "p", ID: "bound", DisableGit: true, DisableStats: true, Environ: []string{}, MaxLogBytes: 64 << 10,
		BaseURL: url, APIKey: api.NewKey(strings.Repeat("0", 40)), Transmit: minInterval}
	r, err := Init(context.Background(), s)
	if err != nil {
		return 1
	}
	for i := 0; ; i++ {
		for r.Upload().PendingBytes > 20<<10 {
			time.Sleep(time.Millisecond)
		}
		fmt.Fprintln(r.ConsoleWriter(false), "line", i)
		if err := r.Log(map[string]any{"i": i}); err != nil {
			return 1
		}
		if _, err := fmt.Fprintln(w, i); err != nil {
			return 1
		}
	}
}

// TestKilledBoundedRun kills a program that sends its run while its log is made
// smaller, and sends the rest: each acknowledged row is stored once, each line
// too. Seen to fail when Uploader.Trim takes what was read, and not what was
// acknowledged, for sent.
func TestKilledBoundedRun(t *testing.T) {
	for range min(killRounds(t), 12) {
		p := serve(t)
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir, crashServer+"="+p.front.URL(), crashBound+"=1")
		last := killedAfter(t, cmd, time.Duration(rand.Int64N(int64(2*time.Second))))
		paths, err := filepath.Glob(filepath.Join(dir, "wandb", "run-*-bound"))
		if err != nil || len(paths) != 1 {
			t.Fatalf("run directories: %q, %v", paths, err)
		}
		p.send(t, paths[0])
		run := p.run(t, "bound")
		wantNumbers(t, run, 0, last+1, true)
		for n, line := range run.Console {
			if !strings.HasSuffix(line, fmt.Sprintf("line %d", n)) {
				t.Fatalf("console line %d is %q", n, line)
			}
		}
		if len(run.Console) <= last {
			t.Errorf("%d lines of %d", len(run.Console), last+1)
		}
	}
}

func TestMaxLogBytesIsChecked(t *testing.T) {
	s := quiet(t)
	s.Environ = []string{"WANDB_AGENT_MAX_LOG_BYTES=1000"}
	if _, err := Init(t.Context(), s); err == nil || !strings.Contains(err.Error(), "65536") {
		t.Errorf("1000 bytes: %v", err)
	}
}

// TestBoundedConsole keeps the newest lines of output.log.
func TestBoundedConsole(t *testing.T) {
	s := quiet(t)
	s.MaxLogBytes = 64 << 10
	r := start(t, s)
	for i := range 20_000 {
		fmt.Fprintf(r.ConsoleWriter(false), "line %d\n", i)
	}
	r.mu.Lock()
	r.boundLog() // as the background does every second
	r.mu.Unlock()
	if size := r.log.Size(); size > 64<<10 {
		t.Errorf("the log has %d bytes", size)
	}
	load(t, r)
	text, err := os.ReadFile(filepath.Join(r.FilesDir(), outputFile))
	if err != nil || len(text) > 70<<10 || !strings.HasPrefix(string(text), "line ") || !strings.HasSuffix(string(text), "line 19999\n") {
		t.Errorf("output.log has %d bytes, %v", len(text), err)
	}
}
