package filestream

import (
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

const (
	// slowest is the longest time between requests that a quota leads to; a
	// server that wants more says so with Retry-After.
	slowest = 10 * time.Second
	// shortReset is a quota that is renewed before it matters.
	shortReset = time.Second
)

// pace spreads what the server still takes over the time until it takes more.
type pace struct {
	next time.Time // no request before that
}

// wait is how long the next request has to wait.
func (p *pace) wait() time.Duration {
	if p.next.IsZero() {
		return 0
	}
	return max(0, time.Until(p.next))
}

func (p *pace) reply(r *api.StreamReply) {
	p.next = time.Time{}
	if r.Rate == nil || r.Rate.Reset <= shortReset {
		return
	}
	gap := slowest
	if r.Rate.Remaining >= 1 {
		gap = min(slowest, time.Duration(float64(r.Rate.Reset)/r.Rate.Remaining))
	}
	p.next = time.Now().Add(gap)
}
