package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/wandb-agent/wandb-agent/runapi"
)

// rowLog compares a row of five scalars on the typed path, into the on-disk
// log, with write(2) of as many bytes to a file beside it.
func rowLog(o *options) ([]row, error) {
	dir, err := os.MkdirTemp("", "bench-log-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	w, err := newRowWriter(dir)
	if err != nil {
		return nil, err
	}
	defer w.bare.Close()
	rows, err := w.hot()
	if err != nil {
		return nil, err
	}
	paced, err := w.paced(o.seconds)
	if err != nil {
		return nil, err
	}
	return append(rows, paced...), w.run.Finish(0)
}

// rowWriter is a run and a bare file in one directory.
type rowWriter struct {
	*scalars
	bare    *os.File
	payload []byte // as many bytes as a row takes in the log
}

func newRowWriter(dir string) (*rowWriter, error) {
	values, err := newScalars(runapi.Settings{Dir: dir, Mode: runapi.ModeOffline})
	if err != nil {
		return nil, err
	}
	w := &rowWriter{scalars: values}
	if w.bare, err = os.Create(filepath.Join(dir, "bare")); err != nil {
		return nil, err
	}
	const sample = 1000
	before := logSize(w.run)
	for range sample {
		if err := w.log(); err != nil {
			return nil, err
		}
	}
	w.payload = make([]byte, (logSize(w.run)-before)/sample)
	return w, nil
}

func logSize(run *runapi.Run) int64 {
	st, err := os.Stat(filepath.Join(run.Dir(), "run-"+run.ID()+".wandb"))
	if err != nil {
		return 0
	}
	return st.Size()
}

func (w *rowWriter) hot() ([]row, error) {
	const rows = 500_000
	start := time.Now()
	for range rows {
		if err := w.log(); err != nil {
			return nil, err
		}
	}
	ours := float64(time.Since(start)) / rows
	start = time.Now()
	for range rows {
		if _, err := w.bare.Write(w.payload); err != nil {
			return nil, err
		}
	}
	bare := float64(time.Since(start)) / rows
	return []row{{"Log, 5 scalars, typed, hot, wall", micros(ours), micros(bare), "write(2), same bytes", ratio(ours, bare), ""},
		{"Log, rows/s", fmt.Sprintf("%.0f", 1e9/ours), "", "", "", ">= 250000"}}, nil
}

// paced logs a row and writes a bare payload every millisecond, half a
// millisecond apart, and compares the latency the caller sees.
func (w *rowWriter) paced(seconds int) ([]row, error) {
	var ours, bare []float64
	tick := time.NewTicker(500 * time.Microsecond)
	defer tick.Stop()
	for i := range seconds * 2000 {
		<-tick.C
		start := time.Now()
		if i%2 == 0 {
			if err := w.log(); err != nil {
				return nil, err
			}
			ours = append(ours, float64(time.Since(start)))
		} else {
			if _, err := w.bare.Write(w.payload); err != nil {
				return nil, err
			}
			bare = append(bare, float64(time.Since(start)))
		}
	}
	slices.Sort(ours)
	slices.Sort(bare)
	var rows []row
	for _, q := range []struct {
		name   string
		part   float64
		budget string
	}{{"p50", 0.5, ""}, {"p99", 0.99, "<= 1.5"}, {"p99.9", 0.999, "<= 1.5"}, {"worst", 1, "stated"}} {
		a, b := at(ours, q.part), at(bare, q.part)
		rows = append(rows, row{"Log at 1 kHz, " + q.name, micros(a), micros(b), "write(2), same bytes", ratio(a, b), q.budget})
	}
	return rows, nil
}

func at(sorted []float64, part float64) float64 {
	return sorted[min(int(part*float64(len(sorted))), len(sorted)-1)]
}
