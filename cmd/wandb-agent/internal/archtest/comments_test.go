package archtest

import (
	"go/ast"
	"testing"
)

// TestExportedNamesAreExplained: every exported function, type, constant and
// variable has a comment, and every package says what it is for.
func TestExportedNamesAreExplained(t *testing.T) {
	explained := map[string]bool{} // packages, by folder
	for _, s := range sources(t) {
		explained[s.dir()] = explained[s.dir()] || s.file.Doc != nil
		for _, n := range unexplained(s) {
			t.Errorf("%s: %s has no comment", s.at(n), n.Name)
		}
	}
	for dir, ok := range explained {
		if !ok {
			t.Errorf("package %s has no comment", dir)
		}
	}
}

// unexplained returns the exported names of s that nothing is said of.
func unexplained(s *source) []*ast.Ident {
	var found []*ast.Ident
	check := func(name *ast.Ident, comments ...*ast.CommentGroup) {
		for _, c := range comments {
			if c != nil {
				return
			}
		}
		if name.IsExported() {
			found = append(found, name)
		}
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || receiver(d).IsExported() {
				check(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					check(spec.Name, d.Doc, spec.Doc, spec.Comment)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						check(name, d.Doc, spec.Doc, spec.Comment)
					}
				}
			}
		}
	}
	return found
}

// receiver returns the name of the type whose method d is.
func receiver(d *ast.FuncDecl) *ast.Ident {
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.Ident:
			return x
		default:
			return ast.NewIdent("_")
		}
	}
}

func TestUnexplainedNamesAreSeen(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		got := ""
		for _, n := range unexplained(parse(t, "agent/x.go", "package x\n"+body)) {
			got += n.Name + ";"
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", body, got, want)
		}
	}
	f("func Open() {}\nfunc close() {}", "Open;")
	f("// Open opens.\nfunc Open() {}", "")
	f("type T struct{}\nfunc (*T) Read() {}", "T;Read;")
	f("type t struct{}\nfunc (t) Read() {}", "")
	f("type t[K any] struct{}\nfunc (t[K]) Read() {}", "")
	f("const (\n\t// A is one.\n\tA = 1\n\tB = 2 // two\n\tC = 3\n)", "C;")
	f("// Limits.\nvar (\n\tMin = 1\n\tMax = 2\n)", "")
}
