package runapi

import (
	"strings"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// maxKeys bounds how many keys of a run are remembered; rows with further ones
// are stored all the same and only take longer.
const maxKeys = 100_000

// Key is a metric name that has been resolved for a run. The zero Key, and one
// of another run, is ignored by Row.
type Key struct{ k *metricKey }

// metricKey is what a run remembers about a key.
type metricKey struct {
	owner *Run
	key   runlog.Key
	name  string // parts joined by dots, for people
	ref   sample.Ref
	lane  bool // ref is valid: values go to the row lane of the agent too

	// Guarded by Run.mu.
	serial   uint64 // of the row that has this key
	pos      int    // where in that row
	conflict bool   // another key of the run is a prefix of this one, or the other way round
}

// Key resolves a metric name: one part, or several for a nested key. An error
// in the name (ErrKey) comes with the first LogRow of a row that uses it.
// The Key is valid for the life of the run, from any goroutine.
func (r *Run) Key(path ...string) Key {
	if r == nil || r.off {
		return Key{}
	}
	if err := checkPath(path); err != nil {
		return Key{&metricKey{owner: r, name: strings.Join(path, ".")}}
	}
	return Key{r.keys.of(r, runlog.NewKey(path...))}
}

// keyTable interns keys. It is guarded by Run.keyMu.
type keyTable struct {
	byKey map[runlog.Key]*metricKey
	above map[runlog.Key]bool // proper prefixes of known keys
}

// of returns the metricKey for key, making it if need be.
func (t *keyTable) of(r *Run, key runlog.Key) *metricKey {
	r.keyMu.RLock()
	k := t.byKey[key]
	r.keyMu.RUnlock()
	if k != nil {
		return k
	}
	k = &metricKey{owner: r, key: key, name: strings.Join(key.Path(), ".")}
	k.ref, k.lane = r.laneRef(k.name)
	r.keyMu.Lock()
	defer r.keyMu.Unlock()
	if known := t.byKey[key]; known != nil {
		return known
	}
	t.mark(k)
	if len(t.byKey) < maxKeys {
		t.byKey[key] = k
	}
	return k
}

// mark finds keys that cannot stand in one row with k: a value at a path
// replaces those above and below it.
func (t *keyTable) mark(k *metricKey) {
	path := k.key.Path()
	if t.above[k.key] {
		k.conflict = true
		for other, o := range t.byKey {
			if strings.HasPrefix(string(other), string(k.key)) {
				o.conflict = true
			}
		}
	}
	for n := 1; n < len(path); n++ {
		up := runlog.NewKey(path[:n]...)
		t.above[up] = true
		if o := t.byKey[up]; o != nil {
			k.conflict, o.conflict = true, true
		}
	}
}

// checkPath refuses keys that no reader could handle.
func checkPath(path []string) error {
	n := 0
	for _, part := range path {
		n += len(part) + 1
	}
	switch {
	case len(path) == 0:
		return keyError("", "it is empty")
	case n > MaxKeyBytes:
		return keyError(path[0], "it is longer than 4096 bytes")
	}
	for _, part := range path {
		if part == "" {
			return keyError(strings.Join(path, "."), "a part is empty")
		}
	}
	switch path[0] {
	case "_step", "_runtime", "_wandb":
		return keyError(path[0], "it is set by the run; use AtStep for steps")
	}
	return nil
}
