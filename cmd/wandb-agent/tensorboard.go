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

// followEvents follows the directory of --tensorboard, if there is one, for a
// program that began at since. What it returns says, once the run is finished,
// what of the files is not in the run; "" when all of it is.
func followEvents(ctx context.Context, run *runapi.Run, dir string, since time.Time) (lacks func() string, err error) {
	if dir == "" {
		return func() string { return "" }, nil
	}
	f, err := tensorboard.Follow(ctx, run, dir, tensorboard.Options{Since: since})
	if err != nil {
		return nil, err
	}
	return func() string { return eventsLacking(dir, f.Counters()) }, nil
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
