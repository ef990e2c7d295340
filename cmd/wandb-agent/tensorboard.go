package main

import (
	"context"
	"fmt"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/host/pidwatch"
	"github.com/wandb-agent/wandb-agent/runapi"
	"github.com/wandb-agent/wandb-agent/runapi/tensorboard"
)

// events are the event files of --tensorboard; nil when there is none.
type events struct {
	dir string
	f   *tensorboard.Follower
}

// eventsPatience is how long the end of a program waits for its event files to be
// read, beside what Finish waits: they may have grown faster than they are read.
const eventsPatience = 30 * time.Second

// followEvents follows the directory of --tensorboard, if there is one, for a
// program that began at since.
func followEvents(ctx context.Context, run *runapi.Run, dir string, since time.Time) (*events, error) {
	if dir == "" {
		return nil, nil
	}
	f, err := tensorboard.Follow(ctx, run, dir, tensorboard.Options{Since: since})
	if err != nil {
		return nil, err
	}
	return &events{dir, f}, nil
}

// drain waits until the files are read, at most until hurry is closed.
func (e *events) drain(hurry <-chan struct{}) {
	if e == nil {
		return
	}
	done := make(chan error, 1)
	go func() { done <- e.f.Close() }() // ends with the follower; Finish tells its error
	select {
	case <-done:
	case <-hurry:
	case <-time.After(eventsPatience):
	}
}

// lacks says, once the run is finished, what of the files is not in the run; ""
// when all of it is.
func (e *events) lacks() string {
	if e == nil {
		return ""
	}
	return eventsLacking(e.dir, e.f.Counters())
}

func eventsLacking(dir string, c tensorboard.Counters) string {
	if c.Corrupt == 0 && c.Refused == 0 && c.Unread == 0 {
		return ""
	}
	return fmt.Sprintf("the event files in %s are not all in the run: %d corrupt places, %d values refused, %d bytes at their ends incomplete",
		dir, c.Corrupt, c.Refused, c.Unread)
}

// startOf is when a process started, to 1/100 s.
func startOf(p *pidwatch.Process) time.Time {
	const tick = int64(time.Second) / 100 // USER_HZ, the same everywhere
	return time.Unix(0, sample.NewClock().Anchor+int64(p.StartTicks())*tick)
}
