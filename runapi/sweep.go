package runapi

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// readSweep reads the values that a sweep chose: YAML, {key: {value: v}}, as
// the agent of the official client writes it for each run.
func readSweep(path string) (map[string]any, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readBounded(path, maxSettingsFile)
	if err != nil {
		return nil, fmt.Errorf("read sweep parameters: %w", err)
	}
	chosen, err := parseSweep(text)
	if err != nil {
		return nil, fmt.Errorf("parse sweep parameters %s: %w", path, err)
	}
	return chosen, nil
}

// parseSweep takes the values out of the file's text.
func parseSweep(text []byte) (map[string]any, error) {
	var file map[string]yaml.Node
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	chosen := make(map[string]any, len(file))
	for key, node := range file {
		if key == "wandb_version" {
			if node.Value != "1" {
				return nil, fmt.Errorf("version %q: want 1", node.Value)
			}
			continue
		}
		var entry struct {
			Value yaml.Node `yaml:"value"`
		}
		if err := node.Decode(&entry); err != nil || entry.Value.Kind == 0 {
			return nil, fmt.Errorf("key %q: want {value: ...}", key)
		}
		var v any
		if err := entry.Value.Decode(&v); err != nil {
			return nil, fmt.Errorf("key %q: %w", key, err)
		}
		chosen[key] = v
	}
	return chosen, nil
}

// lockSweep reads the sweep's values and locks them. They win over what the
// program gave: those are the defaults that a sweep varies.
func (r *Run) lockSweep(config map[string]any) (map[string]any, error) {
	chosen, err := readSweep(r.set.SweepParamPath)
	if err != nil {
		return nil, err
	}
	if len(chosen) == 0 {
		return config, nil
	}
	if r.locked, err = r.configTree(chosen); err != nil {
		return nil, err
	}
	if config == nil {
		config = make(map[string]any, len(r.locked))
	}
	for _, key := range slices.Sorted(maps.Keys(r.locked)) {
		if was, ok := config[key]; ok {
			if at, differs := firstChange(map[string]any{key: was}, map[string]any{key: r.locked[key]}, nil); differs {
				r.set.Logger.Info("config value is the sweep's", "run", r.set.ID, "key", at)
			}
		}
		config[key] = clone(r.locked[key])
	}
	return config, nil
}

// lockedBySweep says which value of tree would change one that the sweep
// chose.
func (r *Run) lockedBySweep(tree map[string]any) error {
	if at, locked := firstChange(r.locked, tree, nil); locked {
		return fmt.Errorf("set config %q: %w: a sweep chose it", at, ErrConfigLocked)
	}
	return nil
}

// errSweep is told when one half of a sweep's settings is missing.
var errSweep = errors.New("sweep_param_path without sweep_id: the run would belong to no sweep")
