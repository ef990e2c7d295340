package runapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/runapi/artifact"
)

// Arguments of calls, made once: the caller's allocations are no matter of ours.
var (
	anyRow         = map[string]any{"a": 1.5}
	badRow         = map[string]any{"a": func() {}}
	someTags       = []string{"a", "b"}
	somePath       = []string{"a", "b"}
	anyArtifact, _ = artifact.New("data", "dataset", artifact.Options{})
)

// calls has a call of every method of a run that a nil or disabled one answers.
// Those that only a server could answer return ErrOffline, or fs.ErrNotExist.
var calls = map[string]func(*Run) error{
	"AddTags":        func(r *Run) error { return r.AddTags(someTags...) },
	"Alert":          func(r *Run) error { return r.Alert("", "text", "odd", -1) },
	"Close":          func(r *Run) error { return r.Close() },
	"Config":         func(r *Run) error { r.Config(); return nil },
	"ConsoleWriter":  func(r *Run) error { _, err := r.ConsoleWriter(true).Write(nil); return err },
	"Context":        func(r *Run) error { return r.Context().Err() },
	"Counters":       func(r *Run) error { r.Counters(); return nil },
	"DefineMetric":   func(r *Run) error { _, err := r.DefineMetric("", MetricOptions{}); return err },
	"Detach":         func(r *Run) error { _, err := r.Detach(context.Background()); return err },
	"Dir":            func(r *Run) error { return empty(r.Dir()) },
	"Environment":    func(r *Run) error { r.Environment(); return nil },
	"Entity":         func(r *Run) error { return empty(r.Entity()) },
	"FilesDir":       func(r *Run) error { return empty(r.FilesDir()) },
	"Finish":         func(r *Run) error { return r.Finish(1) },
	"FinishContext":  func(r *Run) error { return r.FinishContext(context.Background(), Exit{}) },
	"FinishExit":     func(r *Run) error { return r.FinishExit(Exit{Code: 1}) },
	"Group":          func(r *Run) error { return empty(r.Group()) },
	"HTML":           func(r *Run) error { return empty(r.HTML(HTMLOptions{})) },
	"ID":             func(r *Run) error { r.ID(); return nil },
	"JobType":        func(r *Run) error { return empty(r.JobType()) },
	"Key":            func(r *Run) error { r.Key(somePath...); return nil },
	"Log":            func(r *Run) error { return errors.Join(r.Log(anyRow), r.Log(badRow)) },
	"LogRow":         func(r *Run) error { return r.LogRow(nil) },
	"MarkPreempting": func(r *Run) error { return r.MarkPreempting() },
	"Mode":           func(r *Run) error { r.Mode(); return nil },
	"Name":           func(r *Run) error { return empty(r.Name()) },
	"Notes":          func(r *Run) error { return empty(r.Notes()) },
	"Notice":         func(r *Run) error { return empty(r.Notice()) },
	"OnFinish":       func(r *Run) error { return r.OnFinish(nil) },
	"Project":        func(r *Run) error { r.Project(); return nil },
	"ProjectURL":     func(r *Run) error { return empty(r.ProjectURL()) },
	"RemoveTags":     func(r *Run) error { return r.RemoveTags(someTags...) },
	"Resumed":        func(r *Run) error { r.Resumed(); return nil },
	"Row":            func(r *Run) error { row := r.Row(); row.Float(Key{}, 1); return r.LogRow(&row) },
	"Save":           func(r *Run) error { _, err := r.Save("", SaveOptions{}); return err },
	"SetName":        func(r *Run) error { return r.SetName("") },
	"SetNotes":       func(r *Run) error { return r.SetNotes("x") },
	"SetTags":        func(r *Run) error { return r.SetTags(someTags...) },
	"Settings":       func(r *Run) error { r.Settings(); return nil },
	"StartTime":      func(r *Run) error { r.StartTime(); return nil },
	"StartingStep":   func(r *Run) error { r.StartingStep(); return nil },
	"Status":         func(r *Run) error { r.Status(); return nil },
	"Step":           func(r *Run) error { r.Step(); return nil },
	"StopRequested":  func(r *Run) error { r.StopRequested(); return nil },
	"Summary":        func(r *Run) error { return r.Summary().Set("a", 1) },
	"SweepID":        func(r *Run) error { return empty(r.SweepID()) },
	"SweepURL":       func(r *Run) error { return empty(r.SweepURL()) },
	"Tags":           func(r *Run) error { r.Tags(); return nil },
	"URL":            func(r *Run) error { return empty(r.URL()) },
	"WatchMedia":     func(r *Run) error { return r.WatchMedia("*", MediaWatch{}) },
	"Writer":         func(r *Run) error { _, err := r.Writer(""); return err },
	"Upload":         func(r *Run) error { r.Upload(); return nil },
}

