package parity

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/parity.md anew")

const docsHead = `# What the Python client's documents promise, and what a Go program has

Generated from runapi/internal/parity: change the rows there, then run ` + "`make docs`" + `.

Every feature of the reference documents of the Python client has a row: a name that stays, what is promised, the counterpart here, and the
tests that show it. Names are exported names behind their package's folder, commands with flags, or variables.

- *direct*: works as promised.
- *adapted*: does the same in the way of Go.
- *replaced*: makes no sense in Go; the nearest useful equivalent is there.
- *deferred*: needs a web page, a terminal view or a service of our own. Nothing is claimed.
- *missing*: nothing keeps it.
`

// TestDocs fails when docs/parity.md is not what the table says.
func TestDocs(t *testing.T) {
	want, file := page(), filepath.Join(root, "docs/parity.md")
	if text := fmt.Sprintf("| %d |\n\n## ", total); !strings.Contains(want, text) {
		t.Errorf("the table of counts does not end in %d", total)
	}
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("docs/parity.md is stale: run make docs (%v)", err)
	}
}

// inline is a Go name in the text of a page.
var inline = regexp.MustCompile("`((?:runapi|exporters)[/\\w]*\\.[A-Z][\\w.]*\\w)[(`]")

// TestNamesOfTheGuide: what docs/from-python.md names in its text exists.
func TestNamesOfTheGuide(t *testing.T) {
	m, n := &module{root: root}, 0
	for _, found := range inline.FindAllStringSubmatch(m.document("docs/from-python.md"), -1) {
		n++
		if !m.has(found[1]) {
			t.Errorf("docs/from-python.md: there is no %s", found[1])
		}
	}
	if n == 0 {
		t.Error("docs/from-python.md names nothing")
	}
}

// page is docs/parity.md.
func page() string {
	var b strings.Builder
	b.WriteString(docsHead)
	b.WriteString("\n| section |")
	for _, c := range Classes {
		fmt.Fprintf(&b, " %s |", c)
	}
	b.WriteString(" all |\n|---|" + strings.Repeat("---:|", len(Classes)+1) + "\n")
	var all []Row
	for _, s := range Sections() {
		b.WriteString(counts(s.Title, s.Rows))
		all = append(all, s.Rows...)
	}
	b.WriteString(counts("**all**", all))
	for _, s := range Sections() {
		fmt.Fprintf(&b, "\n## %s\n\n| id | promised | here | shown by | |\n|---|---|---|---|---|\n", s.Title)
		for _, r := range s.Rows {
			b.WriteString(line(r))
		}
	}
	return b.String()
}

// counts is the line of the table of counts for some rows.
func counts(title string, rows []Row) string {
	n := map[Class]int{}
	for _, r := range rows {
		n[r.Class]++
	}
	text := "| " + title + " |"
	for _, c := range Classes {
		if n[c] == 0 {
			text += " |"
			continue
		}
		text += fmt.Sprintf(" %d |", n[c])
	}
	return text + fmt.Sprintf(" %d |\n", len(rows))
}

func line(r Row) string {
	class := "*" + r.Class.String() + "*"
	if r.Why != "" {
		class += ". " + r.Why
	}
	cells := []string{r.ID, r.What, names(r.Go), names(r.Test), class}
	for i := range cells {
		cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

func names(cell string) string {
	var b strings.Builder
	for name := range list(cell) {
		if b.Len() > 0 {
			b.WriteString("<br>")
		}
		b.WriteString("`" + name + "`")
	}
	return b.String()
}
