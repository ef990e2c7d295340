package archtest

import (
	"go/ast"
	"path"
	"strconv"
	"strings"
	"testing"
)

// Calls that a library in somebody's program must not make, by import path. A
// star stands for the rest of a name.
var banned = map[string][]string{
	"os":       {"Exit", "Getenv", "LookupEnv", "Environ", "ExpandEnv", "StartProcess"},
	"os/exec":  {"Command*"},
	"syscall":  {"Exit", "Exec", "ForkExec", "StartProcess", "Getenv", "Environ"},
	"fmt":      {"Print*"},
	"log":      {"*"},
	"log/slog": {"Default", "SetDefault", "Debug", "Info", "Warn", "Error"},
}

// Calls that even our programs do not make: the processes they start would
// inherit the limits.
var bannedEverywhere = map[string][]string{
	"syscall":               {"Setrlimit"},
	"golang.org/x/sys/unix": {"Setrlimit", "Prlimit"},
}

// Exceptions, with their reasons.
var excepted = map[string]string{
	"runapi/resolve.go os.Environ":                                 "the one place where settings come from the environment",
	"collectors/gpu/gputest/build.go exec.Command":                 "for tests: builds the NVML stand-in with the C compiler",
	"collectors/gpu/internal/gate/gen/names/names.go exec.Command": "part of a generator: asks go list for a folder",
}

// TestLibrariesKeepStill: no library exits, panics, prints, logs to a global
// logger, starts programs, reads the environment or works at import; nothing
// at all changes resource limits.
func TestLibrariesKeepStill(t *testing.T) {
	unused := map[string]string{}
	for key, reason := range excepted {
		unused[key] = reason
	}
	for _, s := range sources(t) {
		for _, o := range offences(s) {
			if key := s.path + " " + o.what; excepted[key] != "" {
				delete(unused, key)
				continue
			}
			t.Errorf("%s: %s", o.at, o.what)
		}
	}
	for key := range unused {
		t.Errorf("exception %q has nothing to except", key)
	}
}

// An offence is a call at a place.
type offence struct{ at, what string }

func offences(s *source) []offence {
	library := !s.command() && !within(s.dir(), "cmd")
	names := importNames(s)
	var found []offence
	ast.Inspect(s.file, func(n ast.Node) bool {
		what := ""
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				what = "func init"
			}
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "panic" {
				what = "panic"
			}
		case *ast.SelectorExpr:
			id, ok := n.X.(*ast.Ident)
			if !ok {
				return true
			}
			p := names[id.Name]
			if matches(bannedEverywhere[p], n.Sel.Name) {
				found = append(found, offence{s.at(n), id.Name + "." + n.Sel.Name})
			} else if matches(banned[p], n.Sel.Name) {
				what = id.Name + "." + n.Sel.Name
			}
		}
		if what != "" && library {
			found = append(found, offence{s.at(n), what})
		}
		return true
	})
	return found
}

// importNames maps the names that imports have in the file to their paths.
func importNames(s *source) map[string]string {
	names := map[string]string{}
	for _, spec := range s.file.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		name := path.Base(p)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = p
	}
	return names
}

func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		if start, star := strings.CutSuffix(p, "*"); name == p || star && strings.HasPrefix(name, start) {
			return true
		}
	}
	return false
}

func TestOffencesAreSeen(t *testing.T) {
	f := func(name, imports, body, want string) {
		t.Helper()
		text := "package x\nimport (" + imports + ")\n" + body
		if strings.HasPrefix(name, "main/") {
			text = strings.Replace(text, "package x", "package main", 1)
		}
		got := ""
		for _, o := range offences(parse(t, name, text)) {
			got += o.what + ";"
		}
		if got != want {
			t.Errorf("%s: %s: got %q, want %q", name, body, got, want)
		}
	}
	f("agent/x.go", "", "func init() {}", "func init;")
	f("agent/x.go", "", "type T int\nfunc (T) init() {}", "")
	f("agent/x.go", "", `func f() { panic("x") }`, "panic;")
	f("agent/x.go", `"os"`, "func f() { os.Exit(1); os.Getpid() }", "os.Exit;")
	f("agent/x.go", `"os"`, `var dir = os.Getenv("DIR")`, "os.Getenv;")
	f("agent/x.go", `"os"`, "var env = os.Environ // kept, not called", "os.Environ;")
	f("agent/x.go", `out "fmt"`, `func f() { out.Println("x"); out.Sprint("x") }`, "out.Println;")
	f("agent/x.go", `"log"`, `func f() { log.Fatalf("x") }`, "log.Fatalf;")
	f("agent/x.go", `"log/slog"`, `func f(l *slog.Logger) { l.Info("x"); slog.Info("x") }`, "slog.Info;")
	f("collectors/x.go", `"os/exec"`, `var c = exec.CommandContext`, "exec.CommandContext;")
	f("cmd/x/internal/y/x.go", `"os/exec"`, `var c = exec.Command`, "")
	f("cmd/x/internal/y/x.go", `"syscall"`, `var c = syscall.Setrlimit`, "syscall.Setrlimit;")
	f("main/x.go", `"golang.org/x/sys/unix"; "os"`, `func f() { unix.Setrlimit(0, nil); os.Exit(1) }`, "unix.Setrlimit;")
}
