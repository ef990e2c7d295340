package upload

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// summaries collects summary records. The official client writes one for each
// row, and only the last value of each key counts: it is put into the state
// when somebody wants to see it.
type summaries struct {
	waiting map[string]*summaryValue // by runlog.Key
	clock   int64
	key     []byte
}

type summaryValue struct {
	text    []byte
	at      int64 // order of the updates
	derived bool  // all of them were: one that was set ends a pin
}

// add takes a record that only sets values; false for one that has to be
// applied as it is, after flush.
func (s *summaries) add(body []byte) bool {
	const update, remove, derivedField, pinned, unpin = 1, 2, 1000, 1001, 1002
	derived, plain := false, true
	for b := body; len(b) > 0; {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return false
		}
		if num == derivedField && typ == protowire.VarintType {
			v, _ := protowire.ConsumeVarint(b[n:])
			derived = v != 0
		}
		plain = plain && num != remove && num != pinned && num != unpin
		m := protowire.ConsumeFieldValue(num, typ, b[n:])
		if m < 0 {
			return false
		}
		b = b[n+m:]
	}
	if !plain {
		return false
	}
	return eachField(body, func(num protowire.Number, v []byte) {
		if num == update {
			s.item(v, derived)
		}
	})
}

func (s *summaries) item(body []byte, derived bool) {
	var flat, text []byte
	s.key = s.key[:0]
	eachField(body, func(num protowire.Number, v []byte) {
		switch num {
		case itemKey:
			flat = v
		case itemNestedKey:
			s.part(v)
		case itemValue:
			text = v
		}
	})
	if len(s.key) == 0 {
		s.part(flat)
	}
	v := s.waiting[string(s.key)]
	if v == nil {
		if s.waiting == nil {
			s.waiting = map[string]*summaryValue{}
		}
		v = &summaryValue{derived: true}
		s.waiting[string(s.key)] = v
	}
	s.clock++
	v.text, v.at, v.derived = append(v.text[:0], text...), s.clock, v.derived && derived
}

// part appends one part of a path, as runlog.NewKey does.
func (s *summaries) part(name []byte) {
	s.key = protowire.AppendTag(s.key, itemNestedKey, protowire.BytesType)
	s.key = protowire.AppendBytes(s.key, name)
}

// flush gives the records that come to the same, in the order of their last
// updates: a value removes what is above and below its path.
func (s *summaries) flush() []*wandbpb.SummaryRecord {
	keys := make([]string, 0, len(s.waiting))
	for key := range s.waiting {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int { return int(s.waiting[a].at - s.waiting[b].at) })
	var recs []*wandbpb.SummaryRecord
	for _, key := range keys {
		v := s.waiting[key]
		if n := len(recs); n == 0 || recs[n-1].GetDerived() != v.derived {
			recs = append(recs, &wandbpb.SummaryRecord{Derived: v.derived})
		}
		rec := recs[len(recs)-1]
		rec.Update = append(rec.Update, &wandbpb.SummaryItem{NestedKey: runlog.Key(key).Path(), ValueJson: string(v.text)})
	}
	clear(s.waiting)
	return recs
}

// settleSummary puts what was collected into the state.
func (f *feed) settleSummary() {
	for _, rec := range f.summaries.flush() {
		f.rows.shiftSummary(rec)
		_ = f.state.Apply(&wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: rec}}) // a summary cannot fail
	}
}

// summary is the whole summary. Where the step rule moved rows its step is that
// of the last one.
func (f *feed) summary() map[string]any {
	f.settleSummary()
	tree := f.state.Summary()
	if f.rows.shared { // the server gives the steps
		delete(tree, "_step")
	}
	if step, ok := tree["_step"].(int64); ok && f.rows.moved > 0 && step < f.rows.lastStep {
		tree["_step"] = f.rows.lastStep
	}
	return tree
}

// shiftSummary makes the step and the times of a summary record those of the
// run at the server, whose earlier sessions the log does not know.
func (m *rowMaker) shiftSummary(rec *wandbpb.SummaryRecord) {
	if m.shift == 0 && m.earlier == 0 {
		return
	}
	for _, item := range rec.GetUpdate() {
		path := item.GetNestedKey()
		if len(path) == 0 {
			path = []string{item.GetKey()}
		}
		v, err := strconv.ParseFloat(item.GetValueJson(), 64)
		switch {
		case err != nil:
		case slices.Equal(path, []string{"_step"}):
			item.ValueJson = strconv.FormatInt(int64(v)+m.shift, 10)
		case slices.Equal(path, []string{"_runtime"}), slices.Equal(path, []string{"_wandb", "runtime"}):
			item.ValueJson = string(xjson.AppendFloat(nil, v+m.earlier))
		}
	}
}
