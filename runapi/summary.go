package runapi

import (
	"maps"
	"math"
	"slices"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// Summary is the summary of a run, or the part of it below a path.
type Summary struct {
	r    *Run
	path []string
}

// Summary returns the run's summary.
func (r *Run) Summary() Summary { return Summary{r: r} }

// Sub returns the part of the summary that is nested below path: its Set("acc",
// v) sets acc there. Nothing is stored by it, and keys need not exist.
func (s Summary) Sub(path ...string) Summary { return Summary{s.r, s.at(path...)} }

// Path returns where in the summary this part is; nil for the whole.
func (s Summary) Path() []string { return slices.Clone(s.path) }

// at is the path of something below s, in memory of its own.
func (s Summary) at(path ...string) []string { return slices.Concat(s.path, path) }

// Set stores the summary value of a key at once; a map is one value,
// and media in it are stored as Log stores them. It turns
// the aggregates that DefineMetric asked for off for that key, and a row that
// has the key replaces it, as with the official client today; see Pin. Errors
// are ErrKey, a *ValueError, ErrFinished or those of the run log.
func (s Summary) Set(key string, value any) error { return s.put(key, value, false) }

// Pin stores the summary value of a key as Set does, and it stays: no row and no
// aggregate replaces it, until Unset, Set or Delete. This is what the reference
// documents promise of a value that was set by hand ("log will no longer update
// it"); in the official client a row replaces it, so Set does here. A row with a
// key above or below a pinned one replaces it all the same, for an object and a
// value cannot stand in one place; a map is pinned value by value.
func (s Summary) Pin(key string, value any) error { return s.put(key, value, true) }

func (s Summary) put(key string, value any, pin bool) error {
	r := s.r
	if r == nil || r.off {
		return nil
	}
	path := s.at(key)
	if err := checkPath(path); err != nil {
		return err
	}
	it, err := r.summaryItem(path, value)
	if err != nil {
		return err
	}
	rec := &wandbpb.SummaryRecord{Pinned: pin}
	if err := addItem(rec, path, itemText(&it), pin); err != nil {
		return valueError(path, value, err)
	}
	return r.change(rec)
}

// addItem adds a value to rec. split adds nested objects value by value, unless
// they are media.
func addItem(rec *wandbpb.SummaryRecord, path []string, text []byte, split bool) error {
	if split && text[0] == '{' {
		tree, err := xjson.Decode(text)
		if err != nil {
			return err
		}
		if m := tree.(map[string]any); m["_type"] == nil {
			return addTree(rec, path, m)
		}
	}
	rec.Update = append(rec.Update, &wandbpb.SummaryItem{NestedKey: path, ValueJson: string(text)})
	return nil
}

func addTree(rec *wandbpb.SummaryRecord, path []string, tree map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		at := append(slices.Clone(path), name)
		if err := checkPath(at); err != nil {
			return err
		}
		text, err := xjson.AppendValue(nil, tree[name])
		if err == nil {
			err = addItem(rec, at, text, true)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// itemText is the JSON of an item.
func itemText(it *runlog.Item) []byte {
	switch it.Kind {
	case runlog.Float:
		return xjson.AppendFloat(nil, it.F)
	case runlog.Int:
		return xjson.AppendInt(nil, it.I)
	}
	return it.JSON
}

// Unset ends what Pin, SetMax and SetMin began for a key: the summary of it is
// again what rows and DefineMetric say, rows included that came meanwhile, or
// what Set said before; the key goes when there is no such thing.
func (s Summary) Unset(key string) error {
	r := s.r
	if r == nil || r.off {
		return nil
	}
	path := s.at(key)
	if err := checkPath(path); err != nil {
		return err
	}
	defer r.tellSummary()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return ErrFinished
	}
	if !r.state.Pinned(path...) {
		return nil
	}
	items := []*wandbpb.SummaryItem{{NestedKey: path}}
	if err := r.writeChange(&wandbpb.SummaryRecord{Unpin: items}); err != nil {
		return err
	}
	if err := r.writeSummary(); err != nil { // what stands there now
		return err
	}
	if _, ok := lookup(r.state.Summary(), path); ok {
		return nil
	}
	return r.writeChange(&wandbpb.SummaryRecord{Remove: items})
}

// SetMax pins value under key if it is greater than what was pinned there, or
// nothing was: the best of a loop stays in the summary while every step is
// logged. NaN is never greater. Nothing is stored when the value is not.
func (s Summary) SetMax(key string, value float64) error {
	return s.pinIf(key, value, func(was float64) bool { return value > was })
}

// SetMin is SetMax for the least value.
func (s Summary) SetMin(key string, value float64) error {
	return s.pinIf(key, value, func(was float64) bool { return value < was })
}

func (s Summary) pinIf(key string, value float64, better func(was float64) bool) error {
	r, path := s.r, s.at(key)
	if r == nil || r.off || math.IsNaN(value) {
		return nil
	}
	if err := checkPath(path); err != nil {
		return err
	}
	defer r.tellSummary()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return ErrFinished
	}
	if was, ok := r.state.PinnedNumber(path...); ok && !better(was) {
		return nil
	}
	it := &wandbpb.SummaryItem{NestedKey: path, ValueJson: string(xjson.AppendFloat(nil, value))}
	return r.writeChange(&wandbpb.SummaryRecord{Pinned: true, Update: []*wandbpb.SummaryItem{it}})
}

// Delete removes a key and what is nested below it, pinned or not; a row that
// has the key brings it back.
func (s Summary) Delete(path ...string) error {
	r := s.r
	if r == nil || r.off {
		return nil
	}
	path = s.at(path...)
	if err := checkPath(path); err != nil {
		return err
	}
	return r.change(&wandbpb.SummaryRecord{Remove: []*wandbpb.SummaryItem{{NestedKey: path}}})
}

// change stores a summary change.
func (r *Run) change(rec *wandbpb.SummaryRecord) error {
	defer r.tellSummary()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return ErrFinished
	}
	return r.writeChange(rec)
}

