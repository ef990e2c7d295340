package wandb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// load reads a run with our reader.
func load(t *testing.T, dir string) content {
	t.Helper()
	d, err := runlog.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	run, err := runlog.Load(d)
	if err != nil {
		t.Fatal(err)
	}
	if run.Damage.Any() {
		t.Errorf("our reader finds %s damaged: %+v", dir, run.Damage)
	}
	c := content{Config: plain(run.Config).(map[string]any), Summary: plain(run.Summary).(map[string]any), Exit: -1}
	for _, r := range run.History {
		row := map[string]any{"_step": r.Step, "_runtime": plain(r.Runtime), "_timestamp": plain(r.Timestamp)}
		leaves("", r.Values, row)
		c.History = append(c.History, row)
	}
	for _, s := range run.Stats {
		c.System = append(c.System, plain(s.Values).(map[string]any))
	}
	for _, text := range run.Console {
		if text.Stderr {
			c.Stderr += text.Text
		} else {
			c.Stdout += text.Text
		}
	}
	if run.Exit != nil && run.Exit.Known {
		c.Exit = run.Exit.Code
	}
	return c
}

// leaves flattens a tree with dots.
func leaves(prefix string, m, out map[string]any) {
	for k, v := range m {
		if sub, ok := v.(map[string]any); ok && len(sub) > 0 {
			leaves(prefix+k+".", sub, out)
			continue
		}
		out[prefix+k] = plain(v)
	}
}

func logOf(t *testing.T, dir string) string {
	t.Helper()
	logs, _ := filepath.Glob(filepath.Join(dir, "*.wandb"))
	if len(logs) != 1 {
		t.Fatalf("%d .wandb files in %s, want 1", len(logs), dir)
	}
	return logs[0]
}

func TestOurReaderReadsAnOfficialRun(t *testing.T) {
	dir := officialRun(t)
	official := fromRecords(t, dump(t, logOf(t, dir)))
	if len(official.History) != 7 || len(official.System) == 0 || official.Exit != 3 {
		t.Fatalf("the official run is not what offline_run.py writes: %+v", official)
	}
	same(t, official, load(t, dir))
}

// ourRun makes a run with runapi that holds every kind of value, and returns
// its directory and what was logged.
func ourRun(t *testing.T) (string, []map[string]any) {
	t.Helper()
	ctx := context.Background()
	run, err := runapi.Init(ctx, runapi.Settings{
		Project: "interop", ID: "ours0001", Name: "from wandb-agent", Group: "g", JobType: "train",
		Tags: []string{"a", "b"}, Notes: "two\nlines", Dir: t.TempDir(), Mode: runapi.ModeOffline, DisableGit: true,
		Config:         map[string]any{"lr": 0.1, "net": map[string]any{"layers": []int{1, 2}, "act": "relu"}, "none": nil},
		SampleInterval: 100 * time.Millisecond, StatsInterval: 200 * time.Millisecond, Environ: []string{},
	})
	if err != nil {
		t.Fatal(err)
	}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = run.DefineMetric("epoch", runapi.MetricOptions{})
	ok(err)
	_, err = run.DefineMetric("val/*", runapi.MetricOptions{StepMetric: "epoch", Summary: runapi.Max})
	ok(err)
	var logged []map[string]any
	for i := range 6 {
		row := map[string]any{"loss": 1 / float64(i+1), "epoch": i / 2, "val/acc": 0.5 - math.Abs(float64(i-3))/10,
			"deep": map[string]any{"x": i, "y": map[string]any{"z": -i}}}
		ok(run.Log(row))
		logged = append(logged, map[string]any{"_step": int64(i), "loss": row["loss"], "epoch": int64(i / 2), "val/acc": row["val/acc"],
			"deep.x": int64(i), "deep.y.z": int64(-i)})
		time.Sleep(100 * time.Millisecond)
	}
	ok(run.Log(map[string]any{"odd": math.NaN(), "inf": math.Inf(1), "big": int64(1<<53 + 1), "text": "é\n", "flag": true, "list": []any{1, 2.5, "x"}},
		runapi.AtStep(20), runapi.Commit()))
	logged = append(logged, map[string]any{"_step": int64(20), "odd": "NaN", "inf": "+Inf", "big": int64(1<<53 + 1), "text": "é\n", "flag": true,
		"list": []any{int64(1), 2.5, "x"}})
	ok(run.Config().Set("late", 7))
	ok(run.Summary().Set("best", map[string]any{"loss": 0.01}))
	_, err = run.ConsoleWriter(false).Write([]byte("step done\n"))
	ok(err)
	_, err = run.ConsoleWriter(true).Write([]byte("to stderr\n"))
	ok(err)
	dir := run.Dir()
	ok(run.Finish(3))
	return dir, logged
}

