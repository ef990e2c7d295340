package runapi

import (
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// watchers are told of summary changes, one call at a time and in order.
type watchers struct {
	list    map[int]func(path []string, value any)
	next    int
	news    []*wandbpb.SummaryRecord // that nobody was told of
	telling bool                     // somebody is at it
	told    map[string]string        // by path, the JSON that was told last; used by who is telling
}

// OnChange has fn called for every value of the whole summary that changes: at
// once, before the method returns, for what Set, Pin, Unset, Delete and their
// like change, and once a second with the newest value for what rows change.
// value is nil for what was removed. Calls come one at a time, from any
// goroutine; fn may use the run, whose news then come after it has returned, but not
// finish it. fn holds up who changes the summary, so it should be quick. stop ends the calls,
// but for one that is under way.
func (s Summary) OnChange(fn func(path []string, value any)) (stop func()) {
	r := s.r
	if r == nil || r.off || fn == nil {
		return func() {}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	w := &r.watchers
	if w.list == nil {
		w.list = map[int]func([]string, any){}
	}
	id := w.next
	w.next++
	w.list[id] = fn
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(w.list, id)
	}
}

// noteSummary keeps a change until tellSummary. Called with mu held.
func (r *Run) noteSummary(rec *wandbpb.SummaryRecord) {
	if len(r.watchers.list) > 0 {
		r.watchers.news = append(r.watchers.news, rec)
	}
}

// tellSummary calls the functions of OnChange with what is new. Called without
// mu; somebody who is telling already tells this too.
func (r *Run) tellSummary() {
	r.mu.Lock()
	w := &r.watchers
	if w.telling {
		r.mu.Unlock()
		return
	}
	for w.telling = true; len(w.news) > 0; {
		rec := w.news[0]
		w.news = w.news[1:]
		var fns []func([]string, any)
		for id := range w.next {
			if fn := w.list[id]; fn != nil {
				fns = append(fns, fn)
			}
		}
		r.mu.Unlock()
		w.tell(rec, fns)
		r.mu.Lock()
	}
	w.telling = false
	r.mu.Unlock()
}

// tell shows each value of a record that is another than before to fns.
func (w *watchers) tell(rec *wandbpb.SummaryRecord, fns []func([]string, any)) {
	show := func(item *wandbpb.SummaryItem, text string, value any) {
		key := string(runlog.NewKey(item.GetNestedKey()...))
		if was, ok := w.told[key]; ok && was == text {
			return
		}
		if w.told == nil {
			w.told = map[string]string{}
		}
		w.told[key] = text
		for _, fn := range fns {
			fn(append([]string(nil), item.GetNestedKey()...), clone(value))
		}
	}
	for _, item := range rec.GetUpdate() {
		if v, err := xjson.Decode([]byte(item.GetValueJson())); err == nil {
			show(item, item.GetValueJson(), v)
		}
	}
	for _, item := range rec.GetRemove() {
		show(item, "", nil)
	}
}
