package runapi

import (
	"fmt"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// SetOnce keeps a value that is the same at most steps, such as the name of a
// device or the text of a prompt template, in the config rather than in every row:
// it may be called in a loop, and writes only when the value is another than
// before. The last value wins. A map merges key by key, as everywhere in the
// config. Errors are those of Config.Update, but ErrConfigLocked only where a
// sweep chose the value.
func (r *Run) SetOnce(key string, value any) error {
	if r == nil {
		return nil
	}
	text, err := xjson.AppendValue(nil, value)
	if err != nil {
		return valueError([]string{key}, value, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if was, ok := r.once[key]; ok && was == string(text) {
		if r.finished {
			return ErrFinished
		}
		return nil
	}
	tree, err := r.configTree(map[string]any{key: value})
	if err != nil {
		return err
	}
	if err := r.updateConfig(tree, true); err != nil {
		return fmt.Errorf("set %q once: %w", key, err)
	}
	if r.once == nil {
		r.once = map[string]string{}
	}
	r.once[key] = string(text)
	return nil
}
