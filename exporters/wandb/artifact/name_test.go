package artifact

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckPath(t *testing.T) {
	f := func(name string, anywhere, portable bool) {
		t.Helper()
		for _, c := range []struct{ portable, want bool }{{false, anywhere}, {true, portable}} {
			if err := CheckPath(name, c.portable); (err == nil) != c.want || err != nil && !errors.Is(err, ErrBadName) {
				t.Errorf("CheckPath(%q, portable %v): got %v, want good %v", name, c.portable, err, c.want)
			}
		}
	}
	f("a", true, true)
	f("a/b.c/d e", true, true)
	f("..a/b..", true, false)
	f("größe/日本", true, true)
	f("", false, false)
	f(".", false, false)
	f("..", false, false)
	f("../a", false, false)
	f("a/../../b", false, false)
	f("a/../b", false, false)
	f("a/./b", false, false)
	f("a//b", false, false)
	f("a/", false, false)
	f("/etc/passwd", false, false)
	f("//host/share", false, false)
	f("a\x00b", false, false)
	f("a\xffb", false, false)
	f(strings.Repeat("x", 256), false, false)
	f(`a\..\b`, true, false)
	f(`C:\x`, true, false)
	f("c:x", true, false)
	f("file:stream", true, false)
	f("NUL", true, false)
	f("aux.py", true, false)
	f("a/con.tar.gz", true, false)
	f("COM1", true, false)
	f("lpt9.txt", true, false)
	f("com", true, true)
	f("com10", true, true)
	f("console", true, true)
	f("a.", true, false)
	f("a /b", true, false)
}

func TestCheckNames(t *testing.T) {
	f := func(names string, anywhere, portable bool) {
		t.Helper()
		m := &Manifest{}
		for name := range strings.SplitSeq(names, " ") {
			m.Entries = append(m.Entries, Entry{Path: name})
		}
		for _, c := range []struct{ portable, want bool }{{false, anywhere}, {true, portable}} {
			if err := m.CheckNames(c.portable); (err == nil) != c.want || err != nil && !errors.Is(err, ErrBadName) {
				t.Errorf("CheckNames(%q, portable %v): got %v, want good %v", names, c.portable, err, c.want)
			}
		}
	}
	f("a b", true, true)
	f("a/x a/y b/x", true, true)
	f("a A", true, false)
	f("d/x D/y", true, false)
	f("straße STRASSE", true, true)
	f("k \u212a", true, false) // the Kelvin sign is a k
	f("a a/b", false, false)
	f("a/b a", false, false)
	f("a a", false, false)
	f("a/b/c a/b", false, false)
	f("a/b/c A/b/d", true, false)
}

// FuzzCheckPath: a path that is not refused leads to a place in its folder.
func FuzzCheckPath(f *testing.F) {
	for _, s := range []string{"a/b", "../x", "/x", "a/../../b", "nul", `\\x\y`, "a\x00", "..."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if CheckPath(name, false) != nil {
			if CheckPath(name, true) == nil {
				t.Fatalf("%q is portable and refused", name)
			}
			return
		}
		rel, err := filepath.Rel("/root", filepath.Join("/root", name))
		if err != nil || rel != filepath.FromSlash(name) || !filepath.IsLocal(rel) {
			t.Fatalf("%q leads to %q, %v", name, rel, err)
		}
	})
}

// TestNamesOutside: an os.Root is what stands between a manifest and the disk,
// if a name should pass for good.
func TestNamesOutside(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, name := range []string{"../x", "/x", "a/../../x"} {
		if f, err := root.Create(name); err == nil {
			f.Close()
			t.Errorf("%q was made", name)
		}
	}
}
