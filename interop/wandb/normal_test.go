package wandb_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// decode parses extended JSON and brings its numbers to one form.
func decode(t *testing.T, text string) any {
	t.Helper()
	v, err := xjson.Decode([]byte(text))
	if err != nil {
		t.Fatalf("value %.200q: %v", text, err)
	}
	return plain(v)
}

// mask replaces by what they are the values that differ from run to run and
// from machine to machine.
var mask = map[string]string{
	"_timestamp": "<time>", "_runtime": "<seconds>", "runtime": "<seconds>", "createdAt": "<time>", "heartbeatAt": "<time>",
	"host": "<host>", "program": "<program>", "jobProgram": "<program>",
	"clientID": "<id>", "clientId": "<id>", "sequenceClientID": "<id>", "distributedID": "<id>", "artifactID": "<id>", "artifactId": "<id>",
	"artifactManifestID": "<id>", "baseArtifactID": "<id>", "id": "<id>", "artifact_id": "<id>", "birthArtifactID": "<id>", "base": "<id>", "artifact": "<id>",
	"cli_version": "<version>", "python_version": "<version>", "t": "<telemetry>",
}

// sets are lists whose order says nothing.
var sets = []string{"aliases", "tags", "artifactFiles", "entries", "files", "artifacts", "usedArtifacts"}

// varying are the parts of texts that differ from run to run.
var varying = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?`), "<time>"},
	{regexp.MustCompile(`http://127\.0\.0\.1:\d{4,5}`), "<server>"},
	{regexp.MustCompile(`wandb-(client-)?artifact://[^/"]+`), "wandb-artifact://<id>"},
	{regexp.MustCompile(`(file://)?/tmp/[^ "']*/`), "<tmp>/"},
	{regexp.MustCompile(`^[A-Za-z0-9+/]{22}==$`), "<md5>"}, // of a manifest, which names ids
	{regexp.MustCompile(`\d{10,}\.\w+\.table\.json`), "<time>.table.json"},
}

// normal makes a value comparable. key is that of the object it is in.
func normal(key string, v any) any {
	if word, ok := mask[key]; ok && v != nil && v != "" {
		return word
	}
	switch v := v.(type) {
	case string:
		if inner, err := xjson.Decode([]byte(v)); err == nil && key == "metadata" {
			return plain(inner)
		}
		for _, r := range varying {
			v = r.re.ReplaceAllString(v, r.with)
		}
		return v
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = normal("", e)
		}
		if slices.Contains(sets, key) {
			sortJSON(out)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = normal(k, e)
		}
		if inner, ok := out["_wandb"].(map[string]any); ok {
			out["_wandb"] = normalInternal(inner)
		}
		return out
	}
	return plain(v)
}

// normalInternal tidies the block _wandb of a config: environments are those of
// the machine, and definitions of metrics stand in any order, with a step
// metric named by its place.
func normalInternal(block map[string]any) map[string]any {
	value, ok := block["value"].(map[string]any)
	if !ok {
		return block
	}
	delete(value, "e")
	if list, ok := value["m"].([]any); ok {
		value["m"] = normalMetrics(list)
	}
	return block
}

func normalMetrics(list []any) []any {
	name := func(m map[string]any) any {
		if m["1"] != nil {
			return m["1"]
		}
		return m["2"]
	}
	for _, e := range list {
		m, _ := e.(map[string]any)
		if at, ok := m["5"].(int64); ok && at >= 1 && int(at) <= len(list) {
			step, _ := list[at-1].(map[string]any)
			m["5"] = fmt.Sprint("<the place of ", name(step), ">")
		}
		if opts, ok := m["6"].([]any); ok {
			sortJSON(opts)
		}
	}
	return sortJSON(list)
}

// sortJSON orders values by their text, in place.
func sortJSON(list []any) []any {
	sort.SliceStable(list, func(i, j int) bool { return jsonText(list[i]) < jsonText(list[j]) })
	return list
}

// jsonText is the JSON of a value that decode or normal made.
func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v) // not reached: the values are those of JSON
	}
	return string(b)
}

// normalEvents keeps of system metrics only which there are.
func normalEvents(events []map[string]any) []any {
	seen := map[string]bool{}
	var keys []any
	for _, e := range events {
		for k := range e {
			if !seen[k] && strings.HasPrefix(k, "system.") {
				seen[k] = true
				keys = append(keys, k)
			}
		}
	}
	return sortJSON(keys)
}
