//go:build linux

package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEditedRunIsSentAgain: a run that was sent whole is edited; the next sync
// brings it to the server.
func TestEditedRunIsSentAgain(t *testing.T) {
	p := serve(t)
	dir := t.TempDir()
	if s := says(t, p.online("exec", "--dir", dir, "--tags", "a,b", "--", "true")); s.code != 0 {
		t.Fatalf("exec: exit %d: %s", s.code, s.stderr)
	}
	run := filepath.Join(dir, "wandb", "latest-run")
	if s := agentSays(t, "edit", run, "--notes", "good", "--add-tag", "baseline", "--remove-tag", "a", "--summary", "acc=0.93", "--config", "lr=0.1"); s.code != 0 {
		t.Fatalf("edit: exit %d: %s", s.code, s.stderr)
	}
	if s := says(t, p.online("sync", run)); s.code != 0 {
		t.Fatalf("sync: exit %d: %s", s.code, s.stderr)
	}
	got := p.stored()
	if got == nil || got.Notes != "good" || !slices.Equal(got.Tags, []string{"b", "baseline"}) ||
		!strings.Contains(got.Summary, `"acc":0.93`) || !strings.Contains(got.Config, `"lr":`) {
		t.Errorf("the server has %+v", got)
	}
}
