package config

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Explained is a key of the configuration, its value and who said so.
type Explained struct {
	Key     string // web.listen_address
	Value   string // in force, as YAML; secrets are dots
	Origin  string // file:line, or default
	Default string // what lost against the file; "" when nothing did
}

// Explain tells of every key what is in force when path is read on top of the
// defaults. The error is that of Load; the list is complete then too, with the
// defaults.
func Explain(path string) ([]Explained, error) {
	c, lines, err := load(path)
	if err != nil {
		c, lines = Default(), nil
	}
	values, defaults := leaves(c), leaves(Default())
	was := map[string]string{}
	for _, d := range defaults {
		was[d.Key] = d.Value
	}
	for i := range values {
		v := &values[i]
		v.Origin = "default"
		if line := lines[v.Key]; line > 0 {
			v.Origin, v.Default = fmt.Sprintf("%s:%d", path, line), was[v.Key]
		}
	}
	return values, err
}

// leaves lists the keys of a configuration that hold no others.
func leaves(c Config) []Explained {
	var n yaml.Node
	if n.Encode(c) != nil {
		return nil // a Config always has a form
	}
	var all []Explained
	collect(&all, "", &n, reflect.TypeOf(c))
	return all
}

func collect(all *[]Explained, path string, n *yaml.Node, t reflect.Type) {
	if n.Kind != yaml.MappingNode || t.Kind() != reflect.Struct {
		*all = append(*all, Explained{Key: path, Value: flow(n)})
		return
	}
	for i := range t.NumField() { // in the order of the mapping's pairs
		key := strings.TrimPrefix(path+"."+n.Content[2*i].Value, ".")
		collect(all, key, n.Content[2*i+1], t.Field(i).Type)
	}
}

// flow writes a value on one line.
func flow(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return n.Value
	}
	n.Style = yaml.FlowStyle
	text, err := yaml.Marshal(n)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
