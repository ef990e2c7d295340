//go:build linux

package host

import (
	"bytes"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// links reads state and speed of the network interfaces from sysfs. The state
// is read on every tick, the speed only when the state changed: some drivers
// ask their firmware for it.
type links struct {
	dir     string
	changes *atomic.Uint64 // of the interfaces, counted by netdev
	seen    uint64
	list    []link
}

// link is one interface.
type link struct {
	name           string
	state, carrier file
	up             sample.Ref
	limit          sample.Ref
	was            bool
	speed          float64 // bytes per second; 0 unknown
}

func newLinks(sys string, changes *atomic.Uint64) *links {
	return &links{dir: filepath.Join(sys, "class/net"), changes: changes}
}

// megabit is one Mbit/s in bytes per second.
const megabit = 125_000

func (l *links) describe(r *registrar) error {
	l.close()
	l.seen = l.changes.Load()
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		dir := filepath.Join(l.dir, e.Name())
		k := link{name: label([]byte(e.Name())), state: file{path: filepath.Join(dir, "operstate"), once: true}, carrier: file{path: filepath.Join(dir, "carrier"), once: true}}
		up, ok := k.isUp(&r.buf)
		if !ok {
			k.close() // gone since, or no interface: bonding_masters stands here too
			continue
		}
		k.up, k.was = r.gauge("hw.network.up", k.name, k.name), up
		k.limit = r.gauge("hw.network.bandwidth.limit", k.name, k.name)
		k.speed = readSpeed(dir)
		l.list = append(l.list, k)
	}
	return nil
}

// isUp reads whether the interface can carry packets. Interfaces without a
// state of their own, such as lo, say unknown: their carrier then decides.
func (k *link) isUp(buf *procfile.Buffer) (up, ok bool) {
	b, err := k.state.read(buf)
	if err != nil {
		return false, false
	}
	b = bytes.TrimSpace(b)
	if string(b) != "unknown" {
		return string(b) == "up", true
	}
	b, err = k.carrier.read(buf) // EINVAL when the interface is down
	return err == nil && len(b) > 0 && b[0] == '1', true
}

// readSpeed returns bytes per second, 0 when the driver does not say: lo fails
// with EINVAL, virtual interfaces say −1.
func readSpeed(dir string) float64 {
	b, err := os.ReadFile(filepath.Join(dir, "speed"))
	if err != nil {
		return 0
	}
	mbit, _, ok := procfile.Int(b)
	if !ok || mbit <= 0 {
		return 0
	}
	return float64(mbit) * megabit
}

func (l *links) collect(t *tick) error {
	if l.changes.Load() != l.seen {
		return sample.ErrChanged
	}
	for i := range l.list {
		k := &l.list[i]
		up, ok := k.isUp(&t.buf)
		if !ok {
			continue // gone: netdev will say so
		}
		if up != k.was {
			k.was, k.speed = up, readSpeed(filepath.Dir(k.state.path))
		}
		v := 0.0
		if up {
			v = 1
		}
		t.f.Put(k.up, v)
		if k.speed > 0 {
			t.f.Put(k.limit, k.speed)
		}
	}
	return nil
}

func (k *link) close() {
	k.state.close()
	k.carrier.close()
}

func (l *links) close() {
	for i := range l.list {
		l.list[i].close()
	}
	l.list = l.list[:0]
}
