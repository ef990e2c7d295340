package parity

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// module knows the names of the packages of the repository.
type module struct {
	root     string
	packages map[string]map[string]bool // folder: exported names, and tests
}

// faults says what is wrong with a row.
func (m *module) faults(r Row) []string {
	if r.Class == Missing || r.Class == Deferred {
		return m.unkept(r)
	}
	var out []string
	if r.Go == "" {
		out = append(out, "has no counterpart")
	}
	if r.Test == "" {
		out = append(out, "has no test")
	}
	for name := range list(r.Go) {
		if !m.has(name) {
			out = append(out, "there is no "+name)
		}
	}
	for name := range list(r.Test) {
		if !m.tests(name) {
			out = append(out, "there is no test "+name)
		}
	}
	return out
}

func (m *module) unkept(r Row) []string {
	var out []string
	if r.Go != "" || r.Test != "" {
		out = append(out, fmt.Sprintf("is %s and claims %q, %q", r.Class, r.Go, r.Test))
	}
	if r.Why == "" {
		out = append(out, fmt.Sprintf("is %s, and there is no reason", r.Class))
	}
	return out
}

// list yields the names of a cell.
func list(cell string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range strings.SplitSeq(cell, ", ") {
			if name != "" && !yield(name) {
				return
			}
		}
	}
}

var variable = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)

// has reports whether a counterpart exists.
func (m *module) has(name string) bool {
	if command, ok := strings.CutPrefix(name, "wandb-agent "); ok {
		return m.command(command)
	}
	if variable.MatchString(name) {
		return word(m.document("runapi/doc.go")+m.document("docs/cli.md")+m.document("docs/network.md"), name)
	}
	folder, symbol := split(name)
	return m.names(folder)[symbol] && ast.IsExported(symbol)
}

// command reports whether the reference of the command line, which is complete,
// has a command and its flags.
func (m *module) command(line string) bool {
	verb, flags, _ := strings.Cut(line, " --")
	reference := m.document("docs/cli.md")
	if !regexp.MustCompile("`" + regexp.QuoteMeta(verb) + "[` ]").MatchString(reference) {
		return false
	}
	for flag := range list(strings.ReplaceAll(flags, " --", ", ")) {
		if !word(reference, "--"+flag) {
			return false
		}
	}
	return true
}

// word reports whether text has a word, and not only as a part of a longer one.
func word(text, w string) bool {
	return regexp.MustCompile(`(^|[^\w-])` + regexp.QuoteMeta(w) + `($|[^\w-])`).MatchString(text)
}

// files are those that a subtest of some tests is about.
var files = map[string]string{"TestScripts": "testdata/script/%s.txtar", "TestFeatures": "official/%s.py", "TestExamples": "examples/%s.py"}

// tests reports whether there is a test function, an example, or a script.
func (m *module) tests(name string) bool {
	folder, symbol := split(name)
	symbol, sub, _ := strings.Cut(symbol, "/")
	if file, ok := files[symbol]; ok && sub != "" {
		if _, err := os.Stat(filepath.Join(m.root, folder, fmt.Sprintf(file, sub))); err != nil {
			return false
		}
	}
	for _, kind := range []string{"Test", "Example", "Fuzz"} {
		if strings.HasPrefix(symbol, kind) {
			return m.names(folder)[symbol]
		}
	}
	return false
}

// split parts a name behind its folder: the first dot that follows the last
// slash before it.
func split(name string) (folder, symbol string) {
	head, _, _ := strings.Cut(name, ".")
	return head, strings.TrimPrefix(strings.TrimPrefix(name, head), ".")
}

// names returns what a folder's package declares at its top, methods and
// fields behind their type.
func (m *module) names(folder string) map[string]bool {
	if names, ok := m.packages[folder]; ok {
		return names
	}
	names := map[string]bool{}
	files, _ := filepath.Glob(filepath.Join(m.root, folder, "*.go"))
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			continue // go vet tells it better
		}
		for _, d := range f.Decls {
			declared(d, names)
		}
	}
	if m.packages == nil {
		m.packages = map[string]map[string]bool{}
	}
	m.packages[folder] = names
	return names
}

func declared(d ast.Decl, names map[string]bool) {
	if f, ok := d.(*ast.FuncDecl); ok {
		if f.Recv == nil {
			names[f.Name.Name] = true
		} else if f.Name.IsExported() {
			names[receiver(f.Recv.List[0].Type)+"."+f.Name.Name] = true
		}
		return
	}
	for _, spec := range d.(*ast.GenDecl).Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			for _, n := range spec.Names {
				names[n.Name] = true
			}
		case *ast.TypeSpec:
			names[spec.Name.Name] = true
			members(spec.Name.Name, spec.Type, names)
		}
	}
}

func members(of string, e ast.Expr, names map[string]bool) {
	var fields *ast.FieldList
	switch e := e.(type) {
	case *ast.StructType:
		fields = e.Fields
	case *ast.InterfaceType:
		fields = e.Methods
	default:
		return
	}
	for _, f := range fields.List {
		for _, n := range f.Names {
			if n.IsExported() {
				names[of+"."+n.Name] = true
			}
		}
	}
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
