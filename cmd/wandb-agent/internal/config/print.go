package config

import (
	"reflect"

	"go.yaml.in/yaml/v3"
)

// YAML returns the configuration as a file that Parse reads, with what each key
// is for as comments. Secrets are dots.
func (c Config) YAML() ([]byte, error) {
	var n yaml.Node
	if err := n.Encode(c); err != nil {
		return nil, err
	}
	explain(&n, reflect.TypeOf(c))
	return yaml.Marshal(&n)
}

// explain adds the help of the fields of t to the mapping n and to those in it.
func explain(n *yaml.Node, t reflect.Type) {
	switch {
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, item := range n.Content {
			explain(item, t.Elem())
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		for i := range t.NumField() { // in the order of the mapping's pairs
			key, value, f := n.Content[2*i], n.Content[2*i+1], t.Field(i)
			if value.Kind == yaml.ScalarNode {
				value.LineComment = f.Tag.Get("help")
			} else {
				key.HeadComment = f.Tag.Get("help")
			}
			explain(value, f.Type)
		}
	}
}
