package runapi

import (
	"fmt"
	"slices"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// addPart keeps values of a step that stays open: in the side file first, so
// that they survive a crash, then in memory. Called with mu held.
func (r *Run) addPart(v *values, now int64) error {
	parts := r.parts.Load()
	if parts == nil {
		path := r.dir.OpenStepsPath()
		if r.set.inside { // several programs may be inside one run
			path = r.openPath
		}
		var err error
		if parts, err = runlog.CreateOpenSteps(path, r.logOptions()); err != nil {
			return fmt.Errorf("keep open step: %w", err)
		}
		r.parts.Store(parts)
	}
	r.fillRow(v, now)
	if err := parts.Append(&r.row); err != nil {
		return fmt.Errorf("keep open step %d: %w", r.step, err)
	}
	r.merge(v, now)
	return nil
}

// merge adds values to the open step in memory. JSON text is copied: the
// caller's may be reused.
func (r *Run) merge(v *values, now int64) {
	if !r.isOpen {
		r.open.reset()
		r.isOpen = true
	}
	for i := range v.items {
		it := v.items[i]
		it.JSON = slices.Clone(it.JSON)
		r.open.add(v.keys[i], it)
	}
	if v.stamp == v.stamp {
		r.open.stamp = v.stamp
	}
	r.openAt = now
	r.dedupe(&r.open)
}

// flushOpen stores the open step, if there is one, and goes to the next. The
// row carries the time of the last call that added to it.
func (r *Run) flushOpen() error {
	if !r.isOpen {
		return nil
	}
	if err := r.store(&r.open, r.openAt); err != nil {
		return err
	}
	r.isOpen = false
	if parts := r.parts.Load(); parts != nil {
		parts.Reset(r.log)
	}
	return nil
}