// mayAllocate are methods that a loop does not call: they return something new,
// or an error that says what was asked for.
var mayAllocate = map[string]func(*Run) error{
	"Path": func(r *Run) error { r.Path(); return nil },
	"FinishArtifact": func(r *Run) error {
		_, err := r.FinishArtifact(context.Background(), anyArtifact, ArtifactOptions{})
		return err
	},
	"History": func(r *Run) error {
		for _, err := range r.History(context.Background()) {
			return err
		}
		return nil
	},
	"LinkArtifact": func(r *Run) error { _, err := r.LinkArtifact(context.Background(), nil, "c"); return err },
	"LinkModel":    func(r *Run) error { _, err := r.LinkModel(context.Background(), "", "c", ModelOptions{}); return err },
	"LogArtifact": func(r *Run) error {
		_, err := r.LogArtifact(context.Background(), anyArtifact, ArtifactOptions{})
		return err
	},
	"LogArtifactPath": func(r *Run) error { _, err := r.LogArtifactPath(context.Background(), "", PathOptions{}); return err },
	"LogCode":         func(r *Run) error { _, err := r.LogCode(context.Background(), CodeOptions{}); return err },
	"LogModel":        func(r *Run) error { _, err := r.LogModel(context.Background(), "", ModelOptions{}); return err },
	"Restore": func(r *Run) error {
		_, err := r.Restore(context.Background(), "x", RestoreOptions{})
		return err
	},
	"SetOnce": func(r *Run) error { return r.SetOnce("gpu", 1) }, // config works in memory
	"UpsertArtifact": func(r *Run) error {
		_, err := r.UpsertArtifact(context.Background(), anyArtifact, ArtifactOptions{})
		return err
	},
	"UseArtifact": func(r *Run) error { _, err := r.UseArtifact(context.Background(), "a:v0", UseOptions{}); return err },
	"UseModel":    func(r *Run) error { _, err := r.UseModel(context.Background(), "a:v0", ""); return err },
}

func empty(text string) error {
	if text != "" {
		return fmt.Errorf("it says %q", text)
	}
	return nil
}

// idle are the runs that do nothing: a nil one, and one that is disabled.
func idle(t testing.TB) map[string]*Run {
	s := quiet(t)
	s.Mode, s.DisableStats = ModeDisabled, false
	return map[string]*Run{"nil": nil, "disabled": start(t, s)}
}

// TestNilAndDisabledRunsDoNothing: all methods there are do nothing on a nil and on a
// disabled run. One that is new fails here until it is added above.
func TestNilAndDisabledRunsDoNothing(t *testing.T) {
	runs := idle(t)
	for m := range reflect.TypeFor[*Run]().Methods() {
		call, ok := calls[m.Name]
		if !ok {
			call, ok = mayAllocate[m.Name]
		}
		if !ok {
			t.Errorf("method %s is not tested on nil and disabled runs: add it to calls", m.Name)
			continue
		}
		for name, r := range runs {
			if err := call(r); err != nil && !errors.Is(err, ErrOffline) && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s of a %s run: %v", m.Name, name, err)
			}
		}
	}
}

// TestIdleRunsCostNothing: no allocation, and less than 100 ns a call; no
// goroutine and no file for the run itself.
func TestIdleRunsCostNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates and takes time")
	}
	before := runtime.NumGoroutine()
	runs := idle(t)
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("a disabled run has %d goroutines", n-before)
	}
	for method, call := range calls {
		for name, r := range runs {
			if n := testing.AllocsPerRun(100, func() { _ = call(r) }); n != 0 {
				t.Errorf("%s of a %s run allocates %v times", method, name, n)
			}
			if d := perCall(func() { _ = call(r) }); d > 100*time.Nanosecond {
				t.Errorf("%s of a %s run takes %v", method, name, d)
			}
		}
	}
}

