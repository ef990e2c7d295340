package media

import (
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// dtype is the type of a cell or a column, as W&B has them: a name, and what
// tells types of that name apart. A dtype is never changed.
type dtype struct {
	name    string
	elem    *dtype            // of a list
	length  int               // of a list; -1 when lists differ
	fields  map[string]*dtype // of a typedDict
	params  Object            // of media
	allowed []*dtype          // of a union, sorted
}

var (
	unknownType = &dtype{name: "unknown"}
	noneType    = &dtype{name: "none"}
	numberType  = &dtype{name: "number"}
	stringType  = &dtype{name: "string"}
	boolType    = &dtype{name: "boolean"}
	timeType    = &dtype{name: "timestamp"}
	anyType     = &dtype{name: "any"}

	optionalUnknown = union([]*dtype{unknownType, noneType})
)

// newColumn is the type of a column without cells: anything, or nil.
func newColumn() *dtype { return optionalUnknown }

// typeOf is the type of a cell that cellOf made.
func typeOf(c any) *dtype {
	switch c := c.(type) {
	case nil:
		return noneType
	case bool:
		return boolType
	case int64:
		return numberType
	case float64:
		if math.IsNaN(c) {
			return noneType
		}
		return numberType
	case string:
		return stringType
	case time.Time:
		return timeType
	case []float64:
		return floatList(c)
	case []any:
		return anyList(c)
	case map[string]any:
		t := &dtype{name: "typedDict", fields: make(map[string]*dtype, len(c))}
		for k, v := range c {
			t.fields[k] = typeOf(v)
		}
		return t
	case Celler:
		name, params := c.CellType()
		return &dtype{name: name, params: params}
	}
	return object(reflect.TypeOf(c).String())
}

// isNone says whether typeOf is none, without a look at what is nested.
func isNone(c any) bool {
	f, ok := c.(float64)
	return c == nil || ok && math.IsNaN(f)
}

func floatList(c []float64) *dtype {
	t := &dtype{name: "list", elem: unknownType, length: len(c)}
	if slices.ContainsFunc(c, math.IsNaN) {
		t.elem = optionalUnknown
	}
	if i := slices.IndexFunc(c, func(v float64) bool { return v == v }); i >= 0 {
		t.elem = t.elem.assign(c[i])
	}
	return t
}

func anyList(c []any) *dtype {
	t := &dtype{name: "list", elem: unknownType, length: len(c)}
	if slices.ContainsFunc(c, isNone) {
		t.elem = optionalUnknown
	}
	for _, v := range c {
		if t.elem = t.elem.assign(v); t.elem == nil {
			t.elem = &dtype{name: "invalid"}
			break
		}
	}
	return t
}

// object is the type of what only a class name is known of.
func object(class string) *dtype {
	return &dtype{name: "pythonObject", params: Object{"class_name": class}}
}

func union(list []*dtype) *dtype {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *dtype) int { return strings.Compare(a.repr(), b.repr()) })
	return &dtype{name: "union", allowed: list}
}

// repr is how the official client prints a type; it sorts them by that.
func (t *dtype) repr() string {
	switch t.name {
	case "list":
		return t.elem.repr() + "[]"
	case "typedDict":
		return "{"
	case "union":
		return t.allowed[0].repr()
	}
	return strings.ToUpper(t.name[:1]) + t.name[1:]
}

// String is a type for people.
func (t *dtype) String() string {
	switch t.name {
	case "none":
		return "nil"
	case "pythonObject":
		return t.params["class_name"].(string)
	case "list":
		return "list of " + t.elem.String()
	case "union":
		var names []string
		for _, a := range t.allowed {
			names = append(names, a.String())
		}
		return strings.Join(names, " or ")
	}
	return t.name
}

// assign is the type of a column of type t that gets a cell too; nil when it
// cannot have it. The rules are those of the official client.
func (t *dtype) assign(c any) *dtype {
	switch t.name {
	case "unknown":
		if n := typeOf(c); n.name != "none" {
			return n
		}
		return nil
	case "any":
		return t
	case "union":
		return t.assignUnion(c)
	case "list":
		return t.assignList(c)
	case "typedDict":
		return t.assignDict(c)
	case "image-file":
		return t.mergeImages(typeOf(c))
	}
	n := typeOf(c)
	if n == t || n.name == t.name && reflect.DeepEqual(n.params, t.params) {
		return t
	}
	return nil
}

