package wandb_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// ours runs the feature's program written with runapi.
func (f feature) ours(t *testing.T) result {
	p := prove(t, f.allowed...)
	if f.beside != nil {
		go f.beside(p)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, code := status(t, t.TempDir(), append(p.env(f.name), programVariable+"="+f.name), self, f.args...)
	if code != 0 {
		t.Fatalf("our program %s: exit status %d\n%s", f.name, code, out)
	}
	if f.after != nil {
		f.after(t, p)
	}
	return f.result(p)
}

// known is a place in which what our client asks or leaves differs from the
// official one's, and why. Where ours does less the reason begins with Gap.
type known struct {
	feature string // or several, separated by blanks; "" is every one
	where   string // of the difference; * stands for anything
	why     string
}

// matches says whether d, of the feature called name, is the known difference.
func (k known) matches(name string, d difference) bool {
	if k.feature != "" && !slices.Contains(strings.Fields(k.feature), name) {
		return false
	}
	parts := strings.Split(k.where, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(d.Where)
}

// seen counts how often each known difference was met, and how many features
// were compared.
type seen struct {
	known    []known
	some     bool       // of the differences everywhere need be met
	mu       sync.Mutex // guards what follows
	times    map[int]int
	features int
}

// compare finds what is not known among the differences of two clients.
func (s *seen) compare(t *testing.T, name string, official, ours result) {
	t.Helper()
	diffs := diff("requests", named("", tree(t, official.recording)), named("", tree(t, ours.recording)))
	diffs = append(diffs, diff("stored", named("", tree(t, official.runs)), named("", tree(t, ours.runs)))...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.features++
	for _, d := range diffs {
		found := false
		for i, k := range s.known {
			if k.matches(name, d) {
				s.times[i]++
				found = true
			}
		}
		if !found {
			t.Errorf("official and ours differ in %s", d)
		}
	}
}

// named makes objects of lists whose order says nothing, so that a difference
// names what is there too much or too little.
func named(key string, v any) any {
	switch v := v.(type) {
	case []any:
		out := map[string]any{}
		for i, e := range v {
			v[i] = named("", e)
			if name, ok := e.(string); ok {
				out[name] = true
			}
		}
		if (key == "files" || key == "uploaded" || key == "uploads" || key == "metrics") && len(out) == len(v) {
			return out
		}
	case map[string]any:
		for k, e := range v {
			v[k] = named(k, e)
		}
	}
	return v
}

// complete fails for known differences that are none any more, if every
// feature was compared, and writes the table.
func (s *seen) complete(t *testing.T, all int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.features != all {
		return
	}
	for i, k := range s.known {
		if s.times[i] == 0 && !(s.some && k.feature == "") {
			t.Errorf("feature %q does not differ in %s any more: take it out of the table", k.feature, k.where)
		}
	}
	path := filepath.Join("..", "..", "docs", "equality.md")
	text := equalityPage()
	if *rewrite {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(path); err != nil || string(have) != text {
		t.Errorf("%s is not what the table says (go test -update writes it): %v", path, err)
	}
}

// equalityPage is docs/equality.md.
func equalityPage() string {
	var b strings.Builder
	b.WriteString(`# What differs from the official client

Written by the tests of interop/wandb (go test -update); do not edit.

Each feature is a program of the official client and the same one of ours, run
against the same server. What they asked and what is stored afterwards is
compared value by value, without times, ids and facts of the machine. All that
differs is here. Where ours does less, the reason begins with Gap.

Features compared: `)
	var names []string
	for _, f := range features {
		if f.compared() {
			names = append(names, f.name)
		}
	}
	b.WriteString(strings.Join(names, ", ") + ".\n\n")
	differenceTable(&b, slices.Concat(everywhere, differences))
	b.WriteString(`
## Examples of the reference documents

Those of [from-python.md](from-python.md), compared in the same way. Beside what the table above says of all, they differ in:

`)
	differenceTable(&b, exampleDifferences)
	names = nil
	for _, e := range examples {
		names = append(names, e.name)
	}
	b.WriteString("\nExamples compared: " + strings.Join(names, ", ") + ".\n")
	return b.String()
}

func differenceTable(b *strings.Builder, list []known) {
	b.WriteString("| feature | where | why |\n| --- | --- | --- |\n")
	for _, k := range list {
		name := strings.Join(strings.Fields(k.feature), ", ")
		if name == "" {
			name = "all"
		}
		fmt.Fprintf(b, "| %s | `%s` | %s |\n", name, k.where, k.why)
	}
}

// compared says whether there is a program of ours for the feature.
func (f feature) compared() bool { return programs[f.name] != nil }
