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
func (f *folding) number(w *Writer, open []*openStep) error {
	w.mu.Lock()
	have := map[string]bool{}
	for name := range w.rowsOf {
		have[name] = true
	}
	f.rows = rowRule{next: w.step + 1}
	w.mu.Unlock()
	for _, row := range open {
		have[row.part] = true
	}
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

// labelOf is the label of a part's writer; "" for the log's own.
func (f *folding) labelOf(part string) string {
	for _, s := range f.parts {
		if s.name == part {
			return s.label
		}
	}
	return part
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

// finished notes which of the open steps a row of a part finishes. Another
// writer's row may have the same step.
func finished(done map[*openStep]bool, open []*openStep, part string, h *wandbpb.HistoryRecord) {
	if len(open) == 0 {
		return
	}
	step := ownStep(h)
	for _, row := range open {
		if row.Step == step && row.part == part {
			done[row] = true
		}
	}
}
