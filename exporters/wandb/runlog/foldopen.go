package runlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// leftOpen is the steps that writers of parts did not come to finish.
type leftOpen struct {
	files []string // where they stand
	steps []*openStep
	done  map[*openStep]bool
}

// partsLeftOpen reads the side files of parts whose writers are gone. A part of which
// w has something already is left to [Repair]: what is finished stands in the
// log then.
func (d *Dir) partsLeftOpen(w *Writer) (*leftOpen, error) {
	found, err := d.readOpen(false)
	if err != nil {
		return nil, err
	}
	other := func(part string) bool { return part == "" || w.has(part) > 0 }
	return &leftOpen{
		files: slices.DeleteFunc(found.files, func(path string) bool { return other(d.openOf(path)) }),
		steps: slices.DeleteFunc(found.steps, func(s *openStep) bool { return other(s.part) }),
		done:  map[*openStep]bool{},
	}, nil
}

// watch sees which steps the rows of parts finish.
func (l *leftOpen) watch(visit func(*wandbpb.Record)) func(*wandbpb.Record) {
	return func(rec *wandbpb.Record) {
		if h := rec.GetHistory(); h != nil {
			part, _, _ := origin(rec)
			finished(l.done, l.steps, part, h)
		}
		visit(rec)
	}
}

// store makes rows of the steps whose parts were folded.
func (l *leftOpen) store(w *Writer, f *folding, visit func(*wandbpb.Record)) error {
	for _, s := range l.steps {
		if l.done[s] || !f.has(s.part) {
			continue
		}
		s.Items = append(s.Items, f.rows.setOpen(s.Row, f.labelOf(s.part))...)
		if err := w.openRow(s); err != nil {
			return fmt.Errorf("fold open step: %w", err)
		}
		visit(rowRecord(s.Row))
	}
	return nil
}

// openRow writes the row of a step that was left open. That of a part is marked
// as the part's next record, so that it is not written twice.
func (w *Writer) openRow(s *openStep) error {
	if s.part == "" {
		return w.Row(s.Row)
	}
	rec := rowRecord(s.Row)
	rec.Num = w.has(s.part) + 1
	w.note(s.part, rec.Num)
	mark(rec, s.part)
	return w.Write(rec)
}

// remove deletes the side files of the parts that were folded.
func (l *leftOpen) remove(dir *Dir, f *folding) (err error) {
	for _, path := range l.files {
		if !f.has(dir.openOf(path)) {
			continue
		}
		if e := os.Remove(path); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("remove open steps: %w", e))
		}
	}
	return err
}

// has says whether a part is among those that are folded.
func (f *folding) has(part string) bool {
	return slices.ContainsFunc(f.parts, func(s *source) bool { return s.name == part })
}
