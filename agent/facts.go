package agent

import (
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// facts keeps what each Prober said last, so that a source which probes again
// or goes away takes back what it said before.
type facts struct {
	version atomic.Uint64 // grows with every change
	mu      sync.Mutex    // guards said
	said    []statement   // in order of SourceID
}

type statement struct {
	source sample.SourceID
	run    sample.RunID
	facts  *sample.Facts // never changed once here
}

// set replaces what the source said.
func (f *facts) set(id sample.SourceID, run sample.RunID, said *sample.Facts) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dropLocked(id)
	at := 0
	for at < len(f.said) && f.said[at].source < id {
		at++
	}
	f.said = append(f.said[:at:at], append([]statement{{id, run, said}}, f.said[at:]...)...)
	f.version.Add(1)
}

func (f *facts) drop(id sample.SourceID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dropLocked(id)
}

func (f *facts) dropLocked(id sample.SourceID) {
	for i := range f.said {
		if f.said[i].source == id {
			f.said = append(f.said[:i:i], f.said[i+1:]...)
			f.version.Add(1)
			return
		}
	}
}

// of returns the facts of the host and of the runs wanted. Of two sources that
// know the same thing, the later one counts; maps are joined.
func (f *facts) of(wanted func(sample.RunID) bool) *sample.Facts {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := new(sample.Facts)
	for _, s := range f.said {
		if s.run == "" || wanted(s.run) {
			merge(reflect.ValueOf(all).Elem(), reflect.ValueOf(s.facts.Clone()).Elem())
		}
	}
	return all
}

// merge copies the fields of from that are known.
func merge(to, from reflect.Value) {
	for i := range from.NumField() {
		field := from.Field(i)
		switch {
		case field.IsZero():
		case field.Kind() == reflect.Map && !to.Field(i).IsNil():
			for _, key := range field.MapKeys() {
				to.Field(i).SetMapIndex(key, field.MapIndex(key))
			}
		default:
			to.Field(i).Set(field)
		}
	}
}
