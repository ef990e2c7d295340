package runlog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// noteRow remembers whose rows the log has. Called with mu held, or before
// anybody else knows the log.
func (p *progress) noteRow(rec *wandbpb.Record) {
	h := rec.GetHistory()
	if h == nil {
		return
	}
	part, _, ok := origin(rec)
	if !ok {
		part = ""
	}
	p.step, p.rowsOf[part] = max(p.step, stepOf(h)), true
}

// number finds how the rows of the parts are to be numbered: as they are while
// one writer alone has rows, else behind those that the log has, as [Join] does.
func (f *folding) number(w *Writer) error {
	w.mu.Lock()
	have := map[string]bool{}
	for name := range w.rowsOf {
		have[name] = true
	}
	f.rows = rowRule{next: w.step + 1}
	w.mu.Unlock()
	labels := map[string]bool{}
	for _, s := range f.parts {
		label, rows, err := peekPart(s.file.Name())
		if err != nil {
			return fmt.Errorf("fold part of run: %w", err)
		}
		if rows {
			have[s.name] = true
		}
		if s.label = label; label == "" || labels[label] {
			s.label = s.name
		}
		labels[s.label] = true
	}
	f.rows.several = len(have) > 1
	return nil
}

// peekPart reads a part until it knows its writer's label and whether it has
// rows.
func peekPart(path string) (label string, rows bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	for r := NewReader(f); ; {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, ErrFormat) {
			return label, false, nil
		}
		if err != nil {
			return label, false, err
		}
		if w := rec.GetRun().GetWriter(); w != nil && label == "" {
			label = w.GetLabel()
		}
		if rec.GetHistory() != nil {
			return label, true, nil
		}
	}
}

// dropStep takes a writer's own step out of what it has worked out.
func dropStep(sum *wandbpb.SummaryRecord) {
	sum.Update = slices.DeleteFunc(sum.Update, func(it *wandbpb.SummaryItem) bool {
		return NewKey(itemPath(it)...) == stepKey
	})
}

// ownStep is the step that a row had in its writer's own log.
func ownStep(h *wandbpb.HistoryRecord) int64 {
	if it := itemNamed(h, writerStepKey); it != nil {
		if own := itemOf(it); own.Kind == Int {
			return own.I
		}
	}
	return stepOf(h)
}

// holds says whether a row has every value of a step that was open: it is the
// same step, finished. Another writer's row may have its number.
func holds(h *wandbpb.HistoryRecord, open *Row) bool {
	have := map[Key]Item{}
	for _, item := range h.GetItem() {
		it := itemOf(item)
		have[it.Key] = it
	}
	for _, want := range open.Items {
		it, ok := have[want.Key]
		if !ok || string(appendItem(nil, &it)) != string(appendItem(nil, &want)) {
			return false
		}
	}
	return true
}

// finished notes which of the open steps a row finishes.
func finished(done map[int64]bool, open []*Row, h *wandbpb.HistoryRecord) {
	if len(open) == 0 {
		return
	}
	step := ownStep(h)
	for _, row := range open {
		if row.Step == step && holds(h, row) {
			done[step] = true
		}
	}
}
