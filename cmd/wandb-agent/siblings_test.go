//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// TestShowTellsOfOtherWriters: two directories of one run, before and after they
// were joined.
func TestShowTellsOfOtherWriters(t *testing.T) {
	root := t.TempDir()
	var dirs []*runlog.Dir
	for range 2 {
		run, err := runapi.Init(t.Context(), runapi.Settings{
			ID: "both", Dir: root, Mode: runapi.ModeOffline, DisableStats: true, DisableGit: true, Environ: []string{},
		})
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, &runlog.Dir{Path: run.Dir(), RunID: "both"})
		if err := run.Finish(0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	show := func(dir *runlog.Dir) string {
		var out, errs strings.Builder
		if code := Main([]string{"show", dir.Path}, nil, &out, &errs); code != 0 {
			t.Fatalf("show: exit %d: %s", code, errs.String())
		}
		return out.String()
	}
	if out := show(dirs[0]); !strings.Contains(out, "1 more directory of this run") {
		t.Errorf("before the join: got %s", out)
	}
	main, _, err := runlog.Join(dirs, runlog.JoinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if out := show(main); strings.Contains(out, "more director") {
		t.Errorf("the joined log: got %s", out)
	}
	other := dirs[1]
	if other.Path == main.Path {
		other = dirs[0]
	}
	if out := show(other); !strings.Contains(out, "it was joined") {
		t.Errorf("a log that was joined into another: got %s", out)
	}
}

// TestSyncSendsALateDirectory: another rank's directory turns up when the first
// was sent. Its rows go behind, what the server has stays.
func TestSyncSendsALateDirectory(t *testing.T) {
	root, late := t.TempDir(), t.TempDir()
	var runs []*runapi.Run
	for rank, dir := range []string{root, late} {
		run, err := runapi.Init(t.Context(), runapi.Settings{
			ID: "both", Project: "p", Dir: dir, Mode: runapi.ModeOffline, DisableStats: true, DisableGit: true,
			Environ: []string{fmt.Sprint("RANK=", rank), "WORLD_SIZE=2"},
		})
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	for i := range 3 {
		for _, run := range runs { // at one time
			if err := run.Log(map[string]any{"loss": i}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for rank, run := range runs {
		fmt.Fprintf(run.ConsoleWriter(false), "words of %d\n", rank)
		if err := run.Finish(rank * 5); err != nil {
			t.Fatal(err)
		}
	}
	p := serve(t)
	sync := func(args ...string) {
		t.Helper()
		cmd := p.online(append([]string{"sync"}, args...)...)
		cmd.Env = append(cmd.Env, "WANDB_RUN_ID=")
		if s := says(t, cmd); s.code != 0 || !strings.Contains(s.stderr, "run both: sent") {
			t.Fatalf("sync %q: exit %d: %s", args, s.code, s.stderr)
		}
	}
	sync(runs[0].Dir())
	before, err := p.Run(server.DefaultEntity, "p", "both")
	if err != nil || len(before.History) != 3 || before.State != "finished" {
		t.Fatalf("the first directory: %+v, %v", before, err)
	}
	sync(runs[0].Dir(), runs[1].Dir())
	after, err := p.Run(server.DefaultEntity, "p", "both")
	if err != nil || len(after.History) != 6 || !slices.Equal(after.History[:3], before.History) {
		t.Fatalf("both: %+v, %v", after, err)
	}
	for i, line := range after.History[3:] {
		if !strings.Contains(line, fmt.Sprintf(`"_step":%d`, i+3)) || !strings.Contains(line, `"_writer":"rank-1"`) {
			t.Errorf("late row %d: %s", i, line)
		}
	}
	if after.ExitCode == nil || *after.ExitCode != 5 || after.State != "failed" {
		t.Errorf("exit: got %s, %v, want the failure of the late rank", after.State, after.ExitCode)
	}
	if text := strings.Join(after.Console, "\n"); !strings.Contains(text, "words of 0") || !strings.Contains(text, "[rank-1] words of 1") {
		t.Errorf("console: %q", after.Console)
	}
}