// writeChange stores a change behind the derived values that came before.
// Called with mu held.
func (r *Run) writeChange(rec *wandbpb.SummaryRecord) error {
	if err := r.writeSummary(); err != nil {
		return err
	}
	r.features.SetSummary = true
	r.noteSummary(rec)
	return r.write(&wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: rec}})
}

// Get returns the value at path as Config.Get does.
func (s Summary) Get(path ...string) (any, bool) {
	if s.r == nil || s.r.off {
		return nil, false
	}
	return lookup(s.whole(), s.at(path...))
}

// lookup follows path into tree; no path leads to the whole of it.
func lookup(tree any, path []string) (any, bool) {
	at := tree
	for _, part := range path {
		m, ok := at.(map[string]any)
		if !ok {
			return nil, false
		}
		if at, ok = m[part]; !ok {
			return nil, false
		}
	}
	return at, true
}

// All returns the summary as nested objects, made new on every call, with
// _step, _runtime, _timestamp and _wandb; of a Sub, what is nested below it.
func (s Summary) All() map[string]any {
	if s.r == nil || s.r.off {
		return map[string]any{}
	}
	at, _ := lookup(s.whole(), s.path)
	m, ok := at.(map[string]any)
	if !ok {
		m = map[string]any{}
	}
	return m
}

func (s Summary) whole() map[string]any {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	return s.r.state.Summary()
}

// writeSummary stores what rows changed since the last time. Called with mu
// held.
func (r *Run) writeSummary() error {
	rec := r.state.TakeSummary()
	if rec == nil {
		return nil
	}
	r.noteSummary(rec)
	return r.log.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: rec}})
}

// SetTensor stores a tensor under key as Set does: statistics and a histogram in
// the summary, and all its numbers in a .npy file of the run. Errors are those
// of Set, and of writing the file.
func (s Summary) SetTensor(key string, t *media.Tensor) error {
	if t == nil {
		return s.Set(key, t)
	}
	saved := *t
	saved.Save = true
	return s.Set(key, &saved)
}
