package runapi

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// DefaultsFile is the file of the working directory that Init reads by itself;
// see Settings.NoConfigDefaults.
const DefaultsFile = "config-defaults.yaml"

// maxConfigFile bounds a config file, in bytes.
const maxConfigFile = 4 << 20

// ReadConfig reads a config file: YAML, or JSON where its name ends in .json, a
// mapping from names to values. An entry {value: v, desc: text}, with or without
// desc, is v: the form of the official client, and of the config.yaml of a run. W&B's own
// entries wandb_version and _wandb are left out. An empty file has no values.
// Timestamps become RFC 3339 text, keys that are no text become it.
func ReadConfig(path string) (map[string]any, error) {
	text, err := readBounded(path, maxConfigFile)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	parse := parseConfigYAML
	if strings.EqualFold(filepath.Ext(path), ".json") {
		parse = xjson.Decode
	}
	config, err := configOf(parse(text))
	if err != nil {
		return nil, fmt.Errorf("read config %s: %w", path, err)
	}
	return config, nil
}

// readDefaults reads config-defaults.yaml of the working directory; nothing when
// there is none.
func readDefaults() (map[string]any, error) {
	config, err := ReadConfig(DefaultsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return config, err
}

func parseConfigYAML(text []byte) (any, error) {
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	return textKeys(v), nil
}

// configOf takes the values out of what a file holds.
func configOf(file any, err error) (map[string]any, error) {
	if err != nil {
		return nil, err
	}
	if file == nil {
		return nil, nil
	}
	tree, ok := file.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("it holds a %T: want a mapping from names to values", file)
	}
	if v, ok := tree["wandb_version"]; ok && fmt.Sprint(v) != "1" {
		return nil, fmt.Errorf("wandb_version %v: want 1", v)
	}
	delete(tree, "wandb_version")
	delete(tree, ownKey)
	for key, v := range tree {
		tree[key] = described(v)
	}
	return tree, nil
}

// described is the value in {value: v, desc: text}; anything else is itself.
func described(v any) any {
	entry, ok := v.(map[string]any)
	value, has := entry["value"]
	_, desc := entry["desc"]
	if ok && has && (len(entry) == 1 || desc && len(entry) == 2) {
		return value
	}
	return v
}

// textKeys makes the keys of mappings text, as YAML allows others.
func textKeys(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = textKeys(value)
		}
	case []any:
		for i := range v {
			v[i] = textKeys(v[i])
		}
	case map[any]any:
		m := make(map[string]any, len(v))
		for key, value := range v {
			m[fmt.Sprint(key)] = textKeys(value)
		}
		return m
	}
	return v
}
