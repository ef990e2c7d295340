package archtest

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDecisionNotes: notes have the numbers 1, 2, 3, ..., say their number in
// their title, have their parts, and are in the list.
func TestDecisionNotes(t *testing.T) {
	dir := filepath.Join(root, "docs", "decisions")
	notes, err := filepath.Glob(filepath.Join(dir, "[0-9]*.md")) // in order
	if err != nil || len(notes) == 0 {
		t.Fatalf("no decision notes: %v", err)
	}
	list := read(t, filepath.Join(dir, "README.md"))
	for i, file := range notes {
		name, text := filepath.Base(file), read(t, file)
		if want := fmt.Sprintf("%04d-", i+1); !strings.HasPrefix(name, want) {
			t.Errorf("note %s: want number %s: numbers are unique and leave nothing out", name, want)
		}
		if want := "# " + name[:4] + ": "; !strings.HasPrefix(text, want) {
			t.Errorf("note %s: the title does not begin with %q", name, want)
		}
		for _, part := range []string{"Situation", "Choice", "Rejected", "What would change our mind"} {
			if !strings.Contains(text, "**"+part+".**") && !strings.Contains(text, "\n## "+part+"\n") {
				t.Errorf("note %s: no part %q", name, part)
			}
		}
		if !strings.Contains(list, "("+name+")") {
			t.Errorf("docs/decisions/README.md does not list %s", name)
		}
	}
}

// link is a Markdown link; its target is the first group.
var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestDocLinks: links between files of the repository lead somewhere.
func TestDocLinks(t *testing.T) {
	links := 0
	walk(t, func(name string) {
		if !strings.HasSuffix(name, ".md") || name == "docs/metrics.md" {
			return
		}
		for _, m := range link.FindAllStringSubmatch(read(t, filepath.Join(root, name)), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(root, path.Dir(name), target)); err != nil {
				t.Errorf("%s: link to %s: %v", name, m[1], err)
			}
		}
	})
	if links < 10 {
		t.Errorf("got %d links, want at least 10", links)
	}
}

// TestLayout: docs/design.md has a line for each package, and no other.
func TestLayout(t *testing.T) {
	text := read(t, filepath.Join(root, "docs", "design.md"))
	packages := map[string]bool{"bench": true, "interop": true} // modules of their own
	for _, s := range sources(t) {
		if s.command() && strings.Contains(s.dir(), "/internal/") || within(s.dir(), "collectors/gpu/internal/gate/gen") {
			continue // generators stand in the comment of what they generate
		}
		packages[s.dir()] = true
	}
	packages["exporters/wandb/runlog/wandbpb"] = true // generated
	for dir := range packages {
		if !strings.Contains(text, "\n| `"+dir+"` | ") {
			t.Errorf("docs/design.md has no line for %s", dir)
		}
	}
	for _, m := range regexp.MustCompile("\n\\| `([^`]+)` \\|").FindAllStringSubmatch(text, -1) {
		if !packages[m[1]] {
			t.Errorf("docs/design.md has a line for %s, which is no package", m[1])
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
