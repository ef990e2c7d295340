package runlog

import (
	"math"
	"strconv"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// note remembers which of the others has logged a key last.
func (j *join) note(m *member, h *wandbpb.HistoryRecord) {
	if len(j.others) < 2 {
		return
	}
	for _, item := range h.GetItem() {
		key := NewKey(itemPath(item)...)
		if j.newest[key] != m {
			j.newest[key] = m
		}
	}
}

// summary gives every value of the joined run: the main writer's, and of the
// keys that it lacks the one of the writer that logged it last; nil if there
// is none.
func (j *join) summary() *wandbpb.SummaryRecord {
	var all summary
	for i := len(j.others) - 1; i >= 0; i-- { // the first one wins where none has logged it
		j.others[i].summarise(&all, func(key Key, m *member) bool {
			last := j.newest[key]
			return last == nil || last == m
		})
	}
	j.main.summarise(&all, func(Key, *member) bool { return true })
	j.times(&all)
	return all.take()
}

// summarise puts the writer's values into all.
func (m *member) summarise(all *summary, want func(Key, *member) bool) {
	for key, l := range m.state.summary.leaves {
		if text := l.appendValue(nil); len(text) > 0 && want(key, m) {
			to := all.leaf(key)
			to.fixed = string(text)
			all.touch(to)
		}
	}
}

// times sets what the newest row of any writer says.
func (j *join) times(all *summary) {
	set := func(key Key, text string) {
		l := all.leaf(key)
		l.fixed = text
		all.touch(l)
	}
	if j.rows.next > 0 {
		set(stepKey, strconv.FormatInt(j.rows.next-1, 10))
	}
	runtime, stamp := math.Inf(-1), math.Inf(-1)
	for _, m := range append([]*member{j.main}, j.others...) {
		if m.state.Rows > 0 {
			runtime = max(runtime, m.state.LastRuntime+m.shift)
		}
		if l := m.state.summary.leaves[timestampKey]; l != nil {
			stamp = max(stamp, l.latest())
		}
	}
	if !math.IsInf(runtime, -1) {
		set(runtimeKey, string(xjson.AppendFloat(nil, runtime)))
		set(wandbRuntimeKey, strconv.FormatInt(runtimeSeconds(runtime), 10))
	}
	if !math.IsInf(stamp, -1) {
		set(timestampKey, string(xjson.AppendFloat(nil, stamp)))
	}
}
