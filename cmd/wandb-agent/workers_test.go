//go:build linux

package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestWorkersInsideExec: eight processes that a program starts write one run at a
// time, each with 20 rows and an open step. Labelled, each row says whose it is by
// that label; without labels by the name of its log. Seen to fail with one side
// file for all (errors of Log), and without label in fold's rows.set.
func TestWorkersInsideExec(t *testing.T) {
	for _, label := range []string{"worker-$i", ""} {
		t.Run("label="+label, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			script := fmt.Sprintf("for i in 0 1 2 3 4 5 6 7; do WANDB_X_LABEL=%s part inside & done; wait", label)
			if s := agentSays(t, execArgs(dir, "sh", "-c", script)...); s.code != 0 || strings.Contains(s.stderr, "part:") {
				t.Fatalf("exit %d: %s", s.code, s.stderr)
			}
			all := runsBelow(t, dir)
			if len(all) != 1 || len(all[0].History) != 8*21 {
				t.Fatalf("got %d runs, the first of %d rows, want 1 of %d", len(all), len(all[0].History), 8*21)
			}
			own := map[string]map[int64]bool{}
			for i, row := range all[0].History {
				writer, _ := row.Values["_writer"].(string)
				step, _ := row.Values["_writer_step"].(int64)
				if row.Step != int64(i) {
					t.Fatalf("row %d has step %d", i, row.Step)
				}
				if own[writer] == nil {
					own[writer] = map[int64]bool{}
				}
				own[writer][step] = true
			}
			if len(own) != 8 {
				t.Fatalf("rows of %d writers, want 8", len(own))
			}
			for writer, steps := range own {
				want := "worker-"
				if label == "" {
					want = "program-"
				}
				if len(steps) != 21 || !strings.HasPrefix(writer, want) {
					t.Errorf("writer %q has %d steps, want 21 of %s*", writer, len(steps), want)
				}
			}
		})
	}
}
