package runapi

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/redact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// Config is the config of a run, or the part of it below a path. It also works,
// in memory, on a disabled run, and before there is a run (NewConfig).
type Config struct {
	r    *Run
	path []string
}

// ConfigOption changes how a config value is set.
type ConfigOption struct{ allowChange bool }

// AllowChange lets a value replace a different one.
func AllowChange() ConfigOption { return ConfigOption{true} }

// Config returns the run's config.
func (r *Run) Config() Config { return Config{r: r} }

// Sub returns the part of the config that is nested below path: its
// Set("epochs", 4) is the same as setting a map {"epochs": 4} there. Nothing is
// stored by it, and keys need not exist.
//
// A dot in a key is part of its name, as in rows and with the official client:
// Set("train.epochs", 4) makes one top-level value, which W&B's pages show in the
// place of a nested one, and which Get("train", "epochs") does not find.
func (c Config) Sub(path ...string) Config { return Config{c.r, slices.Concat(c.path, path)} }

// Path returns where in the config this part is; nil for the whole.
func (c Config) Path() []string { return slices.Clone(c.path) }

// Set stores one value; a map merges key by key. See Update.
func (c Config) Set(key string, value any, opts ...ConfigOption) error {
	return c.Update(map[string]any{key: value}, opts...)
}

// Update stores all of values, a map with text keys, a struct or a Config, or
// nothing of it: ErrConfigLocked if a value is set already to something else and
// neither AllowChange nor Settings.AllowConfigChange was given, or if a sweep chose
// it, ErrKey, a *ValueError, ErrFinished. Objects merge, other values replace; a key
// is never deleted. When Update returns nil the change is in the run's log: there is
// nothing to flush.
func (c Config) Update(values any, opts ...ConfigOption) error {
	r := c.r
	if r == nil {
		return nil
	}
	tree, err := r.configTree(values)
	if err != nil {
		return err
	}
	if tree, err = below(c.path, tree); err != nil {
		return err
	}
	allow := r.set.AllowConfigChange || slices.ContainsFunc(opts, func(o ConfigOption) bool { return o.allowChange })
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.updateConfig(tree, allow)
}

// updateConfig is Update with mu held.
func (r *Run) updateConfig(tree map[string]any, allow bool) error {
	if r.finished {
		return ErrFinished
	}
	if err := r.lockedBySweep(tree); err != nil {
		return err
	}
	if !allow {
		if at, locked := firstChange(r.state.Config(), tree, nil); locked {
			return fmt.Errorf("set config %q: %w", strings.Join(at, "."), ErrConfigLocked)
		}
	}
	for key := range tree {
		delete(r.once, key)
	}
	r.features.SetConfigItem = true
	return r.storeConfig(tree)
}

// below nests tree below path.
func below(path []string, tree map[string]any) (map[string]any, error) {
	if len(path) == 0 || len(tree) == 0 {
		return tree, nil
	}
	if err := checkPath(path); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	for _, part := range slices.Backward(path) {
		tree = map[string]any{part: tree}
	}
	return tree, nil
}

// Get returns a copy of the value at path: int64, float64, bool, string, nil,
// []any or map[string]any. False when there is none.
func (c Config) Get(path ...string) (any, bool) {
	if c.r == nil {
		return nil, false
	}
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	at, ok := lookup(c.r.state.Config(), slices.Concat(c.path, path))
	return clone(at), ok
}

// All returns a copy of the config, without W&B's own part; of a Sub, what is
// nested below it.
func (c Config) All() map[string]any {
	all, _ := c.Get()
	m, _ := all.(map[string]any)
	delete(m, ownKey)
	return m
}

// configTree brings what the user gave into the form in which config is kept,
// with secrets masked.
func (r *Run) configTree(values any) (map[string]any, error) {
	switch v := values.(type) {
	case nil:
		return nil, nil
	case Config:
		values = v.All()
	}
	text, err := xjson.AppendValue(nil, values)
	if err != nil {
		return nil, valueError([]string{"config"}, values, err)
	}
	decoded, err := xjson.Decode(text)
	if err != nil {
		return nil, valueError([]string{"config"}, values, err)
	}
	if decoded == nil { // a nil map or pointer
		return nil, nil
	}
	tree, ok := decoded.(map[string]any)
	if !ok {
		return nil, valueError([]string{"config"}, values, errors.New("want a map with text keys or a struct"))
	}
	for key := range tree {
		if err := checkPath([]string{key}); err != nil {
			return nil, fmt.Errorf("config: %w", err)
		}
	}
	return r.maskTree(tree, false).(map[string]any), nil
}

// maskTree masks text under secret names, and known secrets anywhere.
func (r *Run) maskTree(v any, secret bool) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = r.maskTree(value, secret || redact.SecretName(key))
		}
	case []any:
		for i := range v {
			v[i] = r.maskTree(v[i], secret)
		}
	case string:
		if secret && v != "" {
			return redact.Mask
		}
		return r.mask.Known(v)
	}
	return v
}

// storeConfig writes tree to the log and folds it in. A disabled run only
// folds.
func (r *Run) storeConfig(tree map[string]any) error {
	if len(tree) == 0 {
		return nil
	}
	rec, err := configRecord(tree)
	if err != nil {
		return err
	}
	full := &wandbpb.Record{RecordType: &wandbpb.Record_Config{Config: rec}}
	if r.off {
		return r.state.Apply(full)
	}
	return r.write(full)
}

// configRecord sets every top-level key of tree; nil for an empty tree.
func configRecord(tree map[string]any) (*wandbpb.ConfigRecord, error) {
	if len(tree) == 0 {
		return nil, nil
	}
	rec := &wandbpb.ConfigRecord{}
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		text, err := xjson.AppendValue(nil, tree[key])
		if err != nil {
			return nil, valueError([]string{key}, tree[key], err)
		}
		rec.Update = append(rec.Update, &wandbpb.ConfigItem{Key: key, ValueJson: string(text)})
	}
	return rec, nil
}

// firstChange finds a value of next that is set in old to something else.
func firstChange(old, next map[string]any, path []string) ([]string, bool) {
	for key, value := range next {
		was, ok := old[key]
		if !ok {
			continue
		}
		at := append(slices.Clone(path), key)
		nested, isMap := value.(map[string]any)
		wasNested, wasMap := was.(map[string]any)
		switch {
		case isMap && wasMap:
			if at, locked := firstChange(wasNested, nested, at); locked {
				return at, true
			}
		case isMap && len(nested) == 0: // an empty object changes nothing
		case !reflect.DeepEqual(was, value) && !bothNaN(was, value):
			return at, true
		}
	}
	return nil, false
}

func bothNaN(a, b any) bool {
	x, ok := a.(float64)
	y, too := b.(float64)
	return ok && too && x != x && y != y
}

// clone copies maps and lists.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		c := make(map[string]any, len(v))
		for key, value := range v {
			c[key] = clone(value)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = clone(v[i])
		}
		return c
	}
	return v
}
