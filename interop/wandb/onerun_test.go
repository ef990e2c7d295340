package wandb_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

// onerun is one_run.py under exec, with nothing that a user would have to say for
// it.
type onerun struct {
	p   *proof
	bin string
	dir string
	env []string
}

func newOnerun(t *testing.T, p *proof, more ...string) *onerun {
	t.Helper()
	return onerunOf(t, p, agent(t), more...)
}

// onerunOf is one with a command that was built before.
func onerunOf(t *testing.T, p *proof, bin string, more ...string) *onerun {
	t.Helper()
	dir := t.TempDir()
	return &onerun{p, bin, dir, append([]string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "WANDB_ERROR_REPORTING=false",
		"WANDB_BASE_URL=" + p.url, "WANDB_API_KEY=" + fakeKey, "WANDB_PROJECT=" + project, "WANDB_DISABLE_GIT=true", "WANDB_DISABLE_CODE=true",
		"WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL=0.5"}, more...)}
}

// exec is the script under exec, to be started.
func (o *onerun) exec(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	script, err := filepath.Abs("one_run.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), o.bin, append([]string{"exec", "--sample-interval", "100ms", "--stats-interval", "200ms", "--",
		venv(t, "python"), script}, args...)...)
	cmd.Dir, cmd.Env = o.dir, o.env
	return cmd
}

// run runs it to its end.
func (o *onerun) run(t *testing.T, code int, args ...string) string {
	t.Helper()
	cmd := o.exec(t, args...)
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("exec: exit %d, want %d: %s", got, code, out)
	}
	return string(out)
}

// agent runs another command of ours there.
func (o *onerun) agent(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), o.bin, args...)
	cmd.Dir, cmd.Env = o.dir, o.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

// try is agent for a command that may fail.
func (o *onerun) try(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), o.bin, args...)
	cmd.Dir, cmd.Env = o.dir, o.env
	out, _ := cmd.CombinedOutput()
	return string(out)
}

// ours finds the directory of exec.
func (o *onerun) ours(t *testing.T) *runlog.Dir {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(o.dir, "wandb", "*run-*", "*.client"))
	if len(found) != 1 {
		all, _ := filepath.Glob(filepath.Join(o.dir, "wandb", "*", "*"))
		t.Fatalf("%d directories belong to a client's run, want 1: %q", len(found), all)
	}
	dir, err := runlog.OpenDir(filepath.Dir(found[0]))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// stored are the runs at the server, which must be n.
func (o *onerun) stored(t *testing.T, in string, n int) (all []*server.Run) {
	t.Helper()
	for _, id := range o.p.Runs(entity, in) {
		run, err := o.p.Run(entity, in, id)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, run)
	}
	if len(all) != n {
		t.Fatalf("the server has %d runs in %s, want %d", len(all), in, n)
	}
	return all
}

// wantOne checks a run of both: the client's rows and names, our hardware,
// console and exit.
func wantOne(t *testing.T, run *server.Run, rows, code int) {
	t.Helper()
	if len(run.History) != rows || len(run.Events) == 0 || run.DisplayName != "snake 0" {
		t.Errorf("got %d rows, %d samples, %q; want %d rows", len(run.History), len(run.Events), run.DisplayName, rows)
	}
	if run.ExitCode == nil || *run.ExitCode != code {
		t.Errorf("got state %s, exit %v; want exit %d", run.State, run.ExitCode, code)
	}
	if !strings.Contains(run.Config, `"lr"`) || !strings.Contains(run.Summary, `"best":7`) {
		t.Errorf("got config %s, summary %s", run.Config, run.Summary)
	}
	if n := strings.Count(strings.Join(run.Console, "\n"), "step 2"); n != 1 {
		t.Errorf("a line of the console is there %d times: %q", n, run.Console)
	}
}

// TestOneRunOffline: an unchanged script is one run here, in show and export, and
// at the server. It ends with 7 after its run has ended with 0: the run has failed.
func TestOneRunOffline(t *testing.T) {
	for name, args := range map[string][]string{"any id": nil, "id of the script": {"id=mine1"}, "another directory": {"dir=elsewhere"}} {
		t.Run(name, func(t *testing.T) {
			o := newOnerun(t, prove(t), "WANDB_MODE=offline")
			if err := os.Mkdir(filepath.Join(o.dir, "elsewhere"), 0o700); err != nil {
				t.Fatal(err)
			}
			o.run(t, 7, append([]string{"10", "exit=7", "project=other"}, args...)...)
			ours := o.ours(t)
			run, err := runlog.Load(ours)
			if err != nil || len(run.History) != 10 || len(run.Stats) == 0 || run.Name != "snake 0" || run.Project != "other" || run.ID != ours.Run() {
				t.Errorf("here: %v, %+v", err, run)
			}
			if run.Exit == nil || run.Exit.Code != 7 || run.Summary["best"] != int64(7) {
				t.Errorf("here: exit %+v, summary %v", run.Exit, run.Summary)
			}
			for _, s := range run.Stats {
				if s.Writer != "" {
					t.Errorf("the client measures too: %v", s)
				}
			}
			if out := o.agent(t, "export", "wandb/latest-run"); strings.Count(out, `"kind":"row"`) != 10 || !strings.Contains(out, `"kind":"system"`) {
				t.Errorf("export: %s", out)
			}
			o.agent(t, "sync")
			wantOne(t, o.stored(t, "other", 1)[0], 10, 7)
			if out := o.agent(t, "sync"); !strings.Contains(out, "sent already") {
				t.Errorf("a second sync: %s", out)
			}
			o.stored(t, "other", 1)
		})
	}
}

