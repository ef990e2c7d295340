//go:build linux

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// insidePart is a training program that makes a run of itself. With "kill" as
// its first argument it dies with a step open; any other is the id it wants.
func insidePart(args []string) error {
	s := runapi.Settings{Name: "from inside", Tags: []string{"t"}, Config: map[string]any{"lr": 0.5}}
	kill := len(args) > 0 && args[0] == "kill"
	if len(args) > 0 && !kill {
		s.ID = args[0]
	}
	r, err := runapi.Init(context.Background(), s)
	if err != nil {
		return err
	}
	for i := range 20 {
		err = errors.Join(err, r.Log(map[string]any{"loss": float64(i) / 4}))
	}
	_, text := os.Stdout.WriteString("training\n")
	err = errors.Join(err, text, r.Summary().Set("best", 7), r.Log(map[string]any{"open": 1}, runapi.NoCommit()))
	if kill {
		return errors.Join(err, syscall.Kill(os.Getpid(), syscall.SIGKILL))
	}
	return errors.Join(err, r.Finish(0))
}

// runsBelow loads all runs below dir.
func runsBelow(t *testing.T, dir string) (all []*runlog.Run) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "wandb", "*run-*-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		run, err := loadRun(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, run)
	}
	return all
}

// TestProgramInsideExecIsPartOfItsRun: rows, config and summary of the program,
// console and exit seen by exec, hardware measured once. Seen to fail without
// joinExec (two runs) and without adopt (no name).
func TestProgramInsideExecIsPartOfItsRun(t *testing.T) {
	dir := t.TempDir()
	if s := agentSays(t, execArgs(dir, "part", "inside")...); s.code != 0 {
		t.Fatalf("exit %d: %s", s.code, s.stderr)
	}
	all := runsBelow(t, dir)
	if len(all) != 1 {
		t.Fatalf("there are %d runs, want 1", len(all))
	}
	run := all[0]
	if run.Name != "from inside" || len(run.Tags) != 1 || run.Config["lr"] != 0.5 {
		t.Errorf("name %q, tags %q, config %v", run.Name, run.Tags, run.Config)
	}
	if len(run.History) != 21 || run.History[19].Step != 19 || run.History[20].Values["open"] != int64(1) {
		t.Errorf("the history has %d rows: %v", len(run.History), run.History)
	}
	if run.Summary["loss"] != 4.75 || run.Summary["best"] != int64(7) || run.Exit == nil || run.Exit.Code != 0 {
		t.Errorf("summary %v, exit %+v", run.Summary, run.Exit)
	}
	if len(run.Console) != 1 || run.Console[0].Text != "training\n" {
		t.Errorf("console %v", run.Console)
	}
	latest := filepath.Join(dir, "wandb", "latest-run")
	text, err := os.ReadFile(filepath.Join(latest, "files", "config.yaml"))
	if err != nil || !strings.Contains(string(text), "lr:") {
		t.Errorf("config.yaml has no lr (%v):\n%s", err, text)
	}
	if left, _ := filepath.Glob(filepath.Join(latest, "*.part")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestKilledProgramInsideExec: nothing that was acknowledged is lost, and the
// run says how the program ended.
func TestKilledProgramInsideExec(t *testing.T) {
	dir := t.TempDir()
	if s := agentSays(t, execArgs(dir, "part", "inside", "kill")...); s.code != 137 {
		t.Fatalf("exit %d: %s", s.code, s.stderr)
	}
	all := runsBelow(t, dir)
	if len(all) != 1 {
		t.Fatalf("there are %d runs, want 1", len(all))
	}
	run := all[0]
	if len(run.History) != 21 || run.Summary["loss"] != 4.75 || run.Exit == nil || run.Exit.Signal != 9 {
		t.Errorf("%d rows, summary %v, exit %+v", len(run.History), run.Summary, run.Exit)
	}
}

// TestProgramInsideExecMayHaveARunOfItsOwn: it asks for another id.
func TestProgramInsideExecMayHaveARunOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("WANDB_DIR", dir)
	t.Setenv("WANDB_MODE", "offline")
	if s := agentSays(t, execArgs(dir, "part", "inside", "mine")...); s.code != 0 {
		t.Fatalf("exit %d: %s", s.code, s.stderr)
	}
	rows := map[string]int{}
	for _, run := range runsBelow(t, dir) {
		rows[run.ID] = len(run.History)
	}
	if len(rows) != 2 || rows["mine"] != 21 {
		t.Errorf("rows by run: %v", rows)
	}
}

// TestRanksInsideExec: exec around a launcher of ranks. Both log 21 steps from 0
// and have a step open; one is killed then. Seen to fail with one side file for
// all (the second rank's Log returns an error).
func TestRanksInsideExec(t *testing.T) {
	dir := t.TempDir()
	script := "WORLD_SIZE=2 RANK=0 part inside; WORLD_SIZE=2 RANK=1 part inside kill; WORLD_SIZE=2 RANK=1 part inside; exit 0"
	if s := agentSays(t, execArgs(dir, "sh", "-c", script)...); s.code != 0 || strings.Contains(s.stderr, "part:") {
		t.Fatalf("exit %d: %s", s.code, s.stderr)
	}
	all := runsBelow(t, dir)
	if len(all) != 1 || len(all[0].History) != 63 {
		t.Fatalf("got %d runs, the first of %d rows, want 1 of 63", len(all), len(all[0].History))
	}
	opened := map[any]int{}
	for i, row := range all[0].History {
		if row.Step != int64(i) {
			t.Fatalf("row %d has step %d", i, row.Step)
		}
		if row.Values["open"] != nil {
			opened[row.Values["_writer"]]++
		}
	}
	if opened["rank-0"] != 1 || opened["rank-1"] != 1 || len(opened) != 3 { // a label that is taken gives way to the part's name
		t.Errorf("writers of open steps: %v", opened)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "wandb", "latest-run", "run-*.open")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
