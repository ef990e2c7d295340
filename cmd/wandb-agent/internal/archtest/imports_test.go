package archtest

import (
	"strings"
	"testing"
)

// A rule says what the packages at and below a folder may import of this
// module, beside what lies below their own folder. The first rule that fits a
// package counts.
type rule struct {
	folder string
	may    []string // a folder; with "/..." also everything below it
}

// rules are the arrows of docs/design.md.
var rules = []rule{
	{"agent/sample", nil},
	{"agent/catalog", []string{"agent/sample"}},
	{"agent/internal", []string{"agent/sample"}},
	{"agent/agenttest", []string{"agent", "agent/sample"}},
	{"agent", []string{"agent/internal/...", "agent/sample"}},
	{"collectors/internal", []string{"agent/sample", "agent/catalog", "collectors/internal/..."}},
	{"collectors/host", []string{"agent", "agent/sample", "agent/catalog", "collectors/internal/..."}},
	{"collectors/gpu", []string{"agent", "agent/sample", "agent/catalog", "collectors/internal/..."}},
	{"collectors", []string{"agent", "agent/sample", "collectors/..."}},
	{"exporters/internal", []string{"agent/sample", "agent/catalog"}},
	{"exporters/otel", []string{"agent", "agent/sample", "agent/catalog", "exporters/internal/..."}},
	{"exporters/prom", []string{"agent", "agent/sample", "agent/catalog", "exporters/internal/..."}},
	{"exporters/wandb", []string{"agent", "agent/sample", "agent/catalog", "exporters/internal/..."}},
	{"runapi", []string{"agent", "agent/sample", "collectors", "exporters/wandb/..."}},
	{"examples", []string{"runapi/...", "exporters/wandb/..."}},
	{"cmd", []string{"agent/...", "collectors/...", "exporters/...", "runapi/...", "cmd/..."}},
}

// TestImports keeps the arrows between packages pointing down.
func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		for _, p := range badImports(s) {
			t.Errorf("%s imports %s, which no rule of imports_test.go allows", s.path, p)
		}
	}
}

// TestEngineNeedsNothing: programs that embed the engine get only the standard
// library with it.
func TestEngineNeedsNothing(t *testing.T) {
	for _, s := range sources(t) {
		if !within(s.dir(), "agent") {
			continue
		}
		for _, p := range s.imports() {
			if host, _, _ := strings.Cut(p, "/"); strings.Contains(host, ".") && !strings.HasPrefix(p, module) {
				t.Errorf("%s imports %s, which is not in the standard library", s.path, p)
			}
		}
	}
}

// badImports returns the imports of s that no rule allows.
func badImports(s *source) []string {
	var bad []string
	for _, p := range s.imports() {
		if to, ours := strings.CutPrefix(p, module); ours && !allowed(s.dir(), to) {
			bad = append(bad, to)
		}
	}
	return bad
}

func allowed(from, to string) bool {
	for _, r := range rules {
		if !within(from, r.folder) {
			continue
		}
		if within(to, r.folder) && r.folder != "agent" {
			return true
		}
		for _, m := range r.may {
			if below, all := strings.CutSuffix(m, "/..."); to == m || all && within(to, below) {
				return true
			}
		}
		return false
	}
	return false
}

// within says whether dir is folder or lies below it.
func within(dir, folder string) bool {
	return dir == folder || strings.HasPrefix(dir, folder+"/")
}

func TestRulesRefuse(t *testing.T) {
	f := func(from, to string, want bool) {
		t.Helper()
		if got := allowed(from, to); got != want {
			t.Errorf("%s imports %s: allowed %v, want %v", from, to, got, want)
		}
	}
	f("agent/sample", "agent", false)
	f("agent/internal/ring", "agent", false)
	f("agent", "agent/internal/ring", true)
	f("agent", "agent/catalog", false)
	f("agent", "collectors", false)
	f("collectors/host/tree", "collectors/internal/pidfd", true)
	f("collectors/host", "collectors/gpu", false)
	f("collectors/gpu", "exporters/prom", false)
	f("exporters/otel", "exporters/prom", false)
	f("exporters/prom", "collectors/host", false)
	f("exporters/wandb", "runapi", false)
	f("runapi", "exporters/wandb/runlog", true)
	f("runapi", "exporters/otel", false)
	f("cmd/wandb-agent", "exporters/otel", true)
	f("newfolder", "agent", false) // a new folder needs a rule
	if bad := badImports(parse(t, "agent/sample/x.go", "package sample\nimport _ \""+module+"agent\"\n")); len(bad) != 1 || bad[0] != "agent" {
		t.Errorf("an arrow that points up: got %q, want agent", bad)
	}
}
