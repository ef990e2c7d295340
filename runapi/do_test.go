package runapi

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

// TestDoInALoop: many runs from one program.
func TestDoInALoop(t *testing.T) {
	s := quiet(t)
	ids := map[string]bool{}
	for n := range 10 {
		err := Do(t.Context(), s, func(_ context.Context, r *Run) error {
			ids[r.ID()] = true
			var errs []error
			for i := range 100 {
				errs = append(errs, r.Log(map[string]any{"x": 100*n + i}))
			}
			return errors.Join(errs...)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	dirs, err := filepath.Glob(filepath.Join(s.Dir, "wandb", "offline-run-*"))
	if err != nil || len(dirs) != 10 || len(ids) != 10 {
		t.Fatalf("%d directories, %d ids, %v; want 10", len(dirs), len(ids), err)
	}
	seen := map[any]bool{}
	for _, dir := range dirs {
		run := loadDir(t, dir)
		if len(run.History) != 100 || run.Exit == nil || run.Exit.Code != 0 || !ids[run.ID] {
			t.Errorf("run %s: %d rows, exit %+v", run.ID, len(run.History), run.Exit)
		}
		for _, row := range run.History {
			seen[row.Values["x"]] = true
		}
	}
	if len(seen) != 1000 {
		t.Errorf("%d rows, want 1000", len(seen))
	}
}

// TestDoEnds: how a run ends says how fn did. Seen to fail (panic and Goexit)
// when Do finishes after fn instead of in a deferred call.
func TestDoEnds(t *testing.T) {
	failed := errors.New("it failed")
	for _, test := range []struct {
		name string
		fn   func(context.Context, *Run) error
		code int
		err  error
		pan  any
	}{
		{"nil", func(context.Context, *Run) error { return nil }, 0, nil, nil},
		{"error", func(context.Context, *Run) error { return failed }, 1, failed, nil},
		{"panic", func(context.Context, *Run) error { panic("boom") }, 1, nil, "boom"},
		{"goexit", func(context.Context, *Run) error { runtime.Goexit(); return nil }, 1, nil, nil},
		{"finished by fn", func(_ context.Context, r *Run) error { return r.Finish(7) }, 7, nil, nil},
	} {
		var run *Run
		var err error
		var pan any
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			defer func() { pan = recover() }()
			err = Do(context.Background(), quiet(t), func(ctx context.Context, r *Run) error {
				run = r
				if e := r.Log(map[string]any{"x": 1}); e != nil {
					return e
				}
				return test.fn(ctx, r)
			})
		}()
		<-ended
		if !errors.Is(err, test.err) || test.err == nil && err != nil || pan != test.pan {
			t.Errorf("%s: error %v, panic %v", test.name, err, pan)
		}
		if got := loadDir(t, run.Dir()); got.Exit == nil || got.Exit.Code != test.code || len(got.History) != 1 {
			t.Errorf("%s: exit %+v, %d rows; want code %d", test.name, got.Exit, len(got.History), test.code)
		}
	}
}

func TestDoWithoutARun(t *testing.T) {
	s := quiet(t)
	s.Mode = "odd"
	err := Do(t.Context(), s, func(context.Context, *Run) error { t.Error("fn was called"); return nil })
	var e *InitError
	if !errors.As(err, &e) || e.Op != "settings" {
		t.Errorf("got %v", err)
	}
	s.Mode = ModeDisabled
	if err := Do(t.Context(), s, func(ctx context.Context, r *Run) error {
		return errors.Join(r.Log(map[string]any{"x": 1}), context.Cause(ctx), context.Cause(r.Context()))
	}); err != nil {
		t.Errorf("disabled: %v", err)
	}
}

// TestDoIsStopped: a stop request ends the context of fn. Seen to fail without
// "r.cancel" in askToStop (it logs until the test is killed).
func TestDoIsStopped(t *testing.T) {
	p := serve(t)
	err := Do(t.Context(), p.online(t), func(ctx context.Context, r *Run) error {
		eventually(t, "the run at the server", func() bool { return r.link.Load().identity().URL != "" })
		if err := p.RequestStop(server.DefaultEntity, "p", r.ID()); err != nil {
			return err
		}
		for i := 0; ctx.Err() == nil && i < 3000; i++ {
			if err := r.Log(map[string]any{"i": i}); err != nil {
				return err
			}
			time.Sleep(20 * time.Millisecond)
		}
		return context.Cause(ctx)
	})
	if !errors.Is(err, ErrStopRequested) {
		t.Errorf("got %v, want ErrStopRequested", err)
	}
}

// TestDoAfterItsContext: what was logged is stored and sent though the context
// has ended before.
func TestDoAfterItsContext(t *testing.T) {
	p := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	var id string
	err := Do(ctx, p.online(t), func(ctx context.Context, r *Run) error {
		id = r.ID()
		cancel()
		return errors.Join(r.Log(map[string]any{"x": 1}), ctx.Err())
	})
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnsent) {
		t.Errorf("got %v", err)
	}
	if run := p.run(t, id); len(run.History) != 1 || run.State != "failed" {
		t.Errorf("%d rows, state %s", len(run.History), run.State)
	}
}

func TestContextOfARunEndsWithIt(t *testing.T) {
	r := start(t, quiet(t))
	if r.Context().Err() != nil || isClosed(r.StopRequested()) {
		t.Error("the context of a run that goes on has ended, or it can be stopped from nowhere")
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	if err := context.Cause(r.Context()); err != ErrFinished {
		t.Errorf("after Finish the cause is %v", err)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestStopRequestOfThisMachine reaches a run that no server knows, once.
func TestStopRequestOfThisMachine(t *testing.T) {
	r := start(t, quiet(t))
	path := r.dir.StopPath()
	write(t, path, "")
	select {
	case <-r.StopRequested():
	case <-time.After(10 * time.Second):
		t.Fatal("the program was not told")
	}
	if !errors.Is(context.Cause(r.Context()), ErrStopRequested) {
		t.Errorf("cause %v", context.Cause(r.Context()))
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the request is still there: %v", err)
	}
	r.askToStop() // the server may ask, too
}
