package main

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

// TestOrderOfRuns: numbers as numbers, runs without a value last in either
// order, and equal ones as they were.
func TestOrderOfRuns(t *testing.T) {
	var list []*listedRun
	for id, lr := range map[string]any{"a": int64(10), "b": 0.5, "c": nil, "d": "text", "e": math.Inf(1), "f": map[string]any{"x": 1}} {
		r := &listedRun{ID: id, config: map[string]any{}}
		if lr != nil {
			r.config["lr"] = lr
		}
		list = append(list, r)
	}
	f := func(by, want string) {
		t.Helper()
		(&lsFlags{sort: by}).order(list)
		var ids []string
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		if got := strings.Join(ids, ""); got != want {
			t.Errorf("by %s: %s, want %s", by, got, want)
		}
	}
	f("id", "abcdef")
	f("config.lr", "baedfc") // text and objects, by their JSON, behind numbers
	f("-id", "fedcba")
	f("-config.lr", "fdeabc")
}

func TestValuePaths(t *testing.T) {
	m := map[string]any{"a.b": int64(1), "a": map[string]any{"b": int64(2), "c.d": int64(3), "e": map[string]any{"f": int64(4)}}}
	f := func(path string, want any) {
		t.Helper()
		if got := valueAt(m, path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	f("a.b", int64(1)) // the whole key before a path
	f("a.c.d", int64(3))
	f("a.e.f", int64(4))
	f("a.e.g", nil)
	f("x", nil)
}

// TestAssignments: where KEY=VALUE words go in what is there.
func TestAssignments(t *testing.T) {
	have := map[string]any{"val": map[string]any{"acc": int64(1), "deep": map[string]any{"x": int64(1)}}, "flat.key": int64(1)}
	got, err := assignments("summary", []string{"val.acc=0.5", "val.deep.y=[1,2]", "flat.key=text", "new.key=true", "empty="}, have)
	want := map[string]any{
		"val":      map[string]any{"acc": 0.5, "deep": map[string]any{"x": int64(1), "y": []any{int64(1), int64(2)}}},
		"flat.key": "text", "new.key": true, "empty": "",
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if tags := editTags([]string{"a", "b"}, []string{"b", "c"}, []string{"a"}); strings.Join(tags, ",") != "b,c" {
		t.Errorf("tags %q", tags)
	}
	if tags := editTags([]string{"a"}, nil, []string{"a"}); tags == nil || len(tags) != 0 {
		t.Errorf("no tags left: %#v", tags)
	}
}
