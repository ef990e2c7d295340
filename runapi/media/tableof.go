package media

import (
	"fmt"
	"reflect"
	"strings"
)

// TableOf makes a table of a slice of structs: a column for each exported
// field, named by its tag table, else by its tag json, else by the field; "-"
// leaves it out. Fields of embedded structs are columns too.
//
//	type result struct {
//		Name  string  `table:"name"`
//		Score float64 `table:"score"`
//	}
//	t, err := media.TableOf(results)
func TableOf[T any](rows []T) (*Table, error) {
	typ := reflect.TypeFor[T]()
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return nil, fmt.Errorf("table of %s: want structs", typ)
	}
	names, fields := tableFields(typ)
	t := NewTable(names...)
	if len(names) == 0 {
		return nil, fmt.Errorf("table of %s: it has no exported fields", typ)
	}
	cells := make([]any, len(fields))
	for i := range rows {
		v, ok := deref(reflect.ValueOf(&rows[i]))
		for n, f := range fields {
			if cells[n] = nil; !ok {
				continue
			}
			if field, err := v.FieldByIndexErr(f); err == nil { // else it lies behind a nil pointer
				cells[n] = field.Interface()
			}
		}
		if err := t.Add(cells...); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
	}
	return t, t.err
}

func deref(v reflect.Value) (reflect.Value, bool) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return v, false
		}
		v = v.Elem()
	}
	return v, true
}

// tableFields lists the fields of a struct that are columns.
func tableFields(typ reflect.Type) (names []string, fields [][]int) {
	for _, f := range reflect.VisibleFields(typ) {
		name, tagged := fieldName(f)
		if !f.IsExported() || name == "-" || f.Anonymous && !tagged && isStruct(f.Type) || outOfReach(typ, f.Index) {
			continue
		}
		names, fields = append(names, name), append(fields, f.Index)
	}
	return names, fields
}

// outOfReach says whether a field lies in an embedded one that is not exported
// and a pointer, or is a column itself.
func outOfReach(typ reflect.Type, index []int) bool {
	for n := 1; n < len(index); n++ {
		f := typ.FieldByIndex(index[:n])
		name, tagged := fieldName(f)
		if tagged || name == "-" || !f.IsExported() && f.Type.Kind() == reflect.Pointer {
			return true
		}
	}
	return false
}

func isStruct(t reflect.Type) bool {
	if t.Implements(reflect.TypeFor[Value]()) {
		return false
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct
}

func fieldName(f reflect.StructField) (name string, tagged bool) {
	for _, key := range []string{"table", "json"} {
		if name, _, _ := strings.Cut(f.Tag.Get(key), ","); name != "" {
			return name, true
		}
	}
	return f.Name, false
}
