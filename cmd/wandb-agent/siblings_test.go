package main

import (
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
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
