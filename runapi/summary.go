package runapi

import (
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// Summary is the summary of a run.
type Summary struct{ r *Run }

// Summary returns the run's summary.
func (r *Run) Summary() Summary { return Summary{r} }

// Set stores the summary value of a key at once; a map is one value,
// and media in it are stored as Log stores them. It turns
// the aggregates that DefineMetric asked for off for that key, and a row that
// has the key replaces it. Errors are ErrKey, a *ValueError, ErrFinished or
// those of the run log.
func (s Summary) Set(key string, value any) error {
	r := s.r
	if r == nil || r.off {
		return nil
	}
	if err := checkPath([]string{key}); err != nil {
		return err
	}
	it, err := r.summaryItem(key, value)
	if err != nil {
		return err
	}
	text := it.JSON
	switch it.Kind {
	case runlog.Float:
		text = xjson.AppendFloat(nil, it.F)
	case runlog.Int:
		text = xjson.AppendInt(nil, it.I)
	}
	return r.change(&wandbpb.SummaryRecord{Update: []*wandbpb.SummaryItem{{Key: key, ValueJson: string(text)}}})
}

// Delete removes a key and what is nested below it.
func (s Summary) Delete(path ...string) error {
	r := s.r
	if r == nil || r.off {
		return nil
	}
	if err := checkPath(path); err != nil {
		return err
	}
	return r.change(&wandbpb.SummaryRecord{Remove: []*wandbpb.SummaryItem{{NestedKey: path}}})
}

// change stores a summary change, behind the derived values that came before.
func (r *Run) change(rec *wandbpb.SummaryRecord) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return ErrFinished
	}
	if err := r.writeSummary(); err != nil {
		return err
	}
	r.features.SetSummary = true
	return r.write(&wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: rec}})
}

// Get returns the value at path as Config.Get does.
func (s Summary) Get(path ...string) (any, bool) {
	if s.r == nil || s.r.off {
		return nil, false
	}
	return lookup(s.All(), path)
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

// All returns the whole summary as nested objects, made new on every call,
// with _step, _runtime, _timestamp and _wandb.
func (s Summary) All() map[string]any {
	if s.r == nil || s.r.off {
		return map[string]any{}
	}
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
	return r.log.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: rec}})
}
