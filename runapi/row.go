package runapi

import (
	"errors"
	"math"
	"strconv"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// Row collects values for LogRow without allocating once it has grown to its
// usual size. One goroutine at a time may use it. The zero Row ignores
// everything.
type Row struct {
	run   *Run
	v     values
	text  []byte // JSON of Text and Bool values; items point into it
	bad   string // name of the first Key that was refused
	isBad bool
}

// Row returns an empty row of the run.
func (r *Run) Row() Row {
	if r == nil || r.off {
		return Row{}
	}
	return Row{run: r, v: values{stamp: math.NaN()}}
}

// Float adds a number; NaN and the infinities are stored as such.
func (w *Row) Float(k Key, v float64) { w.add(k, runlog.Item{F: v}) }

// Int adds a whole number, stored exactly.
func (w *Row) Int(k Key, v int64) { w.add(k, runlog.Item{Kind: runlog.Int, I: v}) }

// Bool adds true or false.
func (w *Row) Bool(k Key, v bool) {
	from := len(w.text)
	w.text = strconv.AppendBool(w.text, v)
	w.add(k, runlog.Item{Kind: runlog.JSON, JSON: w.text[from:]})
}

// Text adds text; bytes that are not UTF-8 become U+FFFD.
func (w *Row) Text(k Key, v string) {
	from := len(w.text)
	w.text = xjson.AppendString(w.text, v)
	w.add(k, runlog.Item{Kind: runlog.JSON, JSON: w.text[from:]})
}

func (w *Row) add(k Key, it runlog.Item) {
	if w.run == nil || k.k == nil || k.k.owner != w.run {
		return
	}
	if k.k.key == "" {
		if !w.isBad {
			w.bad, w.isBad = k.k.name, true
		}
		return
	}
	w.v.add(k.k, it)
}

// Len returns how many values the row holds.
func (w *Row) Len() int { return len(w.v.items) }

// Reset empties the row and keeps its memory.
func (w *Row) Reset() {
	w.v.reset()
	w.text, w.bad, w.isBad = w.text[:0], "", false
}

var errForeignRow = errors.New("log row: it was not made by this run's Row")

// LogRow adds the values of row to the history as Log does, and empties the
// row, also after an error. It does not allocate.
func (r *Run) LogRow(row *Row, opts ...LogOption) error {
	if r == nil || r.off || row == nil {
		return nil
	}
	if row.run != r {
		return errForeignRow
	}
	r.logWatched(opts)
	now := r.clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	if row.isBad {
		err = keyError(row.bad, "Run.Key refused it")
	} else {
		err = r.addRow(&row.v, now, opts)
	}
	if err != nil {
		r.refused.Add(1)
	}
	row.Reset()
	return err
}
