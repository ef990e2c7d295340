package server_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestFilterRuns finds runs as the public API asks for them.
func TestFilterRuns(t *testing.T) {
	s := artifacts(t)
	s.must(`mutation R {upsertBucket(input: {name: "r2", modelName: "p", tags: ["x", "y"], groupName: "g", displayName: "two"}) {inserted}}`, nil)
	s.streamed("r2", `{"complete":true,"exitcode":0}`, nil)
	const query = `query R($f: JSONString, $o: String) {project(name: "p", entityName: "local") {runCount(filters: $f) runs(filters: $f, order: $o) {totalCount edges {node {name}}}}}`
	list := func(filter, order string) string {
		t.Helper()
		got := s.must(query, object{"f": filter, "o": order}, "project")
		out := fmt.Sprint(at(got, "runCount"))
		for i := 0; at(got, "runs", "edges", i) != nil; i++ {
			out += fmt.Sprint(" ", at(got, "runs", "edges", i, "node", "name"))
		}
		return out
	}
	for filter, want := range map[string]string{
		`{}`: "2 r1 r2", `{"state":"finished"}`: "1 r2", `{"state":{"$ne":"finished"}}`: "1 r1", `{"tags":"x"}`: "1 r2", `{"tags":{"$in":["q","y"]}}`: "1 r2",
		`{"tags":{"$nin":["q","y"]}}`: "1 r1", `{"$and":[{"group":"g"},{"display_name":"two"}]}`: "1 r2", `{"$and":[]}`: "2 r1 r2",
		`{"$or":[{"name":"r1"},{"group":"g"}]}`: "2 r1 r2", `{"$or":[]}`: "0", `{"group":null}`: "1 r1", `{"name":{"$eq":"r1"},"state":"running"}`: "1 r1",
	} {
		if got := list(filter, ""); got != want {
			t.Errorf("%s: got %q, want %q", filter, got, want)
		}
	}
	for order, want := range map[string]string{"+created_at": "2 r1 r2", "-created_at": "2 r2 r1"} {
		if got := list("{}", order); got != want {
			t.Errorf("order %s: got %q, want %q", order, got, want)
		}
	}
	s.noViolations()
	for _, filter := range []string{`[]`, `{"config.lr":1}`, `{"state":{"$regex":"f"}}`, `{"$or":{}}`, `{"$and":[1]}`, `{"tags":{"$in":"x"}}`} {
		if _, err := s.query(query, object{"f": filter}); err == nil || !strings.Contains(err.Error(), "filters") {
			t.Errorf("%s: got %v, want an error about filters", filter, err)
		}
	}
}
