package upload

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

func TestResumeModes(t *testing.T) {
	p := newProof(t)
	f := func(mode, id string, want error) {
		t.Helper()
		_, err := p.send(session(t, &wandbpb.RunRecord{RunId: id, Resume: mode}, 3), Options{})
		if want == nil && err != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s of run %s: got %v, want %v", mode, id, err, want)
		}
	}
	f("must", "absent", ErrResume)
	if _, err := p.Run("local", "p", "absent"); err == nil {
		t.Error("must made a run that was to be there")
	}
	f("never", "one", nil)
	f("never", "one", ErrResume)
	f("must", "one", nil)
	f("allow", "two", nil)
	f("allow", "two", nil)
	f("auto", "two", nil)
	if steps := column(t, p.run("two").History, "_step"); len(steps) != 9 || steps[8] != int64(8) {
		t.Errorf("three sessions of three rows: steps %v", steps)
	}
}

// TestResume: rows, times, lines, summary and config of a second session go on
// where the first one ended.
func TestResume(t *testing.T) {
	p := newProof(t)
	if _, err := p.send(session(t, &wandbpb.RunRecord{RunId: "r", Tags: []string{"x"}, Notes: "n"}, 5, configRecord("lr", "0.1"), configRecord("old", "1"),
		summaryRecord("best", "9")), Options{}); err != nil {
		t.Fatal(err)
	}
	dir := session(t, &wandbpb.RunRecord{RunId: "r", Resume: "must"}, 5, configRecord("lr", "0.2"))
	rep, err := p.send(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !rep.Resumed || rep.StartingStep != 5 {
		t.Errorf("identity: %+v", rep.Identity)
	}
	run := p.run("r")
	steps, times := column(t, run.History, "_step"), column(t, run.History, "_runtime")
	if len(steps) != 10 || steps[9] != int64(9) || times[9] != 15.4 { // the events' 15 s are the longest of the first session
		t.Errorf("steps %v, times %v", steps, times)
	}
	if len(run.Events) != 2 || len(run.Console) != 4 {
		t.Errorf("%d samples, %d lines; want 2, 4", len(run.Events), len(run.Console))
	}
	for _, part := range []string{`"lr":{"value":0.2}`, `"old":{"value":1}`} {
		if !strings.Contains(run.Config, part) {
			t.Errorf("config %s lacks %s", run.Config, part)
		}
	}
	if !strings.Contains(run.Summary, `"best":9`) || !strings.Contains(run.Summary, `"_step":9`) {
		t.Errorf("summary %s", run.Summary)
	}
	if text, err := os.ReadFile(syncStatePath(dir)); err != nil || string(text) != `{"starting_step":5}` {
		t.Errorf("sync state: got %s, %v", text, err)
	}
	if again, err := p.send(dir, Options{}); err != nil || !again.Already {
		t.Errorf("sent again: %+v, %v", again, err)
	}
}

// TestLostPosition: a run that was sent before by somebody who left no position
// is not doubled.
func TestLostPosition(t *testing.T) {
	p := newProof(t)
	dir := session(t, &wandbpb.RunRecord{RunId: "r"}, 50)
	if _, err := p.send(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, damage := range []func(path string) error{
		os.Remove,
		func(path string) error { return os.WriteFile(path, []byte("\x00\x00\x00"), 0o600) },
	} {
		if err := damage(PositionPath(dir)); err != nil {
			t.Fatal(err)
		}
		if _, err := p.send(dir, Options{}); err != nil {
			t.Fatal(err)
		}
		run := p.run("r")
		if len(run.History) != 50 || len(run.Events) != 1 || len(run.Console) != 2 {
			t.Errorf("sent again: %d rows, %d samples, %d lines; want 50, 1, 2", len(run.History), len(run.Events), len(run.Console))
		}
	}
}

// TestAddedRows: a log that is new, of a run that is there, adds to it and hides
// nothing.
func TestAddedRows(t *testing.T) {
	p := newProof(t)
	for range 2 {
		if _, err := p.send(session(t, &wandbpb.RunRecord{RunId: "r"}, 5), Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if steps := column(t, p.run("r").History, "_step"); len(steps) != 10 || steps[5] != int64(5) || steps[9] != int64(9) {
		t.Errorf("steps %v, want 0 to 9", steps)
	}
}

func TestForkAndRewind(t *testing.T) {
	p := newProof(t)
	at := &wandbpb.BranchPoint{Run: "r", Metric: "_step", Value: 3}
	if _, err := p.send(session(t, &wandbpb.RunRecord{RunId: "r"}, 10), Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.send(session(t, &wandbpb.RunRecord{RunId: "f", BranchPoint: at}, 2), Options{}); err != nil {
		t.Fatal(err)
	}
	fork := p.run("f")
	if steps := column(t, fork.History, "_step"); len(steps) != 2 || steps[0] != int64(4) || !strings.Contains(fork.Config, `"branch_point":{"run_id":"r","step":3}`) {
		t.Errorf("fork: steps %v, config %s", steps, fork.Config)
	}
	if _, err := p.send(session(t, &wandbpb.RunRecord{RunId: "r", BranchPoint: at}, 2), Options{}); err != nil {
		t.Fatal(err)
	}
	if steps := column(t, p.run("r").History, "_step"); len(steps) != 6 || steps[4] != int64(4) || steps[5] != int64(5) {
		t.Errorf("rewound: steps %v, want 0 to 5", steps)
	}
}

// TestShared: writers of a shared run leave steps to the server, and all but
// the first leave config, summary and the end to that one.
func TestShared(t *testing.T) {
	p := newProof(t)
	for i, w := range []*wandbpb.Writer{
		{Id: strings.Repeat("b", 32), Label: "rank-1", Shared: true, Secondary: true, Order: 1},
		{Id: strings.Repeat("a", 32), Label: "rank-0", Shared: true},
		{Id: strings.Repeat("c", 32), Label: "rank-2", Shared: true, Secondary: true, Order: 2},
	} {
		dir := session(t, &wandbpb.RunRecord{RunId: "s", Writer: w}, 4, configRecord("rank", itoa(i)))
		if _, err := p.send(dir, Options{Client: p.client(w.GetId())}); err != nil {
			t.Fatal(err)
		}
		if state := string(p.run("s").State); i == 0 && state != "running" || i == 1 && state != "finished" {
			t.Errorf("after writer %d: state %s", i, state)
		}
	}
	run := p.run("s")
	if len(run.History) != 12 || len(run.Events) != 3 || len(run.Console) != 6 {
		t.Errorf("%d rows, %d samples, %d lines; want 12, 3, 6", len(run.History), len(run.Events), len(run.Console))
	}
	if !strings.Contains(run.Events[0], `system.cpu/l:rank-1`) || !strings.Contains(run.Config, `"rank":{"value":1}`) {
		t.Errorf("samples %s, config %s", run.Events, run.Config)
	}
}

// TestExitNeverGood: what nobody saw end does not look successful.
func TestExitNeverGood(t *testing.T) {
	p := newProof(t)
	l := newLog(t, &wandbpb.RunRecord{RunId: "r", Project: "p"})
	l.rows(0, 3)
	if err := l.w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.send(l.dir, Options{}); err != nil { // not even repaired
		t.Fatal(err)
	}
	if run := p.run("r"); run.State != "failed" || run.ExitCode == nil || *run.ExitCode != 1 {
		t.Errorf("state %s, exit %v; want failed, 1", run.State, run.ExitCode)
	}
	if _, err := os.Stat(SyncedPath(l.dir.LogPath())); err == nil {
		t.Error("a log without its end is marked as sent")
	}
	if _, err := runlog.Repair(l.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := p.send(l.dir, Options{}); err != nil {
		t.Fatal(err)
	}
	if run := p.run("r"); run.State != "failed" || len(run.History) != 3 {
		t.Errorf("after repair: state %s, %d rows", run.State, len(run.History))
	}
}

// TestNeverAfterCrash: an upload that was killed when it had just made the run
// is not told by its own run that there is one.
func TestNeverAfterCrash(t *testing.T) {
	p := newProof(t)
	dir := session(t, &wandbpb.RunRecord{RunId: "r", Resume: "never"}, 3)
	if _, err := p.client("").UpsertBucket(t.Context(), api.UpsertInput{Name: "r", Project: "p", Config: `{"_wandb":{"value":{"t":{}}}}`}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.send(dir, Options{}); !errors.Is(err, ErrResume) {
		t.Errorf("somebody else's run: got %v, want ErrResume", err)
	}
	draft := &position{Version: positionVersion, Server: p.url, Entity: "local", Project: "p", Run: "r", Creating: true}
	if err := draft.save(PositionPath(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.send(dir, Options{}); err != nil || len(p.run("r").History) != 3 {
		t.Errorf("its own run: got %v", err)
	}
}
