package config

import (
	"fmt"
	"os"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Error lists everything that is wrong with a file, a line each:
// file:line: key: what.
type Error struct{ Problems []string }

// Error returns the lines.
func (e *Error) Error() string { return strings.Join(e.Problems, "\n") }

// maxFile bounds a configuration file.
const maxFile = 1 << 20

// Load reads path on top of the defaults. An empty path gives the defaults.
// The error is an *Error, also when the file cannot be read.
func Load(path string) (Config, error) {
	c, _, err := load(path)
	return c, err
}

// load is Load that says also where each key stands.
func load(path string) (Config, map[string]int, error) {
	if path == "" {
		return Default(), nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return Default(), nil, &Error{[]string{fmt.Sprintf("read configuration: %v", err)}}
	}
	return parse(path, b)
}

// Parse is Load on bytes; name stands in messages.
func Parse(name string, b []byte) (Config, error) {
	c, _, err := parse(name, b)
	return c, err
}

func parse(name string, b []byte) (Config, map[string]int, error) {
	c := Default()
	if len(b) > maxFile {
		return c, nil, &Error{[]string{fmt.Sprintf("%s: larger than 1 MiB", name)}}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return c, nil, &Error{[]string{fmt.Sprintf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))}}
	}
	if len(doc.Content) == 0 {
		return c, nil, nil
	}
	w := &walker{name: name, lines: map[string]int{}}
	w.node("", doc.Content[0], reflect.TypeOf(c))
	if len(w.problems) == 0 {
		if err := doc.Content[0].Decode(&c); err != nil {
			w.report(0, "document", err.Error())
		}
	}
	if len(w.problems) == 0 {
		for _, p := range c.validate() {
			w.report(w.lines[p.path], p.path, p.text)
		}
	}
	if len(w.problems) > 0 {
		return c, nil, &Error{w.problems}
	}
	return c, w.lines, nil
}

// walker compares a document with the struct it is for and notes where each
// key stands.
type walker struct {
	name     string
	lines    map[string]int
	problems []string
}

func (w *walker) report(line int, path, text string) {
	where := w.name
	if line > 0 {
		where = fmt.Sprintf("%s:%d", w.name, line)
	}
	w.problems = append(w.problems, fmt.Sprintf("%s: %s: %s", where, path, text))
}

// node checks n against type t at path.
func (w *walker) node(path string, n *yaml.Node, t reflect.Type) {
	w.lines[path] = n.Line
	switch {
	case n.Kind == yaml.AliasNode:
		w.report(n.Line, path, "aliases are not supported here")
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		w.mapping(path, n, t)
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for i, item := range n.Content {
			w.node(fmt.Sprintf("%s[%d]", path, i), item, t.Elem())
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		for i := 0; i+1 < len(n.Content); i += 2 {
			w.node(path+"."+n.Content[i].Value, n.Content[i+1], t.Elem())
		}
	case n.Kind != yaml.ScalarNode, isContainer(t) && n.Tag != "!!null":
		w.report(n.Line, orRoot(path), "expected "+describe(t))
	default:
		w.scalar(path, n, t)
	}
}

// scalar reports a value that does not fit its type.
func (w *walker) scalar(path string, n *yaml.Node, t reflect.Type) {
	err := n.Decode(reflect.New(t).Interface())
	if err == nil {
		return
	}
	text := fmt.Sprintf("%q is not %s", n.Value, describe(t))
	if t == reflect.TypeFor[Secret]() {
		text = "not a text value"
	}
	w.report(n.Line, orRoot(path), text)
}

func (w *walker) mapping(path string, n *yaml.Node, t reflect.Type) {
	fields := map[string]reflect.Type{}
	var known []string
	for i := range t.NumField() {
		key := t.Field(i).Tag.Get("yaml")
		fields[key] = t.Field(i).Type
		known = append(known, key)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		ft, ok := fields[key.Value]
		switch {
		case !ok:
			w.report(key.Line, at, "unknown key; known here: "+strings.Join(known, ", "))
		case seen[key.Value]:
			w.report(key.Line, at, "given twice")
		default:
			w.node(at, n.Content[i+1], ft)
		}
		seen[key.Value] = true
	}
}

// isContainer reports whether t is written as a mapping or a list.
func isContainer(t reflect.Type) bool {
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Slice || t.Kind() == reflect.Map
}

func describe(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[Duration]():
		return "a duration such as 1s"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Struct || t.Kind() == reflect.Map:
		return "a mapping"
	case t.Kind() == reflect.Bool:
		return "true or false"
	}
	return "a single value"
}

func orRoot(path string) string {
	if path == "" {
		return "document"
	}
	return path
}
