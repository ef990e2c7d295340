package xjson

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// MaxDepth is how deep maps and lists may nest, in both directions.
const MaxDepth = 128

// An UnsupportedError says which value has no JSON form.
type UnsupportedError struct {
	Path   string // keys and indices from the outermost value, such as model.hooks[2]
	Type   string // the Go type
	Reason string
}

// Error names path, type and reason.
func (e *UnsupportedError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("encode value of type %s: %s", e.Type, e.Reason)
	}
	return fmt.Sprintf("encode key %q of type %s: %s", e.Path, e.Type, e.Reason)
}

// AppendValue appends v, which may be built from numbers, bools, strings,
// nil, times, maps with string or integer keys, slices, arrays, pointers,
// structs (with the field tags of encoding/json), json.Marshaler and
// encoding.TextMarshaler. Map keys are sorted. On an error, which is an
// [UnsupportedError], dst is returned as it came.
func AppendValue(dst []byte, v any) ([]byte, error) {
	out, err := appendAny(dst, v, 0)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func appendAny(dst []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case string:
		return AppendString(dst, v), nil
	case float64:
		return AppendFloat(dst, v), nil
	case float32:
		return appendFloat32(dst, v), nil
	case int:
		return AppendInt(dst, int64(v)), nil
	case int64:
		return AppendInt(dst, v), nil
	case time.Time:
		return AppendString(dst, v.Format(time.RFC3339Nano)), nil
	case json.Number:
		return appendNumber(dst, v)
	}
	return appendReflect(dst, reflect.ValueOf(v), depth)
}

// appendFloat32 writes the digits that identify the float32, not those of the
// float64 it widens to: 0.1 and not 0.10000000149011612.
func appendFloat32(dst []byte, v float32) []byte {
	short, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	if err != nil || math.IsInf(short, 0) {
		short = float64(v)
	}
	return AppendFloat(dst, short)
}

func appendNumber(dst []byte, n json.Number) ([]byte, error) {
	if i, err := n.Int64(); err == nil {
		return AppendInt(dst, i), nil
	}
	f, err := n.Float64()
	if err != nil {
		return dst, &UnsupportedError{Type: "json.Number", Reason: fmt.Sprintf("%q is not a number", string(n))}
	}
	return AppendFloat(dst, f), nil
}

func appendReflect(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if depth > MaxDepth {
		return dst, &UnsupportedError{Type: v.Type().String(), Reason: fmt.Sprintf("nested deeper than %d levels", MaxDepth)}
	}
	if out, done, err := appendMarshaler(dst, v); done {
		return out, err
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return AppendInt(dst, v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	case reflect.Float32:
		return appendFloat32(dst, float32(v.Float())), nil
	case reflect.Float64:
		return AppendFloat(dst, v.Float()), nil
	case reflect.String:
		return AppendString(dst, v.String()), nil
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return append(dst, "null"...), nil
		}
		return appendAny(dst, v.Elem().Interface(), depth+1)
	case reflect.Slice, reflect.Array:
		return appendList(dst, v, depth)
	case reflect.Map:
		return appendMap(dst, v, depth)
	case reflect.Struct:
		return appendStruct(dst, v, depth)
	}
	return dst, &UnsupportedError{Type: v.Type().String(), Reason: "it has no JSON form"}
}

// appendMarshaler lets a type that knows its own JSON or text form say it.
func appendMarshaler(dst []byte, v reflect.Value) (out []byte, done bool, err error) {
	if v.Kind() == reflect.Pointer && v.IsNil() || !v.CanInterface() {
		return dst, false, nil
	}
	switch m := v.Interface().(type) {
	case json.Marshaler:
		text, err := m.MarshalJSON()
		if err == nil {
			if _, err = Decode(text); err == nil {
				return append(dst, text...), true, nil
			}
		}
		return dst, true, &UnsupportedError{Type: v.Type().String(), Reason: err.Error()}
	case encoding.TextMarshaler:
		text, err := m.MarshalText()
		if err != nil {
			return dst, true, &UnsupportedError{Type: v.Type().String(), Reason: err.Error()}
		}
		return AppendString(dst, string(text)), true, nil
	}
	return dst, false, nil
}

// within puts one more part in front of the path of an error.
func within(err error, part string) error {
	e, ok := err.(*UnsupportedError)
	if !ok {
		return err
	}
	if e.Path != "" && !strings.HasPrefix(e.Path, "[") {
		part += "."
	}
	return &UnsupportedError{Path: part + e.Path, Type: e.Type, Reason: e.Reason}
}
