package runapi

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestWriterCountsStepsOfItsOwn: an open step of the run is not committed by a
// writer's row, an explicit step is not refused because of it, and its rows
// say whose they are. Seen to fail with Writer returning r itself (ErrStepBack).
func TestWriterCountsStepsOfItsOwn(t *testing.T) {
	r := start(t, quiet(t))
	w, err := r.Writer("events")
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		r.Log(map[string]any{"loss": 1}, AtStep(1)), // stays open
		w.Log(map[string]any{"seen": 1}),
		w.Log(map[string]any{"seen": 2}),
		w.Log(map[string]any{"seen": 3}),
		r.Log(map[string]any{"acc": 2}, AtStep(1), Commit()),
		w.Summary().Set("best", 7),
	)
	if err != nil {
		t.Fatal(err)
	}
	run := load(t, r) // finishes the writer too
	own := map[any][]any{}
	for i, h := range run.History {
		if h.Step != int64(i)+1 {
			t.Errorf("row %d has step %d", i, h.Step)
		}
		if h.Values["loss"] != nil && h.Values["acc"] == nil {
			t.Errorf("the open step was cut: %v", h.Values)
		}
		own[h.Values["_writer"]] = append(own[h.Values["_writer"]], h.Values["_writer_step"])
	}
	if len(run.History) != 4 || len(own["events"]) != 3 || len(own[nil]) != 1 {
		t.Errorf("%d rows, steps by writer: %v", len(run.History), own)
	}
	if run.Summary["best"] != int64(7) || run.Summary["seen"] != int64(3) {
		t.Errorf("summary %v", run.Summary)
	}
	if err := w.Log(map[string]any{"seen": 4}); !errors.Is(err, ErrFinished) {
		t.Errorf("log after the run's Finish: %v", err)
	}
	if _, err := r.Writer("late"); !errors.Is(err, ErrFinished) {
		t.Errorf("writer after Finish: %v", err)
	}
}

// TestWriterAloneKeepsItsSteps: rows of one writer only are not numbered anew.
func TestWriterAloneKeepsItsSteps(t *testing.T) {
	r := start(t, quiet(t))
	w, err := r.Writer("only one")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Log(map[string]any{"a": 1}, AtStep(5), Commit()), w.Finish(0)); err != nil {
		t.Fatal(err)
	}
	if steps, values := rows(load(t, r)); len(steps) != 1 || steps[0] != 5 || len(values[0]) != 1 {
		t.Errorf("steps %v, values %v", steps, values)
	}
}

func TestWriterOfNoRun(t *testing.T) {
	for _, r := range []*Run{nil, start(t, Settings{Mode: ModeDisabled, Environ: []string{}})} {
		w, err := r.Writer("x")
		if w != r || err != nil {
			t.Errorf("got %v, %v", w, err)
		}
		if err := errors.Join(w.Log(map[string]any{"a": 1}), w.Finish(0)); err != nil {
			t.Error(err)
		}
	}
	r := start(t, quiet(t))
	if _, err := r.Writer(""); !errors.Is(err, errLabel) {
		t.Errorf("no label: %v", err)
	}
}

// TestOnFinish: last given first called, still able to log; errors are Finish's.
func TestOnFinish(t *testing.T) {
	r := start(t, quiet(t))
	var order []int
	wrong := errors.New("wrong")
	for i := range 3 {
		err := r.OnFinish(func(context.Context) error {
			order = append(order, i)
			if i == 1 {
				return errors.Join(wrong, r.Log(map[string]any{"last": i}))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Finish(0); !errors.Is(err, wrong) || errors.Is(err, ErrFinished) {
		t.Errorf("finish: %v", err)
	}
	if len(order) != 3 || order[0] != 2 || order[2] != 0 {
		t.Errorf("order %v", order)
	}
	if _, values := rows(loadDir(t, r.Dir())); len(values) != 1 || values[0]["last"] != int64(1) {
		t.Errorf("rows %v", values)
	}
	if err := r.OnFinish(func(context.Context) error { return nil }); !errors.Is(err, ErrFinished) {
		t.Errorf("after Finish: %v", err)
	}
}

// TestOnFinishHangs: Finish does not wait for one that ignores its context. Seen
// to hang without the select in callHooks.
func TestOnFinishHangs(t *testing.T) {
	r := start(t, quiet(t))
	stuck := make(chan struct{})
	defer close(stuck)
	if err := r.OnFinish(func(context.Context) error { <-stuck; return nil }); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	from := time.Now()
	err := r.FinishContext(ctx, Exit{})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(from) > 3*time.Second {
		t.Errorf("finish after %v: %v", time.Since(from), err)
	}
	if run := loadDir(t, r.Dir()); run.Exit == nil || run.Exit.Code != 0 {
		t.Errorf("exit %+v", run.Exit)
	}
}
