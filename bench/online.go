package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
	"github.com/wandb-agent/wandb-agent/runapi"
)

// online compares a row of a run that is sent with one of a run that is kept:
// first while the server hangs, with a connection that is accepted and never
// answered, then with a server that is not there.
func online(o *options) ([]row, error) {
	var rows []row
	for _, mode := range []struct {
		name string
		mode faults.Mode
	}{{"server hangs", faults.HalfOpen}, {"server gone", faults.Refuse}} {
		more, err := againstServer(o, mode.name, mode.mode)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// againstServer logs a row into each of two runs every millisecond, half a
// millisecond apart.
func againstServer(o *options, name string, mode faults.Mode) ([]row, error) {
	server, err := faults.Start(http.NotFoundHandler())
	if err != nil {
		return nil, err
	}
	defer server.Close()
	server.SetMode(mode)
	dir, err := os.MkdirTemp("", "bench-online-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	sent, err := newScalars(runapi.Settings{Dir: dir, Mode: runapi.ModeOnline, BaseURL: server.URL(), APIKey: api.NewKey(fmt.Sprintf("%040d", 0)), FinishTimeout: -1})
	if err != nil {
		return nil, err
	}
	defer sent.run.Close()
	kept, err := newScalars(runapi.Settings{Dir: dir, Mode: runapi.ModeOffline})
	if err != nil {
		return nil, err
	}
	defer kept.run.Close()
	if sent.run.Notice() != "" {
		return nil, fmt.Errorf("the run is not sent: %s", sent.run.Notice())
	}
	var times [2][]float64
	tick := time.NewTicker(500 * time.Microsecond)
	defer tick.Stop()
	for i := range o.seconds * 2000 {
		<-tick.C
		start := time.Now()
		if err := [2]*scalars{sent, kept}[i%2].log(); err != nil {
			return nil, err
		}
		times[i%2] = append(times[i%2], float64(time.Since(start)))
	}
	slices.Sort(times[0])
	slices.Sort(times[1])
	var rows []row
	for _, q := range []struct {
		name   string
		part   float64
		budget string
	}{{"p50", 0.5, ""}, {"p99", 0.99, "<= 1.2"}, {"p99.9", 0.999, "<= 1.5"}, {"worst", 1, "stated"}} {
		a, b := at(times[0], q.part), at(times[1], q.part)
		rows = append(rows, row{"Log at 1 kHz, " + name + ", " + q.name, micros(a), micros(b), "run that is kept", ratio(a, b), q.budget})
	}
	return rows, nil
}

// scalars is a run into which rows of five scalars go.
type scalars struct {
	run  *runapi.Run
	row  runapi.Row
	keys [5]runapi.Key
	n    int
}

// newScalars begins a run without hardware.
func newScalars(s runapi.Settings) (*scalars, error) {
	s.DisableStats, s.DisableGit, s.Environ = true, true, []string{}
	run, err := runapi.Init(context.Background(), s)
	if err != nil {
		return nil, err
	}
	w := &scalars{run: run, row: run.Row()}
	for i, name := range []string{"loss", "accuracy", "lr", "grad_norm", "tokens_per_second"} {
		w.keys[i] = run.Key(name)
	}
	return w, nil
}

func (w *scalars) log() error {
	w.n++
	for i, k := range w.keys {
		w.row.Float(k, float64(w.n)/float64(i+1))
	}
	return w.run.LogRow(&w.row)
}