// perCall is the time of f in the best of several rounds: other programs can only
// make it longer.
func perCall(f func()) time.Duration {
	const rounds, n = 50, 1000
	best := time.Hour
	for range rounds {
		begin := time.Now()
		for range n {
			f()
		}
		best = min(best, time.Since(begin)/n)
	}
	return best
}

func TestDisabledRunKeepsItsConfigAndLeavesNothing(t *testing.T) {
	s := quiet(t)
	s.Mode, s.DisableStats = ModeDisabled, false
	s.Config = map[string]any{"lr": 0.1}
	off := start(t, s)
	if v, ok := off.Config().Get("lr"); !ok || v != 0.1 || off.Mode() != ModeDisabled {
		t.Errorf("config of a disabled run: %v, mode %s", v, off.Mode())
	}
	if err := off.Config().Set("late", 2); err != nil || len(off.Config().All()) != 2 {
		t.Errorf("config after Set: %v (%v)", off.Config().All(), err)
	}
	var none *Run
	if err := none.Config().Update(map[string]any{"b": 2}); err != nil || none.Mode() != ModeDisabled {
		t.Errorf("config of a nil run: %v, mode %s", err, none.Mode())
	}
	if entries, err := os.ReadDir(s.Dir); err != nil || len(entries) > 0 {
		t.Errorf("a disabled run left %v (%v)", entries, err)
	}
}

func TestAfterFinish(t *testing.T) {
	r := start(t, quiet(t))
	key, row := r.Key("a"), r.Row()
	console := r.ConsoleWriter(false)
	if err := r.Finish(3); err != nil {
		t.Fatal(err)
	}
	row.Float(key, 1)
	_, werr := io.WriteString(console, "late\n")
	for i, err := range []error{
		r.Log(map[string]any{"a": 1}), r.LogRow(&row), defined(r.DefineMetric("a", MetricOptions{})), r.Config().Set("a", 1),
		r.Summary().Set("a", 1), r.Summary().Delete("a"), r.Finish(0), werr,
	} {
		if err != ErrFinished {
			t.Errorf("call %d returns %v, want ErrFinished", i, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close after Finish: %v", err)
	}
	run := loadDir(t, r.Dir())
	if run.Exit == nil || run.Exit.Code != 3 || !run.Exit.Known || run.Crashed {
		t.Errorf("exit is %+v, crashed %v", run.Exit, run.Crashed)
	}
}

func TestExitOfAnotherProgram(t *testing.T) {
	for _, test := range []struct {
		exit  Exit
		code  int
		known bool
	}{{Exit{Code: 137, Signal: 9}, 137, true}, {Exit{Unknown: true}, 1, false}} {
		r := start(t, quiet(t))
		if err := r.FinishExit(test.exit); err != nil {
			t.Fatal(err)
		}
		e := loadDir(t, r.Dir()).Exit
		if e == nil || e.Code != test.code || e.Known != test.known || e.Signal != test.exit.Signal {
			t.Errorf("exit %+v reads as %+v", test.exit, e)
		}
	}
}

func TestTypedPathAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s := quiet(t)
	s.Mode = ModeDisabled
	off := start(t, s)
	for name, r := range map[string]*Run{"nil": nil, "disabled": off, "offline": start(t, quiet(t))} {
		logRow := fiveScalars(t, r)
		for range 100 {
			logRow()
		}
		if n := testing.AllocsPerRun(500, logRow); n != 0 {
			t.Errorf("%s run: a row of 5 scalars allocates %v times, want 0", name, n)
		}
	}
}

// fiveScalars returns a function that logs the row of the budget.
func fiveScalars(t testing.TB, r *Run) func() {
	var keys [5]Key
	for i, name := range []string{"loss", "acc", "lr", "grad_norm", "tokens_per_second"} {
		keys[i] = r.Key(name)
	}
	row, v := r.Row(), 1.0
	return func() {
		v *= 0.9999
		for _, k := range keys {
			row.Float(k, v)
		}
		if err := r.LogRow(&row); err != nil {
			t.Fatal(err)
		}
	}
}
