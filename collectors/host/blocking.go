//go:build linux

package host

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// staleAfter is how long a statfs may be under way before Explain calls it
// stale.
const staleAfter = 500 * time.Millisecond

// Blocking measures one filesystem that may block for ever, as statfs on a
// dead NFS mount does. It is a source of its own: while a call is out the
// agent makes no second one, and no other source waits for it.
type Blocking struct {
	inner *Collector
	what  target
	out   atomic.Int64 // Unix ns since when a call is out; 0 when none
}

func newBlocking(cfg *Config, t target, calls calls) *Blocking {
	what := about{metric: "system.filesystem.* of " + t.point, remedy: "check the mount"}
	return &Blocking{inner: newCollector(cfg.Logger, member{reader: newFilesystem(t, calls), about: what}), what: t}
}

// Describe adds the series of the filesystem without touching it.
func (b *Blocking) Describe(s *sample.Schema) error { return b.inner.Describe(s) }

// Collect calls statfs, which may never return.
func (b *Blocking) Collect(ctx context.Context, f *sample.Frame) error {
	b.out.Store(time.Now().UnixNano())
	defer b.out.Store(0)
	return b.inner.Collect(ctx, f)
}

// Explain tells of a call that is out for too long, and of failures.
func (b *Blocking) Explain() []agent.Absence {
	list := b.inner.Explain()
	since := b.out.Load()
	if since == 0 {
		return list
	}
	if d := time.Since(time.Unix(0, since)); d > staleAfter {
		list = append(list, agent.Absence{
			Metric: "system.filesystem.* of " + b.what.point,
			Reason: fmt.Sprintf("statfs %s: no answer for %v", b.what.path, d.Round(time.Millisecond)),
			Remedy: "the server of this " + b.what.fstype + " filesystem does not answer",
		})
	}
	return list
}

// Close does nothing: no descriptor is kept.
func (b *Blocking) Close() error { return b.inner.Close() }
