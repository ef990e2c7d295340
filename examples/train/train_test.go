//go:build !bare

package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// TestRun trains for a second as a newcomer does and reads the run back.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	var out, errs bytes.Buffer
	if code := run([]string{"-dir", dir, "-seconds", "1", "-epochs", "4"}, []string{}, &out, &errs); code != 0 || errs.Len() > 0 {
		t.Fatalf("exit code %d, stderr %q", code, errs.String())
	}
	for _, part := range []string{"done: val acc", "Metrics", "val.acc.max", "wandb-agent show " + dir, "wandb-agent sync " + dir} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("output lacks %q:\n%s", part, out.String())
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("colours in a pipe")
	}
	d, err := runlog.OpenDir(filepath.Join(dir, "wandb"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := runlog.Load(d)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.History) < 4 || r.Summary["final_val_acc"] == nil || len(r.Stats) == 0 || r.Config["hidden"] != int64(128) || r.Crashed {
		t.Errorf("%d rows, summary %v, %d stats, config %v", len(r.History), r.Summary, len(r.Stats), r.Config)
	}
}

func TestUsage(t *testing.T) {
	var out, errs bytes.Buffer
	for _, args := range [][]string{{"-hidden", "0"}, {"-bogus"}, {"extra"}} {
		if code := run(args, nil, &out, &errs); code != 2 {
			t.Errorf("run(%q) = %d, want 2", args, code)
		}
	}
	dir := filepath.Join(t.TempDir(), "file", "\x00")
	if code := run([]string{"-dir", dir, "-seconds", "1"}, []string{}, &out, &errs); code != 1 || !strings.Contains(errs.String(), "train: init run") {
		t.Errorf("a bad directory gives %d, %q", code, errs.String())
	}
}
