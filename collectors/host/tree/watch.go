//go:build linux

package tree

import (
	"context"
	"strconv"
	"time"

	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// minWatch is the shortest time between two readings of a member whose end
// nobody in the tree will see.
const minWatch = 10 * time.Millisecond

// watchEvery is how often such a member is read: each time it has grown half a
// percent older. From 200 ticks of age on the tick itself is often enough: 0.
func watchEvery(age, tick time.Duration) time.Duration {
	d := max(age/200, minWatch)
	if d >= tick {
		return 0
	}
	return d
}

// markWatched finds the members that nobody in the tree will reap: those whose
// parent is outside it, and those whose parent ignores SIGCHLD. We ourselves
// need no watching. It wakes the ends watch when there is something for it.
func (t *Tree) markWatched() {
	now, due := t.cfg.Clock.Now(), 0
	for _, m := range t.members {
		p := t.byPID[m.cur.ppid]
		m.watched = (p == nil || p.ignores || p.lost) && m.pid != t.disc.self
		m.watchAtNS = 0
		if m.watched && !m.cur.dead() {
			t.schedule(m, now)
		}
		if m.watchAtNS != 0 {
			due++
		}
	}
	if due > t.watchN {
		t.wakeWatch()
	}
	t.watchN = due
}

func (t *Tree) schedule(m *member, now int64) {
	m.watchAtNS = 0
	if d := watchEvery(time.Duration(t.ageNS(m, now)), t.cfg.Every); d > 0 {
		m.watchAtNS = now + int64(d)
	}
}

func (t *Tree) wakeWatch() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// watchEnds reads the members that are due and returns how long to wait for the
// next one, 0 when there is none, and whether following has ended.
func (t *Tree) watchEnds() (wait time.Duration, ended bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended || t.closed {
		return 0, t.ended
	}
	now := t.cfg.Clock.Now()
	for _, m := range t.members {
		if m.watchAtNS == 0 || m.gone {
			continue
		}
		if m.watchAtNS <= now {
			t.readEnd(m, now)
		}
		if left := time.Duration(m.watchAtNS - now); m.watchAtNS != 0 && (wait == 0 || left < wait) {
			wait = left
		}
	}
	return wait, false
}

// readEnd takes a reading of m beside the ticks. A member that has exited and
// waits to be reaped has its last figures.
func (t *Tree) readEnd(m *member, now int64) {
	t.readIO(m)
	t.readStat(m)
	if m.gone || m.cur.dead() {
		m.watchAtNS = 0
		return
	}
	t.schedule(m, now)
}

// askIgnores looks up whether m ignores SIGCHLD, once a round.
func (t *Tree) askIgnores(m *member) {
	if m.asked == t.round && t.round != 0 {
		return
	}
	m.asked = t.round
	f, err := procfile.Open(t.cfg.Proc + "/" + strconv.Itoa(m.pid) + "/status")
	if err != nil {
		return
	}
	defer f.Close()
	if b, err := f.Read(&t.buf); err == nil {
		m.ignores = ignoresChildren(b)
	}
}

// askParents looks again at all members that have children here.
func (t *Tree) askParents() {
	for _, m := range t.members {
		if p := t.byPID[m.cur.ppid]; p != nil {
			t.askIgnores(p)
		}
	}
}

// sleep waits for d (0: for ever), a wake-up or the end of ctx; false is the end.
func (t *Tree) sleep(ctx context.Context, d time.Duration) bool {
	var due <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-t.wake:
	case <-due:
	}
	return true
}
