package runapi

import (
	"slices"
	"strings"
	"testing"
)

// TestTwoWritersOfASharedRun: rows of both, numbered by the server, names and
// end of the first, labels apart.
func TestTwoWritersOfASharedRun(t *testing.T) {
	p := serve(t)
	writer := func(rank string) Settings {
		s := p.online(t)
		s.ID, s.Mode = "r1", ModeShared
		s.Environ = append(s.Environ, "RANK="+rank, "WORLD_SIZE=2")
		return s
	}
	first := writer("0")
	first.Name, first.Config = "both", map[string]any{"lr": 1}
	a := start(t, first)
	eventually(t, "the run at the server", func() bool { return a.URL() != "" })
	b := start(t, writer("1"))
	for i := range 10 {
		if err := a.Log(map[string]any{"a": i}); err != nil {
			t.Fatal(err)
		}
		if err := b.Log(map[string]any{"b": i}); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []*Run{a, b} {
		r.ConsoleWriter(false).Write([]byte("says " + r.Settings().Label + "\n"))
	}
	if err := b.Finish(0); err != nil {
		t.Error(err)
	}
	if state := p.run(t, "r1").State; state != "running" {
		t.Errorf("after the second writer's end the run is %s", state)
	}
	if err := a.Finish(0); err != nil {
		t.Error(err)
	}
	run := p.run(t, "r1")
	steps, seen := p.steps(t, "r1"), map[string]int{}
	for _, line := range run.History {
		row := tree(t, line).(map[string]any)
		for _, key := range []string{"a", "b"} {
			if _, ok := row[key]; ok {
				seen[key]++
			}
		}
	}
	slices.Sort(steps)
	if len(steps) != 20 || len(slices.Compact(steps)) != 20 || seen["a"] != 10 || seen["b"] != 10 {
		t.Errorf("steps %v, rows by writer %v", steps, seen)
	}
	if run.State != "finished" || run.DisplayName != "both" {
		t.Errorf("state %s, name %q", run.State, run.DisplayName)
	}
	for _, want := range []string{"[rank-0] says rank-0", "[rank-1] says rank-1"} {
		if !slices.ContainsFunc(run.Console, func(line string) bool { return strings.HasSuffix(line, want) }) {
			t.Errorf("no line ends in %q: %q", want, run.Console)
		}
	}
}

// TestLeaveRunning: Finish sends everything and leaves the end to another writer.
// Seen to fail without NotComplete in exitRecord.
func TestLeaveRunning(t *testing.T) {
	p := serve(t)
	s := p.online(t)
	s.Environ = append(s.Environ, "WANDB_X_UPDATE_FINISH_STATE=false")
	r := session(t, s, 3)
	if run := p.run(t, r.ID()); run.State != "running" || run.ExitCode != nil || len(run.History) != 3 {
		t.Errorf("state %s, exit %v, %d rows", run.State, run.ExitCode, len(run.History))
	}
}
