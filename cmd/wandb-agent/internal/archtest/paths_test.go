package archtest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// personal matches the home folder of a person, who has more than one letter.
var personal = regexp.MustCompile(`(?:/home|/Users)/[A-Za-z][\w.-]+/`)

// TestNoMachinePaths: no file names a folder of the machine it was written on.
func TestNoMachinePaths(t *testing.T) {
	local := localFolders(t)
	walk(t, func(name string) {
		if filepath.Base(name) == "paths_test.go" {
			return
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if p := machinePath(text, local); p != "" {
			t.Errorf("%s names %s", name, p)
		}
	})
}

// machinePath returns a path of a machine that text holds, or "".
func machinePath(text []byte, local []string) string {
	if bytes.IndexByte(text, 0) >= 0 {
		return "" // a binary fixture, or a program that was left here
	}
	for _, dir := range local {
		if bytes.Contains(text, []byte(dir)) {
			return dir
		}
	}
	return string(personal.Find(text))
}

// localFolders are where the module and what Go needs lie on this machine.
func localFolders(t *testing.T) []string {
	t.Helper()
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "env", "GOMODCACHE", "GOCACHE").Output()
	if err != nil {
		t.Skipf("go env: %v", err)
	}
	var dirs []string
	for dir := range strings.Lines(here + "\n" + string(out)) {
		// A short one such as /src may stand in a text for another reason.
		if dir = strings.TrimSpace(dir); filepath.IsAbs(dir) && strings.Count(dir, string(filepath.Separator)) > 1 {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func TestMachinePathsAreSeen(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := machinePath([]byte(text), []string{"/src/here"}); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	f("see /home/somebody/notes", "/home/somebody/")
	f("see /Users/some.body/notes", "/Users/some.body/")
	f("cd /src/here && make", "/src/here")
	f("/home/x/.ssh and /proc/self/exe", "")
	f("a binary\x00 with /home/somebody/notes", "")
}