func TestOfficialReaderReadsOurRun(t *testing.T) {
	dir, logged := ourRun(t)
	official := fromRecords(t, dump(t, logOf(t, dir)))
	same(t, official, load(t, dir))
	checkLogged(t, official.History, logged)
	if official.Exit != 3 || official.Stdout != "step done\n" || official.Stderr != "to stderr\n" {
		t.Errorf("exit %d, stdout %q, stderr %q", official.Exit, official.Stdout, official.Stderr)
	}
	wantConfig := extended(t, `{"lr":0.1,"net":{"layers":[1,2],"act":"relu"},"none":null,"late":7}`)
	if got, want := asJSON(t, official.Config), asJSON(t, wantConfig); got != want {
		t.Errorf("config: official client reads %s, want %s", got, want)
	}
	if got := asJSON(t, official.Summary["val/acc"]); got != `{"max":0.5}` {
		t.Errorf("summary of val/acc: %s, want its maximum", got)
	}
	if len(official.System) == 0 {
		t.Fatal("no system samples")
	}
	for _, key := range []string{"cpu", "memory_percent", "proc.memory.rssMB", "proc.memory.percent", "proc.memory.availableMB", "proc.cpu.threads",
		"disk./.usagePercent", "disk./.usageGB", "network.sent", "network.recv"} {
		if _, ok := official.System[len(official.System)-1][key]; !ok {
			t.Errorf("last system sample lacks %s", key)
		}
	}
}

