package runapi

import (
	"fmt"
	"io"
	"os"
	"testing"
)

// everything calls every method once and returns the errors.
func everything(r *Run) []error {
	row := r.Row()
	row.Float(r.Key("a"), 1)
	row.Text(r.Key("b"), "x")
	fmt.Fprintln(r.ConsoleWriter(true), "x")
	_, _, _, _, _, _ = r.ID(), r.Name(), r.Project(), r.Entity(), r.Path(), r.Mode()
	_, _, _, _, _, _ = r.Notice(), r.Dir(), r.FilesDir(), r.StartTime(), r.Step(), r.Counters()
	_, _ = r.Summary().Get("a")
	_, _ = r.Config().Get("a")
	_, _, _ = r.Settings(), r.Config().All(), r.Summary().All()
	return []error{
		r.Log(map[string]any{"a": func() {}}), r.LogRow(&row), r.LogRow(nil), defined(r.DefineMetric("", MetricOptions{})),
		r.Config().Set("a", 1), r.Config().Update(map[string]any{"b": 2}), r.Summary().Set("", 1), r.Summary().Delete(),
		r.Finish(1), r.FinishExit(Exit{}), r.Close(),
	}
}

func TestNilAndDisabledRunsDoNothing(t *testing.T) {
	s := quiet(t)
	s.Mode, s.DisableStats = ModeDisabled, false
	s.Config = map[string]any{"lr": 0.1}
	off := start(t, s)
	for name, r := range map[string]*Run{"nil": nil, "disabled": off} {
		for i, err := range everything(r) {
			if err != nil {
				t.Errorf("%s run: call %d returns %v", name, i, err)
			}
		}
		if r.Mode() != ModeDisabled || r.Dir() != "" {
			t.Errorf("%s run: mode %q, directory %q", name, r.Mode(), r.Dir())
		}
	}
	if v, ok := off.Config().Get("lr"); !ok || v != 0.1 {
		t.Errorf("config of a disabled run: %v", v)
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
