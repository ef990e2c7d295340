package media

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/wandb-agent/wandb-agent/runapi/internal/mediajson"
)

// StoreMedia stores the table. A run gets a file of its first MaxPreviewRows
// rows and an artifact of all, which holds the media of its cells too.
func (t *Table) StoreMedia(dst Store) (Object, error) {
	s, err := t.snapshot()
	if err != nil {
		return nil, err
	}
	run, ok := dst.(RunStore)
	if !ok {
		return s.object(dst)
	}
	whole, err := run.LogObject("run_table", t)
	if err != nil {
		return nil, err
	}
	o, err := dst.Put(File{Dir: "table", Ext: ".table.json", Write: s.preview})
	if err != nil {
		return nil, err
	}
	for k, v := range whole {
		o[k] = v
	}
	o["_type"], o["ncols"], o["nrows"], o["log_mode"] = "table-file", len(s.columns), len(s.rows), s.mode()
	return o, nil
}

func (s snapshot) mode() string {
	if s.mutable {
		return "MUTABLE"
	}
	return "IMMUTABLE"
}

// preview writes the file of a run: media are only named there.
func (s snapshot) preview(w io.Writer) error {
	rows := s.rows[:min(len(s.rows), MaxPreviewRows)]
	b := bufio.NewWriterSize(w, 64<<10)
	head, err := mediajson.Append([]byte(`{"columns":`), s.columns)
	if err != nil {
		return err
	}
	if _, err := b.Write(append(head, `,"data":[`...)); err != nil {
		return err
	}
	e := cellWriter{}
	for i, row := range rows {
		line := b.AvailableBuffer()
		if i > 0 {
			line = append(line, ',')
		}
		if line, err = e.row(line, row); err != nil {
			return err
		}
		if _, err := b.Write(line); err != nil {
			return err
		}
	}
	if _, err := b.WriteString("]}"); err != nil {
		return err
	}
	return b.Flush()
}

// object is the table as an artifact holds it.
func (s snapshot) object(dst Store) (Object, error) {
	e := cellWriter{style: mediajson.Style{Spaced: true}, dst: dst}
	data := []byte{'['}
	for i, row := range s.rows {
		if i > 0 {
			data = append(data, ", "...)
		}
		var err error
		if data, err = e.row(data, row); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
	}
	types := columnTypes(s.columns, s.types)
	if s.mixed {
		any := make([]*dtype, len(s.columns))
		for i := range any {
			any[i] = union([]*dtype{anyType, noneType})
		}
		types = columnTypes(s.columns, any)
	}
	return Object{
		"_type": "table", "columns": s.columns, "data": mediajson.Raw(append(data, ']')), "ncols": len(s.columns), "nrows": len(s.rows),
		"column_types": types, "log_mode": s.mode(),
	}, nil
}

// cellWriter writes rows.
type cellWriter struct {
	style mediajson.Style
	dst   Store // of media in cells; nil: they are only named
}

func (e *cellWriter) row(dst []byte, row []any) ([]byte, error) {
	dst = append(dst, '[')
	for i, c := range row {
		if i > 0 {
			dst = append(dst, e.style.Comma()...)
		}
		var err error
		if dst, err = e.cell(dst, c); err != nil {
			return dst, fmt.Errorf("cell %d: %w", i, err)
		}
	}
	return append(dst, ']'), nil
}

func (e *cellWriter) cell(dst []byte, c any) ([]byte, error) {
	switch c := c.(type) {
	case float64:
		return e.float(dst, c), nil
	case []float64:
		return e.floats(dst, c), nil
	case time.Time:
		if e.dst == nil {
			return e.style.Append(dst, c.Format(time.RFC3339Nano))
		}
		return strconv.AppendInt(dst, c.UnixMilli(), 10), nil
	case []any:
		return e.row(dst, c)
	case map[string]any:
		m := make(map[string]any, len(c))
		for k, v := range c {
			text, err := e.cell(nil, v)
			if err != nil {
				return dst, fmt.Errorf("%q: %w", k, err)
			}
			m[k] = mediajson.Raw(text)
		}
		return e.style.Append(dst, m)
	case Value:
		return e.media(dst, c)
	}
	return e.style.Append(dst, c)
}

// float writes NaN as null into artifacts, as the official client does.
func (e *cellWriter) float(dst []byte, v float64) []byte {
	if e.dst != nil && math.IsNaN(v) {
		return append(dst, "null"...)
	}
	return mediajson.AppendFloat(dst, v)
}

func (e *cellWriter) floats(dst []byte, list []float64) []byte {
	dst = append(dst, '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, e.style.Comma()...)
		}
		dst = e.float(dst, v)
	}
	return append(dst, ']')
}

// classes are what the official client calls media in the file of a run.
var classes = map[string]string{
	"image-file": "Image", "audio-file": "Audio", "video-file": "Video", "html-file": "Html", "object3D-file": "Object3D", "table": "Table",
}

func (e *cellWriter) media(dst []byte, v Value) ([]byte, error) {
	if e.dst != nil {
		o, err := v.StoreMedia(e.dst)
		if err != nil {
			return dst, err
		}
		return e.style.Append(dst, o)
	}
	t := typeOf(v)
	name := classes[t.name]
	if name == "" {
		name = t.String()
	}
	return e.style.Append(dst, name)
}
