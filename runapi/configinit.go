package runapi

import (
	"errors"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/redact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// ErrIncludeAndExclude is returned by Init when Settings.ConfigInclude and
// ConfigExclude are both given.
var ErrIncludeAndExclude = errors.New("config keys to include and to exclude exclude each other")

// initialConfig puts the config of a new run together, each part over the one
// before: the defaults file, the files of Settings, Settings.Config.
func (r *Run) initialConfig() (map[string]any, error) {
	s := &r.set
	var parts []any
	if !s.NoConfigDefaults {
		defaults, err := readDefaults()
		if err != nil {
			return nil, err
		}
		parts = append(parts, defaults)
	}
	for _, path := range s.ConfigFiles {
		file, err := ReadConfig(path)
		if err != nil {
			return nil, err
		}
		parts = append(parts, file)
	}
	whole := map[string]any{}
	for _, part := range append(parts, s.Config) {
		tree, err := r.configTree(part)
		if err != nil {
			return nil, err
		}
		mergeTree(whole, tree)
	}
	for key := range whole {
		if !s.takesKey(key) {
			delete(whole, key)
		}
	}
	return whole, nil
}

// takesKey says whether the settings want a config key.
func (s *Settings) takesKey(key string) bool {
	in := func(globs []string) bool {
		for _, glob := range globs {
			if globMatch(glob, key) {
				return true
			}
		}
		return false
	}
	if len(s.ConfigInclude) > 0 {
		return in(s.ConfigInclude)
	}
	return !in(s.ConfigExclude)
}

// globMatch says whether name is what glob says, in which * is any text.
func globMatch(glob, name string) bool {
	head, rest, isGlob := strings.Cut(glob, "*")
	if !isGlob {
		return glob == name
	}
	name, ok := strings.CutPrefix(name, head)
	if !ok {
		return false
	}
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(name, part)
		}
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name, rest = name[i+len(part):], after
	}
}

// mergeTree puts next over tree: objects merge, other values replace.
func mergeTree(tree, next map[string]any) {
	for key, value := range next {
		was, isTree := tree[key].(map[string]any)
		if more, ok := value.(map[string]any); ok && isTree {
			mergeTree(was, more)
			continue
		}
		tree[key] = value
	}
}

// NewConfig makes a config that belongs to no run yet: Set and Update fill it by
// the same rules, Settings.Config takes it. What is set after Init stays in it and
// does not reach the run.
func NewConfig() Config {
	return Config{r: &Run{off: true, state: runlog.NewState(), mask: redact.New(nil)}}
}