// TestOneRunOnline: the client sends its run, and we send ours beside.
func TestOneRunOnline(t *testing.T) {
	o := newOnerun(t, prove(t, "/sdk/otel/"))
	out := o.run(t, 7, "20", "exit=7")
	run := o.stored(t, project, 1)[0]
	wantOne(t, run, 20, 7)
	if c := o.ours(t).Client(); c.RunID != run.Name || !c.Online || c.Project != project || !strings.Contains(out, "view it:") {
		t.Errorf("got client %+v: %s", c, out)
	}
	for _, line := range run.Events {
		if !strings.Contains(line, "/l:agent") {
			t.Errorf("a sample without our label: %s", line)
		}
	}
	o.agent(t, "sync")
	wantOne(t, o.stored(t, project, 1)[0], 20, 7)
}

// TestFurtherRunsAreRunsOfTheirOwn: of three in one script the first is ours.
func TestFurtherRunsAreRunsOfTheirOwn(t *testing.T) {
	o := newOnerun(t, prove(t), "WANDB_MODE=offline")
	o.run(t, 0, "5", "runs=3", "pause=0.1")
	o.agent(t, "sync")
	for _, run := range o.stored(t, project, 3) {
		if hardware := len(run.Events) > 0; hardware != (run.DisplayName == "snake 0") || len(run.History) != 5 {
			t.Errorf("%s: %d rows, %d samples", run.DisplayName, len(run.History), len(run.Events))
		}
	}
}

// TestClientApart: two runs, and the client measures by itself.
func TestClientApart(t *testing.T) {
	o := newOnerun(t, prove(t), "WANDB_MODE=offline")
	cmd := o.exec(t, "3")
	cmd.Args = append(cmd.Args[:2:2], append([]string{"--client", "apart"}, cmd.Args[2:]...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	o.agent(t, "sync")
	o.stored(t, project, 2)
}

// TestNoRunOfTheClient: a script that turns its client off, or has none, leaves
// the run to us, online too.
func TestNoRunOfTheClient(t *testing.T) {
	o := newOnerun(t, prove(t))
	o.run(t, 3, "2", "mode=disabled", "exit=3")
	run := o.stored(t, project, 1)[0]
	if run.ExitCode == nil || *run.ExitCode != 3 || len(run.History) != 0 || len(run.Events) == 0 {
		t.Errorf("got exit %v, %d rows, %d samples", run.ExitCode, len(run.History), len(run.Events))
	}
}

// late is the script under a shell that first does something else for longer than
// exec waits for Python.
func (o *onerun) late(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := o.exec(t, args...)
	i := slices.Index(cmd.Args, "--")
	command := cmd.Args[i+1:]
	cmd.Args = append(slices.Clone(cmd.Args[:i+1]), append([]string{"sh", "-c", `sleep 4.5; "$@"`, "sh"}, command...)...)
	return cmd
}

// TestLateClientOnline: our run is at the server already when the client makes
// its own. With another id both stay, and it is said; with the same id ours
// becomes the second writer of it.
func TestLateClientOnline(t *testing.T) {
	for _, id := range []string{"", "given1"} {
		t.Run("id="+id, func(t *testing.T) {
			t.Parallel()
			o := newOnerun(t, prove(t, "/sdk/otel/"))
			if id != "" {
				o.env = append(o.env, "WANDB_RUN_ID="+id)
			}
			cmd := o.late(t, "20")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if id != "" {
				wantOne(t, o.stored(t, project, 1)[0], 20, 0)
				return
			}
			all := o.stored(t, project, 2)
			if len(all[0].History)+len(all[1].History) != 20 || len(all[0].Events)+len(all[1].Events) == 0 {
				t.Errorf("got %+v, %+v", all[0], all[1])
			}
			log, _ := filepath.Glob(filepath.Join(o.dir, "wandb", "run-*", "logs", "debug.log"))
			said := ""
			for _, path := range log {
				text, _ := os.ReadFile(path)
				said += string(text)
			}
			if !strings.Contains(said, "a W&B client began a run of its own") {
				t.Errorf("not said: %s", said)
			}
		})
	}
}
