//go:build linux

package main

import (
	"fmt"
	"path/filepath"
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

// ranksOf makes offline runs of two ranks at one time, three rows each, in
// directories below dirs, which end with the codes.
func ranksOf(t *testing.T, dirs [2]string, codes [2]int) (paths []string) {
	t.Helper()
	var runs []*runapi.Run
	for rank, dir := range dirs {
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
		for _, run := range runs {
			if err := run.Log(map[string]any{"loss": i}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for rank, run := range runs {
		fmt.Fprintf(run.ConsoleWriter(false), "words of %d\n", rank)
		if err := run.Finish(codes[rank]); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, run.Dir())
	}
	return paths
}

// syncBoth syncs the run that ranksOf makes, and says how often it was sent.
func (p *proof) syncBoth(t *testing.T, want int, args ...string) *server.Run {
	t.Helper()
	cmd := p.online(append([]string{"sync"}, args...)...)
	cmd.Env = append(cmd.Env, "WANDB_RUN_ID=")
	if s := says(t, cmd); s.code != 0 || strings.Count(s.stderr, "run both: sent") != want {
		t.Fatalf("sync %q: exit %d, want it sent %d times: %s", args, s.code, want, s.stderr)
	}
	run, err := p.Run(server.DefaultEntity, "p", "both")
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// TestSyncOfARequeuedJob: two ranks were ended, and the job ran again to a good
// end. Seen to fail with all four directories joined as writers of one time: the
// first session's failure is the run's then.
func TestSyncOfARequeuedJob(t *testing.T) {
	root := t.TempDir()
	ranksOf(t, [2]string{root, root}, [2]int{143, 143})
	time.Sleep(5 * time.Millisecond)
	ranksOf(t, [2]string{root, root}, [2]int{0, 0})
	run := serve(t).syncBoth(t, 2, filepath.Join(root, "wandb"))
	if len(run.History) != 12 || run.State != "finished" || run.ExitCode == nil || *run.ExitCode != 0 {
		t.Fatalf("stored: %d rows, %s, exit %v; want 12, finished, 0", len(run.History), run.State, run.ExitCode)
	}
	if n := strings.Count(strings.Join(run.History, "\n"), `"_writer":"rank-1"`); n != 6 {
		t.Errorf("got %d rows of rank 1, want 3 of each session", n)
	}
	for i, line := range run.History {
		if !strings.Contains(line, fmt.Sprintf(`"_step":%d,`, i)) {
			t.Errorf("row %d: got %s", i, line)
		}
	}
}

// TestSyncSendsALateDirectory: another rank's directory turns up when the first
// was sent. Its rows go behind, what the server has stays.
func TestSyncSendsALateDirectory(t *testing.T) {
	paths := ranksOf(t, [2]string{t.TempDir(), t.TempDir()}, [2]int{0, 5})
	p := serve(t)
	before := p.syncBoth(t, 1, paths[0])
	if len(before.History) != 3 || before.State != "finished" {
		t.Fatalf("the first directory: %+v", before)
	}
	after := p.syncBoth(t, 1, paths...)
	if len(after.History) != 6 || !slices.Equal(after.History[:3], before.History) {
		t.Fatalf("both: %+v", after)
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
