package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/runapi"
)

// load is one way of logging rows.
type load struct {
	keys, goroutines int
	typed            bool
}

// logRate compares rows per second, from the first call of Log to a finished run
// on stable storage, with those of the official client in the same directory. Its
// column is the same for both paths: it has one.
func logRate(o *options) ([]row, error) {
	root, err := filepath.Abs(o.root)
	if err != nil {
		return nil, err
	}
	python := filepath.Join(root, "interop", ".cache", "wandb-venv", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		return nil, fmt.Errorf("the official client is not there: run interop/setup.sh: %w", err)
	}
	var rows []row
	for _, keys := range []int{1, 5, 100} {
		for _, goroutines := range []int{1, 8} {
			theirs, err := officialRate(python, filepath.Join(root, "bench", "official", "client.py"), keys, goroutines)
			if err != nil {
				return rows, err
			}
			for _, typed := range []bool{true, false} {
				more, err := load{keys, goroutines, typed}.against(theirs)
				if err != nil {
					return rows, err
				}
				rows = append(rows, more...)
			}
		}
	}
	return rows, nil
}

// officialRate is rows per second of the official client, the best of three.
func officialRate(python, script string, keys, threads int) (float64, error) {
	const rows = 4000
	best := 0.0
	for range 3 {
		home, err := os.MkdirTemp("", "bench-rate-")
		if err != nil {
			return 0, err
		}
		cmd := exec.Command(python, script, "offline", fmt.Sprint(rows), fmt.Sprint(keys), fmt.Sprint(threads))
		cmd.Dir = home
		cmd.Env = append(os.Environ(), "HOME="+home, "WANDB_MODE=offline", "WANDB_SILENT=true", "WANDB_ERROR_REPORTING=false")
		text, err := cmd.Output()
		os.RemoveAll(home)
		if err != nil {
			return 0, fmt.Errorf("official client: %w", err)
		}
		_, number, _ := strings.Cut(string(text), "seconds=")
		seconds, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil {
			return 0, fmt.Errorf("official client says %q", text)
		}
		best = max(best, rows/seconds)
	}
	return best, nil
}

// against measures the load three times and takes the fastest.
func (l load) against(theirs float64) ([]row, error) {
	path := "map"
	if l.typed {
		path = "typed"
	}
	what := fmt.Sprintf("Log, %s, %d keys, %d goroutines", path, l.keys, l.goroutines)
	rate, calls := 0.0, []float64(nil)
	for range 3 {
		r, c, err := l.once(400_000 / (l.keys + 3))
		if err != nil {
			return nil, err
		}
		if r > rate {
			rate, calls = r, c
		}
	}
	slices.Sort(calls)
	return []row{
		{what + ", rows/s", fmt.Sprintf("%.0f", rate), fmt.Sprintf("%.0f", theirs), officialName, ratio(rate, theirs), ">= 50"},
		{what + ", p50 and p99", micros(at(calls, 0.5)), micros(at(calls, 0.99)), "ours: the p99", "", ""},
	}, nil
}

// once logs rows and returns rows per second and what each call took.
func (l load) once(rows int) (rate float64, calls []float64, err error) {
	dir, err := os.MkdirTemp("", "bench-rate-")
	if err != nil {
		return 0, nil, err
	}
	defer os.RemoveAll(dir)
	run, err := runapi.Init(context.Background(), runapi.Settings{Dir: dir, Mode: runapi.ModeOffline, DisableStats: true, DisableGit: true, Environ: []string{}})
	if err != nil {
		return 0, nil, err
	}
	defer run.Close()
	each := make([][]float64, l.goroutines)
	errs := make([]error, l.goroutines)
	var wg sync.WaitGroup
	start := time.Now()
	for g := range l.goroutines {
		wg.Go(func() { each[g], errs[g] = l.work(run, rows/l.goroutines) })
	}
	wg.Wait()
	if err := run.Finish(0); err != nil {
		return 0, nil, err
	}
	seconds := time.Since(start).Seconds()
	for g := range each {
		calls = append(calls, each[g]...)
		if errs[g] != nil {
			return 0, nil, errs[g]
		}
	}
	if n := run.Counters().Rows; n != int64(len(calls)) {
		return 0, nil, fmt.Errorf("%d rows are stored of %d", n, len(calls))
	}
	return float64(len(calls)) / seconds, calls, nil
}

// work is what one goroutine does.
func (l load) work(run *runapi.Run, rows int) ([]float64, error) {
	names := make([]string, l.keys)
	keys := make([]runapi.Key, l.keys)
	for i := range names {
		names[i] = fmt.Sprintf("metric_%d", i)
		keys[i] = run.Key(names[i])
	}
	values, row := make(map[string]any, l.keys), run.Row()
	calls := make([]float64, 0, rows)
	for n := range rows {
		begin := time.Now()
		var err error
		if l.typed {
			for i, k := range keys {
				row.Float(k, float64(n)/float64(i+1))
			}
			err = run.LogRow(&row)
		} else {
			for i, name := range names {
				values[name] = float64(n) / float64(i+1)
			}
			err = run.Log(values)
		}
		if err != nil {
			return nil, err
		}
		calls = append(calls, float64(time.Since(begin)))
	}
	return calls, nil
}
