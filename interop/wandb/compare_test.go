package wandb_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// content is what a run says, in the one form in which the official client's
// reading and ours are compared.
type content struct {
	Config  map[string]any
	Summary map[string]any
	History []map[string]any // flattened with dots, _step included
	System  []map[string]any
	Stdout  string
	Stderr  string
	Exit    int
}

// fromRecords folds the official reader's records.
func fromRecords(t *testing.T, records []record) content {
	t.Helper()
	c := content{Config: map[string]any{}, Summary: map[string]any{}, Exit: -1}
	for _, r := range records {
		body, _ := r[fmt.Sprint(r["record_type"])].(map[string]any)
		switch r["record_type"] {
		case "run":
			conf, _ := body["config"].(map[string]any)
			update(t, c.Config, conf["update"], true)
		case "config":
			update(t, c.Config, body["update"], true)
		case "summary":
			update(t, c.Summary, body["update"], false)
		case "history":
			c.History = append(c.History, flat(t, body["item"]))
		case "stats":
			c.System = append(c.System, flat(t, body["item"]))
		case "output_raw":
			line, _ := body["line"].(string)
			if body["output_type"] == "STDOUT" {
				c.Stdout += line
			} else {
				c.Stderr += line
			}
		case "exit":
			code, _ := body["exit_code"].(float64)
			c.Exit = int(code)
		}
	}
	delete(c.Config, "_wandb")
	return c
}

// path is the key of an item: nested_key when given, else key.
func path(item map[string]any) []string {
	if nested, ok := item["nested_key"].([]any); ok && len(nested) > 0 {
		var p []string
		for _, k := range nested {
			p = append(p, fmt.Sprint(k))
		}
		return p
	}
	return []string{fmt.Sprint(item["key"])}
}

// update sets items in a tree; objects are merged key by key when merge is on.
func update(t *testing.T, tree map[string]any, items any, merge bool) {
	list, _ := items.([]any)
	for _, it := range list {
		item := it.(map[string]any)
		p := path(item)
		at := tree
		for _, k := range p[:len(p)-1] {
			next, ok := at[k].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[k] = next
			}
			at = next
		}
		last, v := p[len(p)-1], extended(t, fmt.Sprint(item["value_json"]))
		old, isMap := at[last].(map[string]any)
		if new, ok := v.(map[string]any); ok && isMap && merge {
			for k, e := range new {
				old[k] = e
			}
			continue
		}
		at[last] = v
	}
}

// flat turns items into one object with dotted keys.
func flat(t *testing.T, items any) map[string]any {
	out := map[string]any{}
	list, _ := items.([]any)
	for _, it := range list {
		item := it.(map[string]any)
		out[strings.Join(path(item), ".")] = extended(t, fmt.Sprint(item["value_json"]))
	}
	return out
}

// extended decodes JSON in which NaN and the infinities are bare words. Whole
// numbers keep all digits.
func extended(t *testing.T, text string) any {
	t.Helper()
	switch text {
	case "NaN":
		return "NaN"
	case "Infinity":
		return "+Inf"
	case "-Infinity":
		return "-Inf"
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("value %q: %v", text, err)
	}
	return plain(v)
}

// plain brings numbers of either side to one form.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64()
		return plain(f)
	case int64:
		return v
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 0):
			return fmt.Sprint(v)
		case v == math.Trunc(v) && math.Abs(v) < 1<<53:
			return int64(v)
		}
		return v
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = plain(e)
		}
		return out
	}
	return v
}

// same reports the parts in which two readings differ.
func same(t *testing.T, official, ours content) {
	t.Helper()
	check := func(what string, a, b any) {
		t.Helper()
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s differs\nofficial: %v\nours:     %v", what, a, b)
		}
	}
	check("config", official.Config, ours.Config)
	check("summary", official.Summary, ours.Summary)
	check("history length", len(official.History), len(ours.History))
	for i := range min(len(official.History), len(ours.History)) {
		check(fmt.Sprintf("history row %d", i), official.History[i], ours.History[i])
	}
	check("system samples", official.System, ours.System)
	check("stdout", official.Stdout, ours.Stdout)
	check("stderr", official.Stderr, ours.Stderr)
	check("exit", official.Exit, ours.Exit)
}
