package parity

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../../.."

// total is the number of promises.
const total = 261

// prefixes are those of the ids of each section, in order, with how many there are.
var prefixes = []struct {
	prefix string
	count  int
}{
	{"LIB", 19}, {"INIT", 36}, {"LOGIN", 8}, {"RUN", 23}, {"CFG", 14}, {"LOG", 20}, {"MED", 14}, {"PLOT", 6}, {"DEF", 11}, {"SUM", 11},
	{"SAVE", 12}, {"REST", 7}, {"CODE", 5}, {"ART", 28}, {"ALERT", 5}, {"STOP", 2}, {"STAT", 1}, {"FIN", 5}, {"PRE", 1}, {"DISP", 3},
	{"WATCH", 8}, {"SET", 8}, {"AUTO", 10}, {"ORG", 4},
}

var idForm = regexp.MustCompile(`^([A-Z]+)-(\d\d)$`)

// TestTableIsComplete: every id is there exactly once.
func TestTableIsComplete(t *testing.T) {
	seen, counts := map[string]bool{}, map[string]int{}
	for _, s := range Sections() {
		if len(s.Rows) != s.Count {
			t.Errorf("%s: %d rows, want %d", s.Title, len(s.Rows), s.Count)
		}
		for _, r := range s.Rows {
			m := idForm.FindStringSubmatch(r.ID)
			if m == nil || seen[r.ID] {
				t.Errorf("id %q has another form, or is there twice", r.ID)
				continue
			}
			seen[r.ID] = true
			counts[m[1]]++
			if r.What == "" {
				t.Errorf("%s says nothing", r.ID)
			}
		}
	}
	all := 0
	for _, p := range prefixes {
		if counts[p.prefix] != p.count {
			t.Errorf("%s: %d rows, want %d", p.prefix, counts[p.prefix], p.count)
		}
		all += p.count
	}
	if len(seen) != total || all != total {
		t.Errorf("%d rows and %d expected ones, want %d", len(seen), all, total)
	}
}

// TestRowsHoldWhatTheySay: a kept promise has a counterpart and a test, which
// exist; one that is not kept has a reason, and claims nothing.
func TestRowsHoldWhatTheySay(t *testing.T) {
	names := &module{root: root}
	for _, s := range Sections() {
		for _, r := range s.Rows {
			for _, fault := range names.faults(r) {
				t.Errorf("%s: %s", r.ID, fault)
			}
		}
	}
}

func TestFaultsAreSeen(t *testing.T) {
	names := &module{root: root}
	f := func(r Row, want string) {
		t.Helper()
		got := strings.Join(names.faults(r), "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%+v: got %q, want %q", r, got, want)
		}
	}
	const test = "runapi.TestStepRules"
	f(Row{}, "no reason")
	f(Row{Why: "nobody built it"}, "")
	f(Row{Go: "runapi.Init"}, "claims")
	f(Row{Class: Deferred, Why: "needs a page"}, "")
	f(Row{Class: Deferred}, "no reason")
	f(Row{Class: Deferred, Why: "needs a page", Test: test}, "claims")
	f(Row{Class: Direct, Go: "runapi.Init"}, "no test")
	f(Row{Class: Direct, Test: test}, "no counterpart")
	f(Row{Class: Direct, Go: "runapi.Init, runapi.Run.Log, runapi.Settings.Dir, runapi.Min, runapi.ErrFinished, runapi/artifact.New", Test: test}, "")
	f(Row{Class: Direct, Go: "runapi.Inti", Test: test}, "no runapi.Inti")
	f(Row{Class: Direct, Go: "runapi.Run.Lgo", Test: test}, "no runapi.Run.Lgo")
	f(Row{Class: Direct, Go: "runapi.resolve", Test: test}, "no runapi.resolve")
	f(Row{Class: Direct, Go: "nosuch.Init", Test: test}, "no nosuch.Init")
	f(Row{Class: Direct, Go: "wandb-agent login --host", Test: test}, "")
	f(Row{Class: Direct, Go: "wandb-agent logni", Test: test}, "wandb-agent logni")
	f(Row{Class: Direct, Go: "wandb-agent login --hots", Test: test}, "--hots")
	f(Row{Class: Direct, Go: "WANDB_DIR", Test: test}, "")
	f(Row{Class: Direct, Go: "WANDB_DRI", Test: test}, "WANDB_DRI")
	f(Row{Class: Direct, Go: "runapi.Init", Test: "runapi.TestNoSuchThing"}, "no test runapi.TestNoSuchThing")
	f(Row{Class: Direct, Go: "runapi.Init", Test: "runapi.start"}, "no test runapi.start")
	f(Row{Class: Direct, Go: "runapi.Init", Test: "cmd/wandb-agent.TestScripts/login"}, "")
	f(Row{Class: Direct, Go: "runapi.Init", Test: "cmd/wandb-agent.TestScripts/nosuch"}, "no test cmd/wandb-agent.TestScripts/nosuch")
}

// document is a text of the repository.
func (m *module) document(name string) string {
	text, err := os.ReadFile(filepath.Join(m.root, name))
	if err != nil {
		return ""
	}
	return string(text)
}
