package upload

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// Keys that tell the rows of several writers of one run from each other, as in
// a joined log.
const (
	writerKey     = "_writer"
	writerStepKey = "_writer_step"
)

// writerOf is the log that a record was written to at first.
func writerOf(name string, rec *record) string {
	if rec.part != nil {
		return string(rec.part)
	}
	return name
}

// labelRow makes the next row say whose it is, once rows of a second writer have
// come. Which writers had rows is part of the mark, so that a row that is sent
// again is the same row.
func (f *feed) labelRow(writer string) {
	if !slices.Contains(f.mark.Writers, writer) {
		f.mark.Writers = append(f.mark.Writers, writer)
	}
	f.rows.writer = ""
	if len(f.mark.Writers) > 1 && !f.rows.shared {
		f.rows.writer = cmp.Or(f.mark.Labels[writer], writer, "main")
	}
}

// meet remembers what the writer of a part calls itself, if no other does.
func (f *feed) meet(part string, w *wandbpb.Writer) {
	if part == "" || w.GetLabel() == "" {
		return
	}
	for other, label := range f.mark.Labels {
		if label == w.GetLabel() && other != part {
			return
		}
	}
	if f.mark.Labels == nil {
		f.mark.Labels = map[string]string{}
	}
	f.mark.Labels[part] = w.GetLabel()
}

// say appends whose row it is, unless the row says so itself.
func (m *rowMaker) say() {
	if m.writer == "" || m.said {
		return
	}
	m.member(writerStepKey)
	m.line = strconv.AppendInt(m.line, m.own, 10)
	m.member(writerKey)
	m.line = xjson.AppendString(m.line, m.writer)
}
