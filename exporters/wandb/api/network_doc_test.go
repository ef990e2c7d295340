package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestEverythingSentIsDocumented: docs/network.md lists the operations and the
// paths that this package sends, and no other.
func TestEverythingSentIsDocumented(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "network.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(doc), "\n## Operations\n")
	section, _, _ = strings.Cut(section, "\n## ")
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("\n\\| `(\\w+)` \\|").FindAllStringSubmatch(section, -1) {
		documented[m[1]] = true
	}
	sent := operationsInCode(t)
	if !maps.Equal(documented, sent) || len(sent) < 20 {
		t.Errorf("documented %v,\nin the code %v", slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(sent)))
	}
	for _, op := range every {
		delete(sent, op.name)
	}
	if len(sent) != 0 {
		t.Errorf("no test asks the schema about %v", slices.Sorted(maps.Keys(sent)))
	}
	for _, path := range []string{"`/graphql`", "`/files/ENTITY/PROJECT/RUN/file_stream`", "`/oidc/token`"} {
		if !strings.Contains(string(doc), path) {
			t.Errorf("the path %s is not documented", path)
		}
	}
}

// operationsInCode finds the names of the literals of type operation.
func operationsInCode(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if id, ok := lit.Type.(*ast.Ident); ok && id.Name == "operation" {
				text, err := strconv.Unquote(lit.Elts[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				names[text] = true
			}
			return true
		})
	}
	return names
}

// requests matches what makes a request of its own.
var requests = regexp.MustCompile(`http\.(Get|Post|PostForm|Head|NewRequest|DefaultClient|Client\{|Transport\{)`)

// TestNobodyElseSends: below exporters/wandb and runapi only this package, and
// artifacts for their references, make HTTP requests; others would not be in docs/network.md.
func TestNobodyElseSends(t *testing.T) {
	allowed := []string{"exporters/wandb/api/", "exporters/wandb/server/", "exporters/wandb/artifact/", "runapi/artifact/"} // the last two: references
	root := filepath.Join("..", "..", "..")
	seen := 0
	for _, top := range []string{"exporters/wandb", "runapi"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			rel, _ := filepath.Rel(root, path)
			text, err := os.ReadFile(path)
			if err != nil || !requests.Match(text) {
				return err
			}
			seen++
			if !slices.ContainsFunc(allowed, func(a string) bool { return strings.HasPrefix(filepath.ToSlash(rel), a) }) {
				t.Errorf("%s makes HTTP requests", rel)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen == 0 {
		t.Error("nothing was found that makes requests")
	}
}