// checkLogged compares rows with what was handed to Log, apart from the time.
func checkLogged(t *testing.T, rows, logged []map[string]any) {
	t.Helper()
	if len(rows) != len(logged) {
		t.Fatalf("%d rows, want %d", len(rows), len(logged))
	}
	for i, row := range rows {
		clean := map[string]any{}
		for k, v := range row {
			if k != "_runtime" && k != "_timestamp" {
				clean[k] = v
			}
		}
		if got, want := asJSON(t, clean), asJSON(t, logged[i]); got != want {
			t.Errorf("row %d: official client reads %s, want %s", i, got, want)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestOfficialSyncUploadsOurRun(t *testing.T) {
	for _, mode := range []string{"core", "legacy"} {
		t.Run(mode, func(t *testing.T) {
			dir, logged := ourRun(t)
			var args []string
			if mode == "legacy" {
				args = []string{"--legacy"}
			}
			s := syncTo(t, dir, args...)
			if !s.endedWith(3) {
				t.Errorf("finish: exit code %v, want 3", s.Raw["exitCode"])
			}
			checkLogged(t, uploadedRows(t, s.Run.History), logged)
			if out := strings.Join(s.Console, "\n"); !strings.Contains(out, "step done") || !strings.Contains(out, "to stderr") {
				t.Errorf("console uploaded: %q", out)
			}
			if len(s.Events) == 0 {
				t.Error("no system samples were uploaded")
			}
			if summary := s.Run.Summary; !strings.Contains(summary, `"best"`) {
				t.Errorf("summary uploaded: %q", summary)
			}
			configs := s.Run.Config
			for _, want := range []string{`"lr"`, `"late"`, `"_wandb"`} {
				if !strings.Contains(configs, want) {
					t.Errorf("config uploaded lacks %s: %s", want, configs)
				}
			}
		})
	}
}

// uploadedRows reads history lines as the server got them.
func uploadedRows(t *testing.T, lines []string) []map[string]any {
	t.Helper()
	var rows []map[string]any
	for _, line := range lines {
		d, err := xjson.Decode([]byte(line))
		if err != nil {
			t.Fatalf("history line %q: %v", line, err)
		}
		row := map[string]any{}
		leaves("", d.(map[string]any), row)
		rows = append(rows, row)
	}
	return rows
}

// buildAgent builds the command line into dir.
func buildAgent(t *testing.T, dir string) string {
	t.Helper()
	bin := agent(t)
	return bin
}

func TestOfficialSyncUploadsAnExecRun(t *testing.T) {
	dir := t.TempDir()
	bin := buildAgent(t, dir)
	cmd := exec.CommandContext(t.Context(), bin, "exec", "--dir", dir, "--project", "interop", "--sample-interval", "200ms", "--", "sh", "-c", "echo from inside; sleep 1; exit 7")
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != 7 {
		t.Fatalf("exec: %v, want exit status 7", err)
	}
	s := syncTo(t, filepath.Join(dir, "wandb", "latest-run"))
	if !s.endedWith(7) {
		t.Errorf("finish: exit code %v, want 7", s.Raw["exitCode"])
	}
	if out := strings.Join(s.Console, "\n"); !strings.Contains(out, "from inside") {
		t.Errorf("console uploaded: %q", out)
	}
	if len(s.Events) == 0 {
		t.Error("no system samples were uploaded")
	}
}

// TestOfficialSyncUploadsARepairedRun: the worker of exec never began the log,
// the keeper's part is all there is.
func TestOfficialSyncUploadsARepairedRun(t *testing.T) {
	dir, err := runlog.NewDir(runlog.DirOptions{WandbDir: t.TempDir(), RunID: "parts001", Start: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	w, err := runlog.Create(dir.PartPath("exec"), runlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	exit := &wandbpb.Record{RecordType: &wandbpb.Record_Exit{Exit: &wandbpb.RunExitRecord{ExitCode: 7}}}
	if err := errors.Join(w.Output(false, time.Now().UnixNano(), []byte("from a part\n")), w.Write(exit), w.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := runlog.Repair(dir); err != nil {
		t.Fatal(err)
	}
	s := syncTo(t, dir.Path)
	if out := strings.Join(s.Console, "\n"); !s.endedWith(7) || !strings.Contains(out, "from a part") {
		t.Errorf("exit code %v, console %q; want 7 and the line", s.Raw["exitCode"], out)
	}
}

// TestOfficialSyncUploadsAJoinedRun: two ranks kept a directory each.
func TestOfficialSyncUploadsAJoinedRun(t *testing.T) {
	root := t.TempDir()
	var dirs []*runlog.Dir
	for rank := range 2 {
		run, err := runapi.Init(t.Context(), runapi.Settings{
			Project: "interop", ID: "ranks001", Dir: root, Mode: runapi.ModeOffline, DisableGit: true, DisableStats: rank == 1,
			Config: map[string]any{fmt.Sprint("of_rank_", rank): rank}, SampleInterval: 100 * time.Millisecond, StatsInterval: 200 * time.Millisecond,
			Environ: []string{fmt.Sprint("RANK=", rank), "WORLD_SIZE=2"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := run.Log(map[string]any{fmt.Sprint("loss_", rank): i}); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(run.ConsoleWriter(false), "words of rank %d\n", rank)
		dirs = append(dirs, &runlog.Dir{Path: run.Dir(), RunID: "ranks001"})
		if err := run.Finish(rank * 4); err != nil {
			t.Fatal(err)
		}
	}
	main, _, err := runlog.Join(dirs, runlog.JoinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, fromRecords(t, dump(t, logOf(t, main.Path))), load(t, main.Path))
	for _, args := range [][]string{nil, {"--legacy"}} {
		s := syncTo(t, main.Path, args...)
		if !s.endedWith(4) {
			t.Errorf("%v: exit code %v, want 4", args, s.Raw["exitCode"])
		}
		rows := uploadedRows(t, s.Run.History)
		got := ""
		for _, row := range rows {
			got += fmt.Sprintf("%v %v.%v\n", row["_step"], row["_writer"], row["_writer_step"])
		}
		if want := "0 rank-0.0\n1 rank-0.1\n2 rank-0.2\n3 rank-1.0\n4 rank-1.1\n5 rank-1.2\n"; got != want {
			t.Errorf("%v: rows\n%swant\n%s", args, got, want)
		}
		if out := strings.Join(s.Console, "\n"); !strings.Contains(out, "words of rank 0") || !strings.Contains(out, "[rank-1] words of rank 1") {
			t.Errorf("%v: console %q", args, out)
		}
	}
}

// TestExecAroundTheOfficialClient: a program with the official client inside
// exec, given one run id, keeps a directory of its own. Joined, it is one run: the
// client's rows and config, exec's hardware and console, and the exit code that the
// program gave its run.
func TestExecAroundTheOfficialClient(t *testing.T) {
	dir := t.TempDir()
	bin := buildAgent(t, dir)
	cmd := exec.CommandContext(t.Context(), bin, "exec", "--sample-interval", "200ms", "--", venv(t, "python"), "offline_run.py", dir)
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "WANDB_ERROR_REPORTING=false",
		"WANDB_MODE=offline", "WANDB_DIR=" + dir, "WANDB_RUN_ID=official1", "WANDB_PROJECT=interop"}
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		t.Fatalf("exec: exit %d: %s", code, out)
	}
	copied := filepath.Join(t.TempDir(), "wandb")
	if err := os.CopyFS(copied, os.DirFS(filepath.Join(dir, "wandb"))); err != nil {
		t.Fatal(err)
	}
	dirs, err := runlog.FindSiblings(filepath.Join(dir, "wandb"), "official1")
	if err != nil || len(dirs) != 2 {
		t.Fatalf("got %v, %v, want the directories of exec and of the client", dirs, err)
	}
	main, report, err := runlog.Join(dirs, runlog.JoinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if report.Renumbered || strings.Join(report.Writers, " ") != "main program" {
		t.Errorf("got %+v, want steps kept", report)
	}
	s := syncTo(t, main.Path)
	if rows := uploadedRows(t, s.Run.History); len(rows) != 7 || !s.endedWith(3) {
		t.Errorf("%d rows, exit code %v; want 7, 3", len(rows), s.Raw["exitCode"])
	}

	p := prove(t) // our own sync joins them by itself
	cmd = exec.CommandContext(t.Context(), bin, "sync", copied)
	cmd.Env = append(p.env("official1"), "WANDB_RUN_ID=")
	if out, err := cmd.CombinedOutput(); err != nil || strings.Count(string(out), "official1: sent") != 1 {
		t.Fatalf("sync: %v\n%s", err, out)
	}
	run, err := p.Run(entity, "interop", "official1")
	if err != nil || len(run.History) != 7 || run.State != "failed" || !strings.Contains(run.Config, `"late"`) {
		t.Fatalf("stored: %+v, %v", run, err)
	}
	if text := strings.Join(run.Console, "\n"); strings.Count(text, "step 5") != 1 {
		t.Errorf("the console is there twice, or not at all: %q", run.Console)
	}
}
