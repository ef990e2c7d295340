package gpu

import (
	"context"
	"errors"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// errUnavailable is the Open error of a program that has no NVML in it.
var errUnavailable = errors.New("built without GPU support")

// State is where the driver library is in its life.
type State string

const (
	// Absent means that there is no library to load.
	Absent State = "absent"
	// Initialising means that the library was found and is starting.
	Initialising State = "initialising"
	// Running means that GPUs are read.
	Running State = "running"
	// Lost means that the library failed as a whole and is tried again.
	Lost State = "lost"
)

// Status is what can be said about the machine's GPUs now.
type Status struct {
	State  State        // of the library as a whole
	Reason string       // why there are no GPUs, or not all; "" when all is well
	Driver string       // driver version, "" unknown
	CUDA   string       // CUDA version of the driver, "12.4"
	GPUs   []sample.GPU // in the order of their numbers
}

// Status returns the present status. It may be called at any time.
func (d *Driver) Status() Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.status
	for _, g := range d.all {
		s.GPUs = append(s.GPUs, g.facts)
	}
	return s
}

// Check opens the library, looks at the GPUs and closes it again, as doctor
// needs it. It returns when that is done or ctx ends; a driver that hangs then
// is the reason given.
func Check(ctx context.Context, cfg Config) Status {
	d := New(cfg)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.live(ctx)
	}()
	select {
	case <-d.opened:
	case <-ctx.Done():
	}
	s := d.Status()
	cancel()
	select {
	case <-ended:
	case <-time.After(stopWait):
	}
	return s
}

// setStatus changes the status, and has the agent ask for facts and series
// again when it differs.
func (d *Driver) setStatus(s Status) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.status
	if old.State == s.State && old.Reason == s.Reason && old.Driver == s.Driver && old.CUDA == s.CUDA {
		return
	}
	d.status = s
	d.change++
}
