package wandb_test

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// difference is one place in which two values are not the same.
type difference struct {
	Where string
	A, B  string // JSON; "" where there is nothing
}

func (d difference) String() string { return fmt.Sprintf("%s: %.400s | %.400s", d.Where, d.A, d.B) }

// diff lists where b differs from a. Lists of one length are compared place by
// place, others as a whole.
func diff(where string, a, b any) []difference {
	if jsonText(a) == jsonText(b) {
		return nil
	}
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			return diffObjects(where, a, b)
		}
	case []any:
		if b, ok := b.([]any); ok && len(a) == len(b) {
			var out []difference
			for i := range a {
				out = append(out, diff(where+"["+strconv.Itoa(i)+"]", a[i], b[i])...)
			}
			return out
		}
	}
	return []difference{{where, jsonText(a), jsonText(b)}}
}

func diffObjects(where string, a, b map[string]any) []difference {
	keys := map[string]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	sorted := make([]string, 0, len(keys))
	for k := range keys {
		sorted = append(sorted, k)
	}
	sort.Strings(sorted)
	var out []difference
	for _, k := range sorted {
		at := where + "/" + k
		va, inA := a[k]
		vb, inB := b[k]
		switch {
		case !inA:
			out = append(out, difference{at, "", jsonText(vb)})
		case !inB:
			out = append(out, difference{at, jsonText(va), ""})
		default:
			out = append(out, diff(at, va, vb)...)
		}
	}
	return out
}

// indented is the readable JSON of a value.
func indented(t *testing.T, v any) string {
	t.Helper()
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// tree is a value as plain JSON values.
func tree(t *testing.T, v any) any {
	t.Helper()
	return decode(t, indented(t, v))
}
