package runlog

import (
	"fmt"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// applyConfig merges a config record into tree: an object is merged key by
// key and deletes nothing (an empty one changes nothing), any other value
// replaces what is there, and removals come last. Keys with dots are not
// split. Items that are not JSON are left out and the first one is reported.
func applyConfig(tree map[string]any, rec *wandbpb.ConfigRecord) error {
	var bad error
	for _, item := range rec.GetUpdate() {
		path := itemPath(item)
		v, err := xjson.Decode([]byte(item.GetValueJson()))
		if err != nil {
			if bad == nil {
				bad = fmt.Errorf("read config %q: %w", path, err)
			}
			continue
		}
		setPath(tree, path, v)
	}
	for _, item := range rec.GetRemove() {
		removePath(tree, itemPath(item))
	}
	return bad
}

// keyed is what config, summary and history items have in common.
type keyed interface {
	GetKey() string
	GetNestedKey() []string
}

func itemPath(it keyed) []string {
	if path := it.GetNestedKey(); len(path) > 0 {
		return path
	}
	return []string{it.GetKey()}
}

func setPath(tree map[string]any, path []string, v any) {
	object, isObject := v.(map[string]any)
	if isObject && len(object) == 0 {
		return
	}
	for _, part := range path[:len(path)-1] {
		tree = child(tree, part)
	}
	last := path[len(path)-1]
	if !isObject {
		tree[last] = v
		return
	}
	tree = child(tree, last)
	for key, v := range object {
		setPath(tree, []string{key}, v)
	}
}

// child returns the object at key, which replaces anything else there.
func child(tree map[string]any, key string) map[string]any {
	next, ok := tree[key].(map[string]any)
	if !ok {
		next = map[string]any{}
		tree[key] = next
	}
	return next
}

func removePath(tree map[string]any, path []string) {
	for _, part := range path[:len(path)-1] {
		next, ok := tree[part].(map[string]any)
		if !ok {
			return
		}
		tree = next
	}
	delete(tree, path[len(path)-1])
}
