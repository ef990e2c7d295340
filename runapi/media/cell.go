package media

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// Celler is a Value that says what it is in a column of a table: the name of a
// type of W&B, and what tells types of that name apart. Others are objects that
// only their class is known of.
type Celler interface {
	Value
	CellType() (name string, params Object)
}

// maxNesting bounds lists and maps in cells: their types nest three times as
// deep, and that must be read again.
const maxNesting = 32

// deeper says whether a cell is nested deeper than some levels.
func deeper(c any, levels int) bool {
	switch c := c.(type) {
	case []any:
		return levels == 0 || slices.ContainsFunc(c, func(v any) bool { return deeper(v, levels-1) })
	case map[string]any:
		if levels == 0 {
			return true
		}
		for _, v := range c {
			if deeper(v, levels-1) {
				return true
			}
		}
	}
	return false
}

// cellOf brings what a program gives into one of nil, bool, int64, float64,
// string, time.Time, []float64, []any, map[string]any, Value.
func cellOf(v any, depth int) (any, error) {
	if depth > 2*maxNesting { // pointers count too
		return nil, fmt.Errorf("nested deeper than %d levels", maxNesting)
	}
	switch v := v.(type) {
	case nil, bool, int64, float64, string, time.Time:
		return v, nil
	case int:
		return int64(v), nil
	case float32:
		return shortFloat(v), nil
	case time.Duration:
		return v.Seconds(), nil
	case []float64:
		return append([]float64(nil), v...), nil
	case Value:
		if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() {
			return nil, nil
		}
		if _, ok := v.(loggedOnly); ok {
			return nil, fmt.Errorf("%T: %w", v, ErrLoggedOnly)
		}
		return v, nil
	case json.Marshaler, encoding.TextMarshaler, json.RawMessage:
		return decoded(v)
	}
	return cellOfKind(reflect.ValueOf(v), depth)
}

// shortFloat is the float64 that is written as a float32 is.
func shortFloat(v float32) float64 {
	x, err := xjson.Decode(xjson.AppendFloat(nil, float64(v)))
	if f, ok := x.(float64); ok && err == nil && float32(f) == v {
		return f
	}
	return float64(v)
}

func cellOfKind(v reflect.Value, depth int) (any, error) {
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if v.Uint() > math.MaxInt64 {
			return float64(v.Uint()), nil
		}
		return int64(v.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), nil
	case reflect.String:
		return v.String(), nil
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil, nil
		}
		return cellOf(v.Elem().Interface(), depth+1)
	case reflect.Slice, reflect.Array:
		return listCell(v, depth)
	case reflect.Map:
		return mapCell(v, depth)
	case reflect.Struct:
		return decoded(v.Interface())
	}
	return nil, fmt.Errorf("a cell cannot be a %s", v.Type())
}

func listCell(v reflect.Value, depth int) (any, error) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return nil, nil
	}
	switch v.Type().Elem().Kind() {
	case reflect.Float32, reflect.Float64:
		list := make([]float64, v.Len())
		for i := range list {
			list[i] = v.Index(i).Float()
		}
		return list, nil
	}
	list := make([]any, v.Len())
	for i := range list {
		var err error
		if list[i], err = cellOf(v.Index(i).Interface(), depth+1); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return list, nil
}

func mapCell(v reflect.Value, depth int) (any, error) {
	if v.IsNil() {
		return nil, nil
	}
	if v.Type().Key().Kind() != reflect.String {
		return decoded(v.Interface())
	}
	m := make(map[string]any, v.Len())
	for it := v.MapRange(); it.Next(); {
		c, err := cellOf(it.Value().Interface(), depth+1)
		if err != nil {
			return nil, fmt.Errorf("member %q: %w", it.Key().String(), err)
		}
		m[it.Key().String()] = c
	}
	return m, nil
}

// decoded is what the JSON of v says.
func decoded(v any) (any, error) {
	text, err := xjson.AppendValue(nil, v)
	if err != nil {
		return nil, err
	}
	return xjson.Decode(text)
}
