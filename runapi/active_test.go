package runapi

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// others finishes what earlier tests may have left.
func others(t *testing.T) {
	for _, r := range active.list() {
		if err := r.Close(); err != nil {
			t.Log(err)
		}
	}
}

func TestActive(t *testing.T) {
	others(t)
	if r := Active(); r != nil {
		t.Fatalf("run %s is active", r.ID())
	}
	if err := Active().Log(map[string]any{"x": 1}); err != nil {
		t.Error(err)
	}
	a := start(t, quiet(t))
	b := start(t, quiet(t))
	off := quiet(t)
	off.Mode = ModeDisabled
	start(t, off)
	if Active() != b {
		t.Errorf("active is %s, want the newest", Active().ID())
	}
	if err := b.Finish(0); err != nil || Active() != a {
		t.Errorf("after its end active is %s (%v), want the one before", Active().ID(), err)
	}
	if err := a.Finish(0); err != nil || Active() != nil {
		t.Errorf("after all have ended active is %v (%v)", Active(), err)
	}
}

func TestReinit(t *testing.T) {
	others(t)
	with := func(how Reinit) (*Run, error) {
		s := quiet(t)
		s.Reinit = how
		return Init(t.Context(), s)
	}
	first, err := with(ReinitForbid)
	if err != nil {
		t.Fatal(err)
	}
	var e *InitError
	if _, err := with(ReinitForbid); !errors.Is(err, ErrRunActive) || !errors.As(err, &e) {
		t.Errorf("forbid: got %v, want ErrRunActive", err)
	}
	if r, err := with(ReinitReturn); r != first || err != nil {
		t.Errorf("return: got %v, %v, want the first run", r.ID(), err)
	}
	second, err := with("")
	if err != nil || second == first || first.Log(map[string]any{"x": 1}) != nil {
		t.Errorf("new: %v, or the first run has ended", err)
	}
	third, err := with(ReinitFinish)
	if err != nil || Active() != third {
		t.Fatal("finish: no new run", err)
	}
	for _, r := range []*Run{first, second} {
		if err := r.Log(map[string]any{"x": 1}); err != ErrFinished {
			t.Errorf("finish: a previous run goes on (%v)", err)
		}
		if run := loadDir(t, r.Dir()); run.Exit == nil || run.Exit.Code != 0 {
			t.Errorf("finish: a previous run ended with %+v", run.Exit)
		}
	}
	if err := third.Close(); err != nil {
		t.Error(err)
	}
	if _, err := with("again"); !errors.As(err, &e) || e.Op != "settings" {
		t.Errorf("a word that is none: %v", err)
	}
}

// TestOneOfManyInits: of several at once that forbid others one gets the run.
// Seen to fail without the gate (several do).
func TestOneOfManyInits(t *testing.T) {
	others(t)
	var wg sync.WaitGroup
	runs := make(chan *Run, 8)
	for range cap(runs) {
		s := quiet(t)
		s.Reinit = ReinitForbid
		wg.Go(func() {
			r, err := Init(context.Background(), s)
			if err == nil {
				runs <- r
			} else if !errors.Is(err, ErrRunActive) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(runs); n != 1 {
		t.Errorf("%d runs, want 1", n)
	}
	others(t)
}

func TestReinitFromTheEnvironment(t *testing.T) {
	for text, want := range map[string]Reinit{
		"": ReinitNew, "default": ReinitNew, "create_new": ReinitNew, "return_previous": ReinitReturn, "finish_previous": ReinitFinish,
		"forbid": ReinitForbid, "true": ReinitFinish, "false": ReinitReturn,
	} {
		s := quiet(t)
		s.Environ = []string{"WANDB_REINIT=" + text}
		if got, _, err := resolve(s); err != nil || got.Reinit != want {
			t.Errorf("%q: got %q, %v, want %q", text, got.Reinit, err, want)
		}
	}
}
