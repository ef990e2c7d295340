package runlog

import (
	"strconv"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// Keys that rows of several writers have.
const (
	writerKey     = "_writer"
	writerStepKey = "_writer_step"
)

// rowRule numbers the rows of a joined log.
type rowRule struct {
	several bool   // more than one writer has rows
	keep    bool   // the row was sent: it stays as it is
	next    int64  // step of the next row
	label   string // of the writer of rows that do not say it
	shift   float64
}

func newRowRule(j *join) rowRule {
	r := rowRule{label: j.main.label, shift: j.main.shift}
	with := 0
	for _, w := range j.writers {
		if w.GetRows() > 0 {
			with++
		}
	}
	for _, w := range j.main.joined() { // rows without a label are then of one writer
		if w.GetRows() > 0 {
			r.label = w.GetLabel()
			break
		}
	}
	r.several = with > 1
	return r
}

// own numbers a row of the main log.
func (r *rowRule) own(h *wandbpb.HistoryRecord) {
	if r.keep {
		r.next = max(r.next, stepOf(h)+1)
		return
	}
	r.set(h, r.label, r.shift)
}

// other numbers a row of another log.
func (r *rowRule) other(m *member, h *wandbpb.HistoryRecord) { r.set(h, m.label, m.shift) }

func (r *rowRule) set(h *wandbpb.HistoryRecord, label string, shift float64) {
	if shift > 0 {
		addRuntime(h, shift)
	}
	if !r.several {
		r.next = max(r.next, stepOf(h)+1)
		return
	}
	if itemNamed(h, writerStepKey) == nil {
		h.Item = append(h.Item, &wandbpb.HistoryItem{NestedKey: []string{writerStepKey}, ValueJson: strconv.FormatInt(stepOf(h), 10)})
	}
	if itemNamed(h, writerKey) == nil {
		h.Item = append(h.Item, &wandbpb.HistoryItem{NestedKey: []string{writerKey}, ValueJson: string(xjson.AppendString(nil, label))})
	}
	step := itemNamed(h, "_step")
	if step == nil {
		step = &wandbpb.HistoryItem{NestedKey: []string{"_step"}}
		h.Item = append(h.Item, step)
	}
	step.ValueJson = strconv.FormatInt(r.next, 10)
	h.Step = &wandbpb.HistoryStep{Num: r.next}
	r.next++
}

// setOpen numbers a step that was never finished, and returns what its row says
// of its writer.
func (r *rowRule) setOpen(row *Row, label string) []Item {
	if !r.several && row.Step >= r.next {
		r.next = row.Step + 1
		return nil
	}
	own := []Item{{Key: writerStepRowKey, Kind: Int, I: row.Step}}
	if label != "" { // the log's own rows have none
		own = append(own, Item{Key: writerRowKey, Kind: JSON, JSON: xjson.AppendString(nil, label)})
	}
	row.Step = r.next
	r.next++
	return own
}

// addRuntime moves a row to the clock of the run.
func addRuntime(h *wandbpb.HistoryRecord, shift float64) {
	it := itemNamed(h, "_runtime")
	if it == nil {
		return
	}
	if v, err := strconv.ParseFloat(it.GetValueJson(), 64); err == nil {
		it.ValueJson = string(xjson.AppendFloat(nil, v+shift))
	}
}

// itemNamed finds a value by its flat name; the newest counts.
func itemNamed(h *wandbpb.HistoryRecord, name string) *wandbpb.HistoryItem {
	items := h.GetItem()
	for i := len(items) - 1; i >= 0; i-- {
		it := items[i]
		if n := it.GetNestedKey(); len(n) == 1 && n[0] == name || len(n) == 0 && it.GetKey() == name {
			return it
		}
	}
	return nil
}

func hasLabel(key string) bool { return strings.Contains(key, "/l:") }
