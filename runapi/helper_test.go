package runapi

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// quiet are settings of a run without hardware, git and environment, in a
// directory of its own.
func quiet(t testing.TB) Settings {
	return Settings{Dir: t.TempDir(), Mode: ModeOffline, Project: "p", DisableStats: true, DisableGit: true, Environ: []string{}}
}

func start(t testing.TB, s Settings) *Run {
	t.Helper()
	r, err := Init(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// load finishes the run and reads it back.
func load(t testing.TB, r *Run) *runlog.Run {
	t.Helper()
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	return loadDir(t, r.Dir())
}

func loadDir(t testing.TB, path string) *runlog.Run {
	t.Helper()
	dir, err := runlog.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	run, err := runlog.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// rows returns steps and values of the history.
func rows(run *runlog.Run) (steps []int64, values []map[string]any) {
	for _, h := range run.History {
		steps, values = append(steps, h.Step), append(values, h.Values)
	}
	return steps, values
}

// syncWriter lets goroutines share a buffer.
type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *syncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// hang is an export that ends with its context only.
func hang(ctx context.Context, _ *sample.Batch) error {
	<-ctx.Done()
	return ctx.Err()
}

// writePart adds console text to a run as another process does.
func writePart(t testing.TB, r *Run, text string) {
	t.Helper()
	w, err := runlog.Create(r.dir.PartPath("other"), runlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Output(false, time.Now().UnixNano(), []byte(text)), w.Close()); err != nil {
		t.Fatal(err)
	}
}

// defined is the error of DefineMetric.
func defined(_ *Metric, err error) error { return err }
