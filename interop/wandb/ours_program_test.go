package wandb_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/runapi"
)

// programVariable names the program that a test binary is to be, instead of
// running tests: the programs of official/*.py written with runapi.
const programVariable = "PROOF_PROGRAM"

func TestMain(m *testing.M) {
	name, ok := os.LookupEnv(programVariable)
	if !ok {
		os.Exit(m.Run())
	}
	program, ok := programs[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "there is no program %q\n", name)
		os.Exit(2)
	}
	if err := program(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// programs are run in a process of their own, with settings by environment.
var programs = map[string]func(ctx context.Context, args []string) error{
	"config": ourConfig, "log": ourLog, "metrics": ourMetrics, "summary": ourSummary, "labels": ourLabels, "save": ourSave,
	"alert": ourAlert, "console": ourConsole, "finish": ourFinish, "resume": ourResume, "fork": ourFork, "stop": ourStop,
	"api": ourAPI, "shared": ourShared, "artifact": ourArtifacts, "media": ourMedia, "mediaobjects": ourMediaObjects, "models": ourModels, "code": ourCode,
}

// begin starts a run that is kept short in system metrics of no interest here.
func begin(ctx context.Context, s runapi.Settings) (*runapi.Run, error) {
	s.SampleInterval, s.StatsInterval, s.Transmit = 200*time.Millisecond, 500*time.Millisecond, 500*time.Millisecond
	return runapi.Init(ctx, s)
}

type row = map[string]any

func ourConfig(ctx context.Context, _ []string) error {
	run, err := begin(ctx, runapi.Settings{Config: row{"lr": 0.1, "net": row{"layers": []int{1, 2}, "act": "relu"}, "none": nil, "flag": true, "text": "é<>&", "big": int64(1<<53 + 1)}})
	if err != nil {
		return err
	}
	errs := []error{run.Config().Set("late", 7), run.Config().Update(row{"net": row{"act": "gelu", "deep": row{"x": math.Inf(1)}}, "lr": 0.2}, runapi.AllowChange())}
	if err := run.Config().Update(row{"flag": false}); !errors.Is(err, runapi.ErrConfigLocked) {
		errs = append(errs, fmt.Errorf("a changed value was taken without being asked for: %w", err))
	}
	errs = append(errs, run.Log(row{"loss": 1.0}), run.Finish(0))
	return errors.Join(errs...)
}

func ourLog(ctx context.Context, _ []string) error {
	run, err := begin(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	var errs []error
	log := func(r row, o ...runapi.LogOption) { errs = append(errs, run.Log(r, o...)) }
	for i := range 5 {
		log(row{"loss": 1 / float64(i+1), "deep": row{"x": i, "y": row{"z": -i}}})
	}
	log(row{"a": 1}, runapi.NoCommit())
	log(row{"b": 2}, runapi.NoCommit())
	log(row{"a": 3})
	log(row{"odd": math.NaN(), "inf": math.Inf(1), "neg": math.Inf(-1), "big": int64(1<<53 + 1), "text": "é\n\"<>", "flag": true, "list": []any{1, 2.5, "x"}, "none": nil}, runapi.AtStep(20))
	log(row{"more": 1}, runapi.AtStep(20))
	if err := run.Log(row{"past": 1}, runapi.AtStep(3)); !errors.Is(err, runapi.ErrStepBack) {
		errs = append(errs, fmt.Errorf("a row of the past was taken: %w", err))
	}
	log(row{"slash/key": 1, "dot.key": 2}, runapi.AtStep(21))
	log(row{"tail": 1})
	return errors.Join(append(errs, run.Finish(0))...)
}

func ourMetrics(ctx context.Context, _ []string) error {
	run, err := begin(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	var errs []error
	define := func(name string, o runapi.MetricOptions) {
		_, err := run.DefineMetric(name, o)
		errs = append(errs, err)
	}
	define("epoch", runapi.MetricOptions{Hidden: true})
	define("val/*", runapi.MetricOptions{StepMetric: "epoch", Summary: runapi.Max})
	define("loss", runapi.MetricOptions{Summary: runapi.Min | runapi.Mean | runapi.Last})
	define("acc", runapi.MetricOptions{Goal: runapi.Maximize, Summary: runapi.Best})
	define("first", runapi.MetricOptions{Summary: runapi.First})
	define("quiet", runapi.MetricOptions{Summary: runapi.None})
	define("train/*", runapi.MetricOptions{StepMetric: "batches"})
	for i := range 6 {
		errs = append(errs, run.Log(row{"epoch": i / 2, "val/acc": 0.5 - math.Abs(float64(i-3))/10, "loss": 2 / float64(i+1), "acc": i, "first": i, "quiet": i, "train/x": i, "batches": 10 * i}))
	}
	return errors.Join(append(errs, run.Finish(0))...)
}

func ourSummary(ctx context.Context, _ []string) error {
	run, err := begin(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	s := run.Summary()
	return errors.Join(run.Log(row{"loss": 3, "kept": 1}), run.Log(row{"loss": 2}),
		s.Set("best", row{"loss": 0.5, "at": row{"epoch": 3}}), s.Set("late", "x"), s.Set("gone", 1), s.Set("loss", 9), s.Delete("gone"), run.Finish(0))
}

func ourLabels(ctx context.Context, _ []string) error {
	run, err := begin(ctx, runapi.Settings{Name: "first name", Group: "g", JobType: "train", Tags: []string{"a", "b"}, Notes: "two\nlines"})
	if err != nil {
		return err
	}
	return errors.Join(run.AddTags("c"), run.SetNotes("other notes"), run.SetName("second name"), run.Log(row{"x": 1}), run.Finish(0))
}

func ourSave(ctx context.Context, _ []string) error {
	base, err := os.MkdirTemp("", "saved")
	if err != nil {
		return err
	}
	defer os.RemoveAll(base)
	errs := []error{os.Mkdir(filepath.Join(base, "sub"), 0o700)}
	for name, text := range map[string]string{"now.txt": "now.txt\n", "end.txt": "end.txt\n", "live.txt": "live.txt\n", "sub/deep.txt": "sub/deep.txt\n", "sub/abs.txt": "sub/abs.txt\n", "empty.txt": ""} {
		errs = append(errs, os.WriteFile(filepath.Join(base, name), []byte(text), 0o600))
	}
	run, err := begin(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	save := func(pattern string, p runapi.Policy) {
		_, err := run.Save(filepath.Join(base, pattern), runapi.SaveOptions{Base: base, Policy: p})
		errs = append(errs, err)
	}
	save("now.txt", runapi.SaveNow)
	save("empty.txt", runapi.SaveNow)
	save("sub/*", runapi.SaveEnd)
	save("end.txt", runapi.SaveEnd)
	save("live.txt", runapi.SaveLive)
	_, err = run.Save(filepath.Join(base, "sub/abs.txt"), runapi.SaveOptions{Policy: runapi.SaveEnd})
	errs = append(errs, err, os.WriteFile(filepath.Join(base, "live.txt"), []byte("live.txt\nmore\n"), 0o600))
	return errors.Join(append(errs, run.Log(row{"x": 1}), run.Finish(0))...)
}

func ourAlert(ctx context.Context, _ []string) error {
	run, err := begin(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	return errors.Join(run.Alert("started", "all is well", runapi.Info, 0), run.Alert("slow", "below\nthe target", runapi.Warn, time.Minute),
		run.Alert("broken", "loss is NaN", runapi.Error, 0), run.Finish(0))
}

func ourConsole(ctx context.Context, _ []string) error {
	run, err := begin(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	var errs []error
	say := func(stderr bool, text string) {
		_, err := run.ConsoleWriter(stderr).Write([]byte(text))
		errs = append(errs, err)
	}
	say(false, "plain line\n")
	for i := 0; i <= 100; i += 20 {
		say(false, fmt.Sprintf("\rprogress %3d%%", i))
	}
	say(false, "\n\x1b[31mred\x1b[0m and \x1b[1mbold\x1b[0m\nup\x1b[Aover\x1b[B\n")
	say(true, "to stderr\n")
	say(false, "é 世界 no end")
	return errors.Join(append(errs, run.Finish(0))...)
}

func ourFinish(ctx context.Context, args []string) error {
	run, err := begin(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	code, err := strconv.Atoi(args[1])
	return errors.Join(err, run.Log(row{"x": 1}), run.Finish(code))
}

// session is one run of the programs that resume: its rows, and what it says.
func session(ctx context.Context, s runapi.Settings, xs ...int) error {
	run, err := begin(ctx, s)
	if err != nil {
		return err
	}
	var errs []error
	for _, x := range xs {
		errs = append(errs, run.Log(row{"x": x}))
	}
	return errors.Join(append(errs, run.Finish(0))...)
}

func refused(ctx context.Context, s runapi.Settings) error {
	err := session(ctx, s)
	if err == nil {
		return fmt.Errorf("run %s with resume %s was begun", s.ID, s.Resume)
	}
	fmt.Println("refused:", err)
	return nil
}

func ourResume(ctx context.Context, _ []string) error {
	return errors.Join(
		refused(ctx, runapi.Settings{ID: "resume", Resume: "must"}),
		session(ctx, runapi.Settings{ID: "resume", Resume: "allow", Config: row{"lr": 0.1, "old": 1}}, 0, 1, 2),
		refused(ctx, runapi.Settings{ID: "resume", Resume: "never"}),
		session(ctx, runapi.Settings{ID: "resume", Resume: "must", Config: row{"lr": 0.2, "new": 2}}, 3, 4),
		session(ctx, runapi.Settings{ID: "resume", Resume: "allow"}, 5),
		session(ctx, runapi.Settings{ID: "resume2", Resume: "never"}, 0),
		session(ctx, runapi.Settings{ID: "resume3", Resume: "auto"}, 0),
		session(ctx, runapi.Settings{ID: "resume3", Resume: "allow"}, 1),
		session(ctx, runapi.Settings{ID: "resume", ResumeFrom: "resume?_step=2"}, 6))
}

func ourFork(ctx context.Context, _ []string) error {
	return errors.Join(session(ctx, runapi.Settings{ID: "forked-from", Config: row{"lr": 0.1}}, 0, 1, 2, 3),
		session(ctx, runapi.Settings{ID: "fork", ForkFrom: "forked-from?_step=1"}, 10))
}

func ourStop(ctx context.Context, _ []string) error {
	run, err := begin(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	errs := []error{run.Log(row{"x": 1})}
	select {
	case <-run.StopRequested():
		fmt.Println("stopped")
		_, err := run.ConsoleWriter(false).Write([]byte("stopped\n"))
		errs = append(errs, err)
	case <-time.After(2 * time.Minute):
		errs = append(errs, errors.New("nobody stopped the run"))
	}
	return errors.Join(append(errs, run.Finish(0))...)
}
