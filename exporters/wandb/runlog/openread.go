package runlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// openStep is a step that was not finished when its side file was read.
type openStep struct {
	*Row
	part string // of whose log it is; "" is the run's own
}

// openStepsFound is what the side files of a run hold.
type openStepsFound struct {
	steps  []*openStep
	files  []string // that were read; others are no logs, or their writers live
	damage Damage
}

// readOpen reads the side files of all writers. living includes those whose
// writers are at work.
func (d *Dir) readOpen(living bool) (*openStepsFound, error) {
	paths, err := filepath.Glob(globQuote(d.file("")) + "*.open")
	if err != nil {
		return nil, fmt.Errorf("read open steps: %w", err)
	}
	found := &openStepsFound{}
	for _, path := range append(paths, d.OpenStepsPath()) {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if !living && alive(path) {
			continue
		}
		rows, damage, err := readOpenSteps(path)
		if errors.Is(err, ErrFormat) { // hides no run and is not ours to delete
			continue
		}
		if err != nil {
			return nil, err
		}
		found.damage.add(damage)
		found.files = append(found.files, path)
		for _, row := range rows {
			found.steps = append(found.steps, &openStep{row, d.openOf(path)})
		}
	}
	return found, nil
}

// openOf is the part that a side file belongs to; "" is the run's own log.
func (d *Dir) openOf(path string) string {
	name := strings.TrimPrefix(filepath.Base(path), "run-"+d.RunID+".")
	return strings.TrimSuffix(strings.TrimSuffix(name, "open"), ".")
}

// alive says whether the writer of a log has it open.
func alive(path string) bool {
	f, err := openLocked(path, 0)
	if err == nil {
		f.Close()
	}
	return errors.Is(err, ErrLocked)
}

// readOpenSteps puts the parts in a side file together: one row per step,
// later values in place of earlier ones, steps ascending. A missing file has
// none.
func readOpenSteps(path string) ([]*Row, Damage, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Damage{}, nil
	}
	if err != nil {
		return nil, Damage{}, fmt.Errorf("read open steps: %w", err)
	}
	defer f.Close()
	rows, damage, err := joinParts(f)
	if err != nil {
		return nil, damage, fmt.Errorf("read open steps %s: %w", path, err)
	}
	return rows, damage, nil
}

func joinParts(src io.Reader) ([]*Row, Damage, error) {
	r := NewReader(src)
	rows := map[int64]*Row{}
	places := map[int64]map[Key]int{}
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, r.Damage(), err
		}
		h := rec.GetHistory()
		if h == nil {
			continue
		}
		step := stepOf(h)
		if rows[step] == nil {
			rows[step], places[step] = &Row{Step: step}, map[Key]int{}
		}
		for _, item := range h.GetItem() {
			rows[step].set(itemOf(item), places[step])
		}
	}
	var out []*Row
	for _, row := range rows {
		out = append(out, row)
	}
	slices.SortFunc(out, func(a, b *Row) int {
		if a.Step < b.Step {
			return -1
		}
		return 1
	})
	return out, r.Damage(), nil
}

// set adds or replaces one value; place says where each key is.
func (r *Row) set(it Item, place map[Key]int) {
	switch it.Key {
	case stepKey:
		return
	case runtimeKey:
		r.Runtime, _ = number(&it)
		return
	case timestampKey:
		r.Timestamp, _ = number(&it)
		return
	}
	if i, ok := place[it.Key]; ok {
		r.Items[i] = it
		return
	}
	place[it.Key] = len(r.Items)
	r.Items = append(r.Items, it)
}
