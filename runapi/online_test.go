package runapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
)

var testKey = strings.Repeat("0", 40)

// proof is a server that keeps what it gets, behind faults.
type proof struct {
	*server.Server
	faults *faults.Handler
	front  *faults.Server
	dir    string // of what it keeps
}

func serve(t testing.TB) *proof {
	t.Helper()
	dir := t.TempDir()
	s, err := server.Open(server.Options{Dir: dir, Key: testKey})
	if err != nil {
		t.Fatal(err)
	}
	h := faults.New(s)
	front, err := faults.Start(h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		front.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if bad := s.Violations(); len(bad) > 0 {
			t.Errorf("the server was told things that are wrong: %q", bad)
		}
	})
	return &proof{s, h, front, dir}
}

// online are the settings of a quiet run that p gets.
func (p *proof) online(t testing.TB) Settings {
	s := quiet(t)
	s.Mode, s.BaseURL, s.APIKey, s.Transmit = ModeOnline, p.front.URL(), testAPIKey, minInterval
	s.Environ = []string{"WANDB_X_GRAPHQL_RETRY_WAIT_MIN_SECONDS=0.01", "WANDB_X_GRAPHQL_RETRY_WAIT_MAX_SECONDS=0.1"}
	return s
}

// run reads a run back.
func (p *proof) run(t testing.TB, id string) *server.Run {
	t.Helper()
	run, err := p.Server.Run(server.DefaultEntity, "p", id)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// send uploads a finished directory as sync does.
func (p *proof) send(t testing.TB, path string) {
	t.Helper()
	dir, err := runlog.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	client, err := api.New(api.Options{BaseURL: p.front.URL(), Key: api.NewKey(testKey)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runlog.Repair(dir); err != nil {
		t.Fatal(err)
	}
	u, err := upload.New(upload.Options{Dir: dir, Client: client})
	if err != nil {
		t.Fatal(err)
	}
	if report, err := u.Run(t.Context()); err != nil || !report.Complete {
		t.Fatalf("%+v %v", report, err)
	}
}

// eventually waits for cond; only a broken program misses the deadline.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !cond(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// wholeRun uses what a program can do with a run.
func wholeRun(t *testing.T, s Settings) string {
	t.Helper()
	s.ID, s.Name, s.Notes, s.Group, s.JobType, s.Tags = "r1", "first", "note", "g", "train", []string{"a", "b"}
	s.Config = map[string]any{"lr": 0.5, "o": map[string]any{"x": 1}}
	work := t.TempDir()
	write(t, filepath.Join(work, "model.txt"), "weights")
	r := start(t, s)
	errs := []error{
		defined(r.DefineMetric("loss", MetricOptions{Summary: Min | Last, Goal: Minimize})),
		r.Config().Set("late", true),
		r.Alert("low", "text", Warn, time.Minute),
	}
	for i := range 50 {
		errs = append(errs, r.Log(map[string]any{"loss": float64(50-i) / 8, "n": i, "o": map[string]any{"deep": i}}))
	}
	errs = append(errs, r.Log(map[string]any{"part": 1}, AtStep(60)), r.Log(map[string]any{"more": "ä"}, AtStep(60)), r.Summary().Set("best", 1))
	fmt.Fprint(r.ConsoleWriter(false), "hello\n10%\r20%\r\n")
	fmt.Fprint(r.ConsoleWriter(true), "oh\n")
	if files, err := r.Save(filepath.Join(work, "*.txt"), SaveOptions{Base: work, Policy: SaveEnd}); err != nil || !slices.Equal(runPaths(files), []string{"model.txt"}) {
		t.Errorf("saved %v, %v", files, err)
	}
	if err := errors.Join(append(errs, r.Finish(3))...); err != nil {
		t.Fatal(err)
	}
	return r.Dir()
}

// comparable is a stored run without what differs between any two runs.
func comparable(t *testing.T, p *proof, id string) map[string]any {
	t.Helper()
	run := p.run(t, id)
	out := map[string]any{
		"facts":   []any{run.Entity, run.Project, run.Name, run.DisplayName, run.Notes, run.Group, run.JobType, run.Tags, run.State, *run.ExitCode, run.Sweep},
		"summary": tree(t, run.Summary), "config": tree(t, run.Config),
	}
	var history, console, files []any
	for _, line := range run.History {
		history = append(history, tree(t, line))
	}
	for _, line := range run.Console { // without the time
		head, text, _ := strings.Cut(line, " ")
		if head != "ERROR" {
			head = ""
		} else {
			_, text, _ = strings.Cut(text, " ")
		}
		console = append(console, head+" "+text)
	}
	for _, f := range run.Files {
		files = append(files, f.Name)
	}
	out["history"], out["console"], out["files"], out["alerts"] = history, console, files, run.Alerts
	return out
}

// tree decodes JSON without times, and without what the config says about the
// machine and the writer.
func tree(t *testing.T, text string) any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	for _, key := range []string{"_timestamp", "_runtime"} {
		delete(v, key)
	}
	own, _ := v["_wandb"].(map[string]any)
	if value, ok := own["value"].(map[string]any); ok {
		own = value
	}
	delete(own, "e")
	delete(own, "runtime")
	if tel, ok := own["t"].(map[string]any); ok {
		delete(tel, "3") // features: whether the run was offline
	}
	return v
}

// TestOnlineRunEqualsSyncedRun: the same program, sent while it goes on and sent
// later, gives the same stored run.
func TestOnlineRunEqualsSyncedRun(t *testing.T) {
	live, later := serve(t), serve(t)
	dir := wholeRun(t, live.online(t))
	if name := filepath.Base(dir); !strings.HasPrefix(name, "run-") {
		t.Errorf("the directory of an online run is %s", name)
	}
	later.send(t, wholeRun(t, quiet(t)))
	got, want := comparable(t, live, "r1"), comparable(t, later, "r1")
	for key := range want {
		if !reflect.DeepEqual(got[key], want[key]) {
			t.Errorf("%s\nonline: %v\nsynced: %v", key, got[key], want[key])
		}
	}
	run := live.run(t, "r1")
	if len(run.History) != 51 || run.State != "failed" || *run.ExitCode != 3 || run.DisplayName != "first" || len(run.Alerts) != 1 {
		t.Errorf("%d rows, state %s, exit %v, name %q, alerts %v", len(run.History), run.State, run.ExitCode, run.DisplayName, run.Alerts)
	}
	if text, err := live.File(server.DefaultEntity, "p", "r1", "model.txt"); err != nil || string(text) != "weights" {
		t.Errorf("model.txt holds %q (%v)", text, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "run-r1.wandb.synced")); err != nil {
		t.Error(err)
	}
}

// TestServerNamesTheRun: what was not asked for is what the server says.
func TestServerNamesTheRun(t *testing.T) {
	p := serve(t)
	r := start(t, p.online(t))
	if r.Name() != "" || r.Entity() != "" {
		t.Logf("the server was quick: %q %q", r.Name(), r.Entity())
	}
	eventually(t, "a name", func() bool { return r.Name() != "" && r.URL() != "" })
	if r.Path() != server.DefaultEntity+"/p/"+r.ID() || r.Resumed() || r.StartingStep() != 0 || !strings.Contains(r.URL(), r.ID()) {
		t.Errorf("path %s, url %s, resumed %v, starting step %d", r.Path(), r.URL(), r.Resumed(), r.StartingStep())
	}
	if err := r.Finish(0); err != nil {
		t.Error(err)
	}
}

// TestStopRequestReachesTheProgram. Seen to fail without OnStop in startUplink.
func TestStopRequestReachesTheProgram(t *testing.T) {
	p := serve(t)
	r := start(t, p.online(t))
	eventually(t, "the run at the server", func() bool { return r.URL() != "" })
	select {
	case <-r.StopRequested():
		t.Fatal("nobody has stopped it")
	default:
	}
	if err := p.RequestStop(server.DefaultEntity, "p", r.ID()); err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		if err := r.Log(map[string]any{"i": i}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-r.StopRequested():
			return
		case <-time.After(20 * time.Millisecond):
		}
		if i > 3000 {
			t.Fatal("the program was never told")
		}
	}
}
