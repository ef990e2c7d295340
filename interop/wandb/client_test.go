// Package wandb_test runs the official W&B Python client against run logs of
// ours, and our reader against run logs of its.
package wandb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// fakeKey has the form of an API key and is one nowhere.
var fakeKey = strings.Repeat("0", 40)

// run executes a program that must succeed, with no W&B settings but the given
// ones, and returns what it printed.
func run(t *testing.T, env []string, program string, args ...string) string {
	t.Helper()
	out, code := status(t, t.TempDir(), env, program, args...)
	if code != 0 {
		t.Fatalf("%s %q: exit status %d\n%s", filepath.Base(program), args, code, out)
	}
	return out
}

// status executes a program in a directory of its own and returns what it
// printed and its exit status.
func status(t *testing.T, home string, env []string, program string, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.WaitDelay = home, time.Second // what it leaves running keeps the pipes
	cmd.Env = append([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "WANDB_ERROR_REPORTING=false"}, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil || ctx.Err() != nil {
		t.Fatalf("%s %q: %v\n%s%s", filepath.Base(program), args, err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String() + stderr.String(), cmd.ProcessState.ExitCode()
}

// record is one line that dump.py printed.
type record map[string]any

// ownFields are the fields that our logs have beyond the official messages;
// docs/wandb-format.md says what they mean.
var ownFields = map[string]bool{
	"RunRecord.1001": true, "RunRecord.1002": true, "RunRecord.1003": true, "RunRecord.1004": true,
	"SummaryRecord.1000": true, "SummaryRecord.1001": true, "SummaryRecord.1002": true, "MetricSummary.1000": true, "MetricSummary.1001": true,
	"RunExitRecord.1000": true, "RunExitRecord.1001": true,
}

// dump reads a run log with the official client's own reader.
func dump(t *testing.T, log string) []record {
	t.Helper()
	cmd := exec.Command(venv(t, "python"), "dump.py", log)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the official reader refused %s: %v", log, err)
	}
	var records []record
	dec := json.NewDecoder(bytes.NewReader(out))
	for dec.More() {
		var r record
		if err := dec.Decode(&r); err != nil {
			t.Fatal(err)
		}
		unknown, _ := r["unknown_fields"].([]any)
		for _, field := range unknown {
			if !ownFields[fmt.Sprint(field)] {
				t.Errorf("record %v has a field unknown to the official messages: %v", r["num"], field)
			}
		}
		records = append(records, r)
	}
	return records
}

// officialRun makes an offline run with the official client and returns its
// directory.
func officialRun(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script, err := filepath.Abs("offline_run.py")
	if err != nil {
		t.Fatal(err)
	}
	run(t, nil, venv(t, "python"), script, dir)
	found, _ := filepath.Glob(filepath.Join(dir, "wandb", "offline-run-*"))
	if len(found) != 1 {
		t.Fatalf("official client left %d run directories", len(found))
	}
	return found[0]
}

// syncTo uploads dir with the official `wandb sync` to a fresh server and
// returns the one run that this then has.
func syncTo(t *testing.T, dir string, args ...string) *storedRun {
	t.Helper()
	var allowed []string
	if slices.Contains(args, "--legacy") { // it sends its key wherever the host is the server's
		allowed = append(allowed, "credentials were sent to a storage URL")
	}
	p := prove(t, allowed...)
	args = append(append([]string{"sync"}, args...), dir)
	out := run(t, []string{"WANDB_BASE_URL=" + p.url, "WANDB_API_KEY=" + fakeKey}, venv(t, "wandb"), args...)
	t.Logf("wandb sync: %s", out)
	return p.only()
}

// only returns the one run that the server has.
func (p *proof) only() *storedRun {
	p.t.Helper()
	var found []*storedRun
	for _, project := range []string{"interop", "uncategorized", project} {
		for _, id := range p.Runs(entity, project) {
			found = append(found, p.storedIn(project, id))
		}
	}
	if len(found) != 1 {
		p.t.Fatalf("the server has %d runs, want 1", len(found))
	}
	return found[0]
}

func TestOfficialSyncUploadsAnOfficialRun(t *testing.T) {
	s := syncTo(t, officialRun(t))
	if !s.endedWith(3) {
		t.Errorf("exit code %v, want 3", s.Raw["exitCode"])
	}
	if n := len(s.History); n != 7 {
		t.Errorf("history: %d lines, want 7", n)
	}
}
