package main

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/from-python.md anew")

// page is where the examples are shown, originals where the Python programs are.
const (
	page      = "../../docs/from-python.md"
	originals = "../../interop/wandb/examples"
)

// sections are the files of this program in the order of the page.
var sections = []struct{ title, file string }{
	{"Runs", "begin.go"},
	{"Config", "config.go"},
	{"Metrics and summary", "log.go"},
	{"Media", "media.go"},
	{"Files and alerts", "files.go"},
	{"Artifacts and models", "artifact.go"},
}

// TestDocs fails when docs/from-python.md is not what the programs say.
func TestDocs(t *testing.T) {
	want := render(t)
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, page); got != want {
		t.Errorf("%s is stale: run make docs", page)
	}
}

func render(t *testing.T) string {
	var b strings.Builder
	b.WriteString(read(t, "testdata/head.txt"))
	shown := 0
	for _, s := range sections {
		b.WriteString("\n## " + s.title + "\n")
		for _, e := range functions(t, s.file) {
			shown++
			title, python := original(t, e.name)
			b.WriteString("\n### " + title + "\n\n```python\n" + python + "```\n\n" + e.note + "\n\n```go\n" + e.body + "```\n")
		}
	}
	if shown != len(examples) {
		t.Errorf("the page shows %d examples, the program has %d", shown, len(examples))
	}
	return b.String()
}

// example is one function: what is said of it, and its lines.
type example struct{ name, note, body string }

// functions lists the examples of a file: the functions that take a context and
// nothing else.
func functions(t *testing.T, name string) []example {
	text := read(t, name)
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, name, text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var out []example
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || examples[strings.ToLower(fn.Name.Name)] == nil {
			continue
		}
		from, to := files.Position(fn.Body.Lbrace).Offset+2, files.Position(fn.Body.Rbrace).Offset
		var body strings.Builder
		for line := range strings.Lines(text[from:to]) {
			body.WriteString(strings.TrimPrefix(line, "\t"))
		}
		note := strings.Join(strings.Fields(fn.Doc.Text()), " ")
		if note == "" {
			t.Errorf("%s: nothing is said of %s", name, fn.Name.Name)
		}
		out = append(out, example{strings.ToLower(fn.Name.Name), note, body.String()})
	}
	return out
}

// original returns the first line of the Python program's docstring, and what
// stands below it.
func original(t *testing.T, name string) (title, code string) {
	text := read(t, filepath.Join(originals, name+".py"))
	doc, code, ok := strings.Cut(strings.TrimPrefix(text, `"""`), `"""`)
	if !ok {
		t.Errorf("%s.py says nothing of itself", name)
	}
	return strings.TrimSuffix(doc, "."), strings.TrimLeft(code, "\n")
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
