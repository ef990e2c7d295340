package media

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// ReadTable reads a table as an artifact or a run's file has it
// (name.table.json). Media in its cells are read as far as they are in the JSON;
// Open finds their files. Columns of arrays that are kept in files of numpy hold
// nil.
func ReadTable(r io.Reader) (*Table, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	v, err := xjson.Decode(content)
	if err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	o, ok := v.(Object)
	if !ok {
		return nil, errors.New("read table: want a JSON object")
	}
	t, err := tableOf("", o)
	if err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	return t, nil
}

// tableOf makes a table of its object.
func tableOf(dir string, o Object) (*Table, error) {
	columns, ok := o["columns"].([]any)
	data, ok2 := o["data"].([]any)
	if !ok || !ok2 || len(columns) == 0 {
		return nil, errors.New("table without columns or data")
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = fmt.Sprint(c) // numbers are names too
	}
	t := NewTable(names...)
	if t.err != nil {
		return nil, t.err
	}
	t.Mutable = text(o, "log_mode") == "MUTABLE"
	times := make([]bool, len(names))
	for i, name := range names {
		kinds := columnKinds(o, name)
		times[i] = kinds["timestamp"]
		t.MixedTypes = t.MixedTypes || kinds["any"]
	}
	for i, row := range data {
		cells, ok := row.([]any)
		if !ok {
			return nil, fmt.Errorf("table row %d is no list", i)
		}
		cells, err := readCells(dir, cells, times)
		if err != nil {
			return nil, fmt.Errorf("table row %d: %w", i, err)
		}
		if err := t.add(cells); err != nil && !t.MixedTypes && len(cells) == len(names) && !errors.Is(err, ErrTableFull) {
			t.MixedTypes = true // a file without types
			err = t.add(cells)
			if err != nil {
				return nil, err
			}
		} else if err != nil {
			return nil, err
		}
	}
	return t, nil
}

// columnKinds are the types that cells of a column may have.
func columnKinds(o Object, name string) map[string]bool {
	kinds := map[string]bool{}
	params := func(o Object) Object { p, _ := o["params"].(Object); return p }
	types, _ := o["column_types"].(Object)
	fields, _ := params(types)["type_map"].(Object)
	column, _ := fields[name].(Object)
	kinds[text(column, "wb_type")] = true
	allowed, _ := params(column)["allowed_types"].([]any)
	for _, a := range allowed {
		a, _ := a.(Object)
		kinds[text(a, "wb_type")] = true
	}
	return kinds
}

func readCells(dir string, cells []any, times []bool) ([]any, error) {
	for i, c := range cells {
		switch c := c.(type) {
		case int64:
			if i < len(times) && times[i] {
				cells[i] = time.UnixMilli(c).UTC()
			}
		case float64:
			if i < len(times) && times[i] && math.Abs(c) < math.MaxInt64 {
				cells[i] = time.UnixMilli(int64(c)).UTC()
			}
		case []any:
			list, err := readCells(dir, c, nil)
			if err != nil {
				return nil, err
			}
			cells[i] = list
		case Object:
			if text(c, "_type") == "" {
				continue
			}
			v, err := valueOf(dir, c)
			if err != nil {
				return nil, fmt.Errorf("cell %d: %w", i, err)
			}
			cells[i] = v
		}
	}
	return cells, nil
}
