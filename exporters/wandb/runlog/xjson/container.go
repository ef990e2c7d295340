package xjson

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

func appendList(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return append(dst, "null"...), nil
	}
	dst = append(dst, '[')
	var err error
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendElem(dst, v.Index(i), depth); err != nil {
			return dst, within(err, "["+strconv.Itoa(i)+"]")
		}
	}
	return append(dst, ']'), nil
}

// appendElem keeps common kinds away from the allocation that boxing costs.
func appendElem(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
	}
	if !v.CanInterface() {
		return appendReflect(dst, v, depth+1)
	}
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.Array:
		return appendReflect(dst, v, depth+1)
	}
	return appendAny(dst, v.Interface(), depth+1)
}

type member struct {
	key   string
	value reflect.Value
}

func appendMap(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.IsNil() {
		return append(dst, "null"...), nil
	}
	members := make([]member, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		key, ok := keyText(it.Key())
		if !ok {
			return dst, &UnsupportedError{Type: v.Type().String(), Reason: "map keys must be strings or integers"}
		}
		members = append(members, member{strings.ToValidUTF8(key, "\ufffd"), it.Value()})
	}
	slices.SortFunc(members, func(a, b member) int { return cmp.Compare(a.key, b.key) })
	for i := 1; i < len(members); i++ {
		if members[i].key == members[i-1].key {
			return dst, &UnsupportedError{Type: v.Type().String(), Reason: fmt.Sprintf("two keys read %q once they are UTF-8", members[i].key)}
		}
	}
	return appendMembers(dst, members, depth)
}

func keyText(k reflect.Value) (string, bool) {
	if k.Kind() == reflect.Interface {
		k = k.Elem()
	}
	switch k.Kind() {
	case reflect.String:
		return k.String(), true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(k.Int(), 10), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(k.Uint(), 10), true
	}
	return "", false
}

func appendStruct(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	var members []member
	for _, f := range reflect.VisibleFields(v.Type()) {
		if !f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct {
			continue
		}
		value, err := v.FieldByIndexErr(f.Index)
		if err != nil { // behind an embedded nil pointer: absent
			continue
		}
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" && opts == "":
			continue
		case strings.Contains(opts, "omitempty") && isEmpty(value), strings.Contains(opts, "omitzero") && value.IsZero():
			continue
		case name == "":
			name = f.Name
		}
		members = append(members, member{name, value})
	}
	return appendMembers(dst, members, depth)
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

func appendMembers(dst []byte, members []member, depth int) ([]byte, error) {
	dst = append(dst, '{')
	var err error
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendString(dst, m.key), ':')
		if dst, err = appendElem(dst, m.value, depth); err != nil {
			return dst, within(err, m.key)
		}
	}
	return append(dst, '}'), nil
}