// assignUnion finds the first type that takes the cell; one that is unknown
// becomes that of the cell.
func (t *dtype) assignUnion(c any) *dtype {
	hole := -1
	for i, a := range t.allowed {
		if a.name == "unknown" {
			hole = i
			continue
		}
		if n := a.assign(c); n != nil {
			return t.with(i, n)
		}
	}
	if hole >= 0 {
		if n := unknownType.assign(c); n != nil {
			return t.with(hole, n)
		}
	}
	return nil
}

// with is a union that has n in place of its type i.
func (t *dtype) with(i int, n *dtype) *dtype {
	if t.allowed[i] == n {
		return t
	}
	list := slices.Clone(t.allowed)
	list[i] = n
	return union(list)
}

// assignList keeps the length of the newest list, as the official client does.
func (t *dtype) assignList(c any) *dtype {
	elem := t.elem
	n := 0
	switch c := c.(type) {
	case []float64:
		if n = len(c); elem == numberType && !slices.ContainsFunc(c, math.IsNaN) {
			break
		}
		for _, v := range c {
			if elem = elem.assign(v); elem == nil {
				return nil
			}
		}
	case []any:
		n = len(c)
		for _, v := range c {
			if elem = elem.assign(v); elem == nil {
				return nil
			}
		}
	default:
		return nil
	}
	if elem == t.elem && n == t.length {
		return t
	}
	return &dtype{name: "list", elem: elem, length: n}
}

// assignDict takes maps that have no other keys; a key that is missing is nil.
func (t *dtype) assignDict(c any) *dtype {
	m, ok := c.(map[string]any)
	if !ok {
		return nil
	}
	for k := range m {
		if t.fields[k] == nil {
			return nil
		}
	}
	fields := maps.Clone(t.fields)
	for k, f := range fields {
		if fields[k] = f.assign(m[k]); fields[k] == nil {
			return nil
		}
	}
	return &dtype{name: "typedDict", fields: fields}
}

// mergeImages joins what images of a column have: names of masks and boxes, and
// of their classes.
func (t *dtype) mergeImages(n *dtype) *dtype {
	if n.name != t.name {
		return nil
	}
	if reflect.DeepEqual(t.params, n.params) {
		return t
	}
	return &dtype{name: t.name, params: mergeParams(t.params, n.params).(Object)}
}

// mergeParams joins maps and lists; what a has stands.
func mergeParams(a, b any) any {
	switch x := a.(type) {
	case Object:
		y, _ := b.(Object)
		m := maps.Clone(x)
		for k, v := range y {
			if have, ok := m[k]; ok {
				v = mergeParams(have, v)
			}
			if m == nil {
				m = Object{}
			}
			m[k] = v
		}
		return m
	case []int:
		y, _ := b.([]int)
		return sortedSet(x, y)
	case []string:
		y, _ := b.([]string)
		return sortedSet(x, y)
	}
	return a
}

func sortedSet[T int | string](a, b []T) []T {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// json is the type as artifacts hold it.
func (t *dtype) json() Object {
	params := Object{}
	switch t.name {
	case "list":
		params["element_type"], params["length"] = t.elem.json(), any(nil)
		if t.length >= 0 {
			params["length"] = t.length
		}
	case "typedDict":
		fields := Object{}
		for k, f := range t.fields {
			fields[k] = f.json()
		}
		params["type_map"] = fields
	case "union":
		list := make([]any, len(t.allowed))
		for i, a := range t.allowed {
			list[i] = a.json()
		}
		params["allowed_types"] = list
	case "image-file":
		for k, v := range t.params {
			_, isSet := v.([]string)
			params[k] = Object{"wb_type": "const", "params": Object{"val": v, "is_set": isSet}}
		}
	default:
		maps.Copy(params, t.params)
	}
	o := Object{"wb_type": t.name}
	if len(params) > 0 {
		o["params"] = params
	}
	return o
}

// columnTypes is the type of a row.
func columnTypes(columns []string, types []*dtype) Object {
	t := &dtype{name: "typedDict", fields: make(map[string]*dtype, len(columns))}
	for i, c := range columns {
		t.fields[c] = types[i]
	}
	return t.json()
}
