//go:build linux

package runlog

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Environment of the child process that gets killed, and how many rounds.
const (
	childDir  = "RUNLOG_TEST_CHILD_DIR"
	childMode = "RUNLOG_TEST_CHILD_MODE"
	rounds    = "WANDB_AGENT_KILL_ROUNDS"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child := writeUntilKilled
		switch os.Getenv(childMode) {
		case "full":
			child = func(dir, _ string) error { return fillDisk(dir) }
		case "trim":
			child = func(dir, _ string) error { return trimUntilKilled(dir) }
		case "join":
			child = func(dir, _ string) error { return joinUntilKilled(dir) }
		}
		if err := child(dir, os.Getenv(childMode)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// writeUntilKilled acknowledges on stdout what the log has accepted: "row N",
// and "part N K" for value K of step N.
func writeUntilKilled(path, mode string) error {
	dir := &Dir{Path: path, RunID: "kill"}
	w, err := Create(dir.LogPath(), patient)
	if err != nil {
		return err
	}
	open, err := CreateOpenSteps(dir.OpenStepsPath(), patient)
	if err != nil {
		return err
	}
	st := NewState()
	for step := int64(0); ; step++ {
		row := &Row{Step: step, Runtime: float64(step), Timestamp: 1.7e9}
		if mode == "parts" {
			for k := range 5 {
				it := Item{Key: NewKey("v" + strconv.Itoa(k)), Kind: Int, I: step*10 + int64(k)}
				row.Items = append(row.Items, it)
				part := *row
				part.Items = []Item{it}
				if err := open.Append(&part); err != nil {
					return err
				}
				os.Stdout.WriteString("part " + strconv.FormatInt(step, 10) + " " + strconv.Itoa(k) + "\n")
			}
		} else {
			row.Items = []Item{{Key: NewKey("v0"), Kind: Int, I: step * 10}}
		}
		st.Row(row)
		if err := w.Row(row); err != nil {
			return err
		}
		os.Stdout.WriteString("row " + strconv.FormatInt(step, 10) + "\n")
		open.Reset(w)
	}
}

// No row or part that was acknowledged may be lost however the process dies.
// Protection: lead() calls WriteAt before accept() returns.
func TestKilledWriterLosesNothing(t *testing.T) {
	n := 20
	if s := os.Getenv(rounds); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	for round := range n {
		mode := [...]string{"rows", "parts"}[round%2]
		t.Run(mode+strconv.Itoa(round), func(t *testing.T) { killOnce(t, mode) })
	}
}

func killOnce(t *testing.T, mode string) {
	dir := &Dir{Path: t.TempDir(), RunID: "kill"}
	rows, parts := runAndKill(t, dir, mode)
	if r, err := Load(dir); err != nil || int64(len(r.History)) <= rows {
		t.Fatalf("load before repair: got %v, %v, want more than %d rows", r, err, rows)
	}
	report, err := Repair(dir)
	if err != nil {
		t.Fatal(err)
	}
	// The kernel may end a write that crosses a page early when its caller is
	// killed; what that cuts off was not acknowledged.
	damage := report.Damage
	if damage.TornBytes = 0; damage.Any() || !report.AddedExit || report.Exit.Known {
		t.Errorf("got %+v, want no damage but a torn end, and an unknown exit", report)
	}
	run, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for step, h := range run.History {
		if h.Step != int64(step) {
			t.Fatalf("row %d has step %d", step, h.Step)
		}
		for key, v := range h.Values {
			k, _ := strconv.ParseInt(key[1:], 10, 64)
			if v != h.Step*10+k {
				t.Fatalf("step %d: got %s = %v", step, key, v)
			}
		}
	}
	if int64(len(run.History)) <= rows {
		t.Fatalf("got %d rows, want %d acknowledged ones", len(run.History), rows+1)
	}
	for step, k := range parts {
		if got := len(run.History[step].Values); got <= k {
			t.Errorf("step %d: got %d values, want %d acknowledged ones", step, got, k+1)
		}
	}
	last := run.History[len(run.History)-1]
	if run.Summary["_step"] != last.Step || run.Summary["v0"] != last.Values["v0"] || !run.Crashed {
		t.Errorf("summary %v, crashed %v: want those of the last row %+v", run.Summary, run.Crashed, last)
	}
	again, err := Repair(dir)
	if err != nil || again.Changed {
		t.Errorf("second repair: got %+v, %v, want no change", again, err)
	}
}

// runAndKill returns the last row acknowledged and the last part of each step.
func runAndKill(t *testing.T, dir *Dir, mode string) (row int64, parts map[int64]int) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childDir+"="+dir.Path, childMode+"="+mode)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	row, parts = -1, map[int64]int{}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil { // a line cut by the kill was not acknowledged
			break
		}
		f := strings.Fields(line)
		n, _ := strconv.ParseInt(f[1], 10, 64)
		if f[0] == "row" {
			if row = n; n == 0 {
				go func() { // ends with the child
					time.Sleep(time.Duration(rand.IntN(60_000)) * time.Microsecond)
					cmd.Process.Kill()
				}()
			}
			continue
		}
		k, _ := strconv.Atoi(f[2])
		parts[n] = k
	}
	cmd.Wait()
	if row < 0 {
		t.Fatalf("the child wrote nothing into %s", filepath.Base(dir.Path))
	}
	return row, parts
}
