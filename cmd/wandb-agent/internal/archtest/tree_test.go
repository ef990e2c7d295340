package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/wandb-agent/wandb-agent/"

// root is the folder of go.mod, seen from this package.
const root = "../../../.."

// source is one .go file that is not a test.
type source struct {
	path string // below root, with slashes
	fset *token.FileSet
	file *ast.File
}

// dir is the folder of the file below root.
func (s *source) dir() string { return path.Dir(s.path) }

// command says whether the file is part of a program and not of a library.
func (s *source) command() bool { return s.file.Name.Name == "main" }

// imports returns the paths of all imports, without quotes.
func (s *source) imports() []string {
	var all []string
	for _, spec := range s.file.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		all = append(all, p)
	}
	return all
}

// at is the place of n, for messages.
func (s *source) at(n ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.fset.Position(n.Pos()).Line)
}

// parse makes a source of text.
func parse(t *testing.T, name, text string) *source {
	t.Helper()
	s := &source{path: name, fset: token.NewFileSet()}
	var err error
	if s.file, err = parser.ParseFile(s.fset, name, text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
		t.Fatal(err)
	}
	return s
}

// sources parses the module: all systems and tags, without tests, fixtures and
// generated files.
func sources(t *testing.T) []*source {
	t.Helper()
	var all []*source
	walk(t, func(name string) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "/testdata/") {
			return
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if s := parse(t, name, string(text)); !ast.IsGenerated(s.file) {
			all = append(all, s)
		}
	})
	if len(all) < 200 {
		t.Fatalf("found %d source files: this is not the whole module", len(all))
	}
	return all
}

// walk calls f with every file of the module, by its path below root. Nested
// modules and what builds leave behind are left out.
func walk(t *testing.T, f func(name string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			f(name)
			return nil
		case name != "." && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".ci" || d.Name() == "bin" || d.Name() == "wandb" && name != "exporters/wandb"):
			return fs.SkipDir
		}
		if _, err := os.Stat(filepath.Join(root, name, "go.mod")); err == nil && name != "." {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
