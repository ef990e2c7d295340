package runapi

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// DefaultWatchEvery is how many steps lie between two histograms of a Watcher.
const DefaultWatchEvery = 1000

// WatchKind says what values are, and begins the key of their histograms.
type WatchKind string

// Kinds of watched values.
const (
	Gradients  WatchKind = "gradients"
	Parameters WatchKind = "parameters"
)

// WatchOptions say how values are watched. The zero value logs a histogram of
// gradients in 64 bins with every thousandth step.
type WatchOptions struct {
	Kind  WatchKind // default Gradients
	Every int       // steps; default DefaultWatchEvery
	Bins  int       // of the histograms; default media.DefaultBins
}

// errWatch is what is wrong with a call of Watch.
var errWatch = errors.New("values cannot be watched")

// Watcher logs histograms of values until Stop. Methods of a nil Watcher do
// nothing.
type Watcher struct {
	run   *Run
	key   string
	every int
	fill  func() (*media.Histogram, error) // asks the program for the values

	busy  atomic.Bool // fill is being called
	steps int         // since the last histogram; run.valueWatch.mu guards it
	err   error       // likewise
}

// valueWatchers are those of a run.
type valueWatchers struct {
	n    atomic.Int32 // how many there are: Log looks at this first
	mu   sync.Mutex   // guards list, and the counts of its elements
	list []*Watcher
}

// Watch logs a histogram of what values returns, under the key gradients/<name> or
// parameters/<name>, with every o.Every-th step that Log or LogRow stores:
//
//	w, err := runapi.Watch(run, "layer1.weight", func() []float32 { return layer1.Grad }, runapi.WatchOptions{Every: 100})
//
// Values is called by that Log, in the goroutine of its caller, before anything of
// the row is stored and with no lock held; never twice at a time, and not from a Log
// that it calls itself. What it returns is read until Log goes on and then left
// alone. A panic in it is one of the caller's own: it goes through Log, the row is
// not stored, and the watcher is asked again next time. Without values there is no
// histogram; NaN and the infinities are left out of it.
//
// A name that is watched already with the same kind is ErrKey. On a nil or disabled run
// values is never called.
func Watch[N media.Number](r *Run, name string, values func() []N, o WatchOptions) (*Watcher, error) {
	if r == nil || r.off {
		return nil, nil
	}
	if values == nil {
		return nil, fmt.Errorf("watch %s: %w: there is no function", name, errWatch)
	}
	h := new(media.Histogram)
	return r.addWatcher(name, o, func() (*media.Histogram, error) {
		list := values()
		if len(list) == 0 {
			return nil, nil
		}
		return h, media.Fill(h, list, o.Bins)
	})
}

func (r *Run) addWatcher(name string, o WatchOptions, fill func() (*media.Histogram, error)) (*Watcher, error) {
	if o.Kind == "" {
		o.Kind = Gradients
	}
	if o.Every == 0 {
		o.Every = DefaultWatchEvery
	}
	switch {
	case o.Kind != Gradients && o.Kind != Parameters:
		return nil, fmt.Errorf("watch %s: %w: kind %q, want gradients or parameters", name, errWatch, o.Kind)
	case o.Every < 0:
		return nil, fmt.Errorf("watch %s: %w: every %d steps", name, errWatch, o.Every)
	case o.Bins < 0 || o.Bins > media.MaxBins:
		return nil, fmt.Errorf("watch %s: %w: %d bins, want 1 to %d", name, errWatch, o.Bins, media.MaxBins)
	case name == "":
		return nil, keyError(name, "a name is needed")
	}
	w := &Watcher{run: r, key: string(o.Kind) + "/" + name, every: o.Every, fill: fill}
	r.valueWatch.mu.Lock()
	defer r.valueWatch.mu.Unlock()
	if slices.ContainsFunc(r.valueWatch.list, func(other *Watcher) bool { return other.key == w.key }) {
		return nil, keyError(w.key, "it is watched already")
	}
	r.valueWatch.list = append(r.valueWatch.list, w)
	r.valueWatch.n.Store(int32(len(r.valueWatch.list)))
	return w, nil
}

// Stop ends the watcher: when it returns, the function is not called any more,
// except by a Log that is under way.
func (w *Watcher) Stop() {
	if w == nil {
		return
	}
	l := &w.run.valueWatch
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = slices.DeleteFunc(l.list, func(other *Watcher) bool { return other == w })
	l.n.Store(int32(len(l.list)))
}

// Err returns why the last histogram was not logged; nil when it was.
func (w *Watcher) Err() error {
	if w == nil {
		return nil
	}
	w.run.valueWatch.mu.Lock()
	defer w.run.valueWatch.mu.Unlock()
	return w.err
}

// logWatched adds the histograms that are due to the step that a call of Log with
// opts adds to, if that call stores a step.
func (r *Run) logWatched(opts []LogOption) {
	if r.valueWatch.n.Load() == 0 {
		return
	}
	step, stores := r.storesStep(opts)
	if !stores {
		return
	}
	for _, w := range r.valueWatch.due() {
		w.log(step)
	}
}

// storesStep says to which step a call of Log adds, and whether it stores a step:
// its own, or an open one that it leaves.
func (r *Run) storesStep(opts []LogOption) (step int64, stores bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, err := r.targetOf(opts)
	return r.base + t.step, err == nil && !r.finished && (t.commit || r.isOpen && t.step > r.step)
}

// due counts a step and returns those whose turn it is.
func (l *valueWatchers) due() (list []*Watcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.list {
		if w.steps++; w.steps >= w.every {
			list = append(list, w)
		}
	}
	return list
}

// log asks the program for the values and adds their histogram to a step that
// stays open.
func (w *Watcher) log(step int64) {
	if !w.busy.CompareAndSwap(false, true) {
		return // another Log, or the function's own, is at it
	}
	defer w.busy.Store(false)
	h, err := w.fill()
	if err == nil && h != nil {
		err = w.run.logValues(map[string]any{w.key: h}, []LogOption{AtStep(step), NoCommit()})
		if errors.Is(err, ErrStepBack) { // another goroutine has stored the step
			err = w.run.logValues(map[string]any{w.key: h}, []LogOption{NoCommit()})
		}
	}
	w.run.valueWatch.mu.Lock()
	defer w.run.valueWatch.mu.Unlock()
	w.steps, w.err = 0, err
}
