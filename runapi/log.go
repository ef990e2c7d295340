package runapi

import (
	"fmt"
	"math"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// LogOption changes to which step a row goes and when it is stored.
type LogOption struct {
	kind optionKind
	step int64
}

type optionKind uint8

const (
	optAtStep optionKind = iota + 1
	optNoCommit
	optCommit
)

// AtStep adds the row to step n, at least 0. The step stays open for more
// until a later one begins, or Commit.
func AtStep(n int64) LogOption { return LogOption{optAtStep, n} }

// NoCommit adds the row to its step and leaves the step open.
func NoCommit() LogOption { return LogOption{kind: optNoCommit} }

// Commit stores the step at once; it is the default without AtStep. Of Commit
// and NoCommit the last one counts.
func Commit() LogOption { return LogOption{kind: optCommit} }

// Log adds values to the history of the run by the rules of the package
// comment. When it returns nil they are in the kernel, or counted in
// Counters.Pending. Errors are ErrFinished, ErrStepBack, ErrKey,
// ErrRowTooLarge, a *ValueError, or those of the run log; after each of them
// nothing of values was stored. Log keeps nothing of values.
func (r *Run) Log(values map[string]any, opts ...LogOption) error {
	if r == nil || r.off {
		return nil
	}
	r.logWatched(opts)
	return r.logValues(values, opts)
}

// logValues is Log without the watchers, which use it.
func (r *Run) logValues(values map[string]any, opts []LogOption) error {
	now := r.clock.Now()
	v, err := r.encode(values, opts)
	if err == nil {
		err = r.lockedRow(&v, now, opts)
	}
	if err != nil {
		r.refused.Add(1)
	}
	v.media.end()
	return err
}

func (r *Run) lockedRow(v *values, now int64, opts []LogOption) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.addRow(v, now, opts)
}

// target is what options ask for.
type target struct {
	step   int64
	atStep bool
	commit bool
	late   bool  // Settings.KeepLate moved the row here
	asked  int64 // from there
}

func readOptions(opts []LogOption) target {
	t := target{commit: true}
	said := false
	for _, o := range opts {
		switch o.kind {
		case optAtStep:
			t.step, t.atStep = o.step, true
			if !said {
				t.commit = false
			}
		case optCommit, optNoCommit:
			t.commit, said = o.kind == optCommit, true
		}
	}
	return t
}

// maxStep is the largest step that every reader of JSON takes exactly.
const maxStep = 1 << 53

// addRow applies the step rules. Called with mu held.
func (r *Run) addRow(v *values, now int64, opts []LogOption) error {
	if r.finished {
		return ErrFinished
	}
	t, err := r.targetOf(opts)
	if err != nil {
		return err
	}
	if t.late {
		v.add(r.keys.of(r, runlog.NewKey(lateKey)), runlog.Item{Kind: runlog.Int, I: t.asked})
		err := r.place(v, now, t)
		if err == nil {
			r.moved.Add(1)
		}
		return err
	}
	return r.place(v, now, t)
}

// place puts a row where t says.
func (r *Run) place(v *values, now int64, t target) error {
	r.dedupe(v)
	if v.bytes+r.pendingBytes(t.step) > MaxRowBytes {
		return fmt.Errorf("log %d bytes at step %d: %w: the limit is %d", v.bytes, r.base+t.step, ErrRowTooLarge, MaxRowBytes)
	}
	if v.media != nil {
		if err := r.attach(v.media); err != nil {
			return err
		}
	}
	if t.step > r.step {
		if err := r.flushOpen(); err != nil {
			return err
		}
		r.step = t.step
	}
	if r.meter != nil {
		r.meter.Mark(now)
	}
	switch {
	case t.commit && !r.isOpen:
		return r.store(v, now)
	case t.commit:
		r.merge(v, now)
		return r.flushOpen()
	}
	return r.addPart(v, now)
}

// targetOf is where options put a row, in steps of this log. Called with mu
// held.
func (r *Run) targetOf(opts []LogOption) (target, error) {
	t := target{step: r.step, commit: true}
	if len(opts) > 0 {
		t = readOptions(opts)
		t.step -= r.base
		if !t.atStep {
			t.step = r.step
		}
	}
	if t.step < r.step && r.set.KeepLate && r.base+t.step >= 0 {
		return r.moveLate(t), nil
	}
	if t.step < r.step {
		return t, fmt.Errorf("log step %d of a run at step %d: %w", r.base+t.step, r.base+r.step, ErrStepBack)
	}
	if r.base+t.step > maxStep {
		return t, fmt.Errorf("log step %d: %w: the limit is %d", r.base+t.step, ErrKey, int64(maxStep))
	}
	return t, nil
}

// lateKey is what a row that came late says its step was.
const lateKey = "_late_step"

// moveLate gives a row that is too late the next free step, behind the open one.
func (r *Run) moveLate(t target) target {
	t.late, t.asked, t.step, t.commit = true, r.base+t.step, r.step, true
	if r.isOpen {
		t.step++
	}
	return t
}

func (r *Run) pendingBytes(step int64) int {
	if r.isOpen && step == r.step {
		return r.open.bytes
	}
	return 0
}

// dedupe lets the later of two values for one key stand, and of a key and one
// nested below it.
func (r *Run) dedupe(v *values) {
	r.serial++
	n := 0
	for i, k := range v.keys {
		if k.serial == r.serial && k.pos < n && v.keys[k.pos] == k {
			v.items[k.pos] = v.items[i]
			continue
		}
		if k.conflict {
			n = dropRelated(v, n, k)
		}
		k.serial, k.pos = r.serial, n
		v.items[n], v.keys[n] = v.items[i], k
		n++
	}
	v.items, v.keys = v.items[:n], v.keys[:n]
}

// dropRelated removes keys above or below k from the first n cells of v.
func dropRelated(v *values, n int, k *metricKey) int {
	kept := 0
	for i := range n {
		o := v.keys[i]
		if o != k && (hasPrefix(o.key, k.key) || hasPrefix(k.key, o.key)) {
			continue
		}
		v.items[kept], v.keys[kept] = v.items[i], o
		o.pos = kept
		kept++
	}
	return kept
}

func hasPrefix(key, prefix runlog.Key) bool {
	return len(key) > len(prefix) && key[:len(prefix)] == prefix
}

// store appends v as the row of the current step and goes to the next one.
func (r *Run) store(v *values, now int64) error {
	row := &r.row
	r.fillRow(v, now)
	if r.meter != nil {
		row.Items = r.meter.Append(row.Items)
	}
	for _, m := range r.state.Row(row) {
		if err := r.log.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Metric{Metric: m}}); err != nil {
			return err
		}
	}
	if err := r.log.Row(row); err != nil {
		return err
	}
	r.rows.Add(1)
	r.step++
	r.toLane(v, r.base+row.Step, now)
	v.items = row.Items[:len(v.keys)] // a row that grew keeps its memory
	if r.set.MaxLogBytes > 0 {
		r.boundLog()
	}
	return nil
}

// fillRow makes r.row the row of v at the current step.
func (r *Run) fillRow(v *values, now int64) {
	row := &r.row
	row.Step, row.Items = r.step, v.items
	row.Runtime = float64(now-r.start)/1e9 + r.before
	row.Timestamp = float64(r.clock.UnixNano(now)) / 1e9
	if !math.IsNaN(v.stamp) {
		row.Timestamp = v.stamp
	}
}
