package pydeps

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// host is a made-up machine: a system Python, two virtual environments, packages of
// a user, and processes.
func host(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	dist := func(site, name, version string) {
		write(t, filepath.Join(root, site, name+"-"+version+".dist-info/METADATA"), "Metadata-Version: 2.1\nName: "+name+"\nVersion: "+version+"\n\nName: not me\n")
	}
	dist("usr/lib/python3.11/site-packages", "numpy", "1.26.0")
	dist("usr/lib/python3.11/site-packages", "shared", "1.0")
	dist("usr/lib/python3.10/site-packages", "other", "3.10")
	dist("usr/lib/python3/dist-packages", "debian", "12")
	dist("people/ada/.local/lib/python3.11/site-packages", "shared", "2.0")
	dist("venv/lib/python3.11/site-packages", "torch", "2.4.1+cu121")
	dist("both/lib/python3.11/site-packages", "Shared", "9")
	dist("extra", "path-package", "0.1")
	write(t, filepath.Join(root, "extra/old.egg-info"), "Name: old\nVersion: 0.0.1\n")
	write(t, filepath.Join(root, "extra/older.egg-info/PKG-INFO"), "Name: older\r\nVersion: 0.0.2\r\n")
	write(t, filepath.Join(root, "extra/broken.dist-info/METADATA"), "Name: two words\nVersion: 1\n")
	write(t, filepath.Join(root, "extra/empty.dist-info/METADATA"), "")
	write(t, filepath.Join(root, "venv/pyvenv.cfg"), "home = /usr/bin\ninclude-system-site-packages = false\n")
	write(t, filepath.Join(root, "both/pyvenv.cfg"), "home = /usr/bin\nInclude-System-Site-Packages = True\n")
	for _, bin := range []string{"usr/bin/python3.11", "venv/bin/python", "both/bin/python"} {
		write(t, filepath.Join(root, bin), "")
	}
	return root
}

func TestSites(t *testing.T) {
	root := host(t)
	f := func(name string, args []string, environ []string, want ...string) {
		t.Helper()
		proc := t.TempDir()
		dir := filepath.Join(proc, "7")
		write(t, filepath.Join(dir, "cmdline"), strings.Join(args, "\x00")+"\x00")
		write(t, filepath.Join(dir, "environ"), strings.Join(environ, "\x00")+"\x00")
		for link, to := range map[string]string{"exe": "/usr/bin/python3.11", "cwd": "/venv/bin", "root": root} {
			if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
				t.Fatal(err)
			}
		}
		p, err := Look(proc, 7)
		if err != nil {
			t.Fatal(err)
		}
		if got := Requirements(p.Sites()); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q\n%+v", name, got, want, p)
		}
	}
	f("system", []string{"/usr/bin/python3.11"}, nil, "debian==12", "numpy==1.26.0", "shared==1.0")
	f("user", []string{"/usr/bin/python3.11"}, []string{"HOME=/people/ada"}, "debian==12", "numpy==1.26.0", "shared==2.0")
	f("no user", []string{"/usr/bin/python3.11"}, []string{"HOME=/people/ada", "PYTHONNOUSERSITE=1"}, "debian==12", "numpy==1.26.0", "shared==1.0")
	f("venv", []string{"/venv/bin/python", "train.py"}, []string{"HOME=/people/ada"}, "torch==2.4.1+cu121")
	f("venv by PATH", []string{"python"}, []string{"PATH=/nowhere:/venv/bin:/usr/bin"}, "torch==2.4.1+cu121")
	f("venv by a relative path", []string{"./python"}, nil, "torch==2.4.1+cu121")
	f("venv and system", []string{"/both/bin/python"}, nil, "Shared==9", "debian==12", "numpy==1.26.0")
	f("path", []string{"/venv/bin/python"}, []string{"PYTHONPATH=/extra::/gone"}, "old==0.0.1", "older==0.0.2", "path-package==0.1", "torch==2.4.1+cu121")
}

func TestLookAtNoProcess(t *testing.T) {
	if _, err := Look(t.TempDir(), 1); err == nil {
		t.Error("a process that is not there was looked at")
	}
}

// TestARealInterpreter: what it says of itself.
func TestARealInterpreter(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 here to compare with")
	}
	out, err := exec.Command(python, "-c", "import importlib.metadata as m\nfor d in m.distributions(): print(d.metadata['Name'] + '==' + d.version)").Output()
	if err != nil {
		t.Skip("python3 does not list its packages:", err)
	}
	want := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		want[strings.TrimSpace(line)] = true
	}
	cmd := exec.Command(python, "-c", "input()")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); cmd.Wait() }()
	var p Process
	for range 200 { // until it is no copy of this test any more
		if p, err = Look("", cmd.Process.Pid); err == nil && strings.HasPrefix(filepath.Base(p.Exe), "python") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	got := Requirements(p.Sites())
	missing := 0
	for _, line := range got {
		if !want[line] {
			t.Errorf("%s is not what the interpreter says", line)
		}
		delete(want, line)
	}
	for line := range want {
		missing++
		t.Logf("not found: %s", line)
	}
	if missing > 0 {
		t.Errorf("%d packages were not found in %q", missing, p.Sites())
	}
}

// FuzzMetadata: what is read fits into a line.
func FuzzMetadata(f *testing.F) {
	f.Add([]byte("Name: a\nVersion: 1\n\nName: b"))
	f.Add([]byte("name:\tx\r\nVERSION : 2"))
	f.Fuzz(func(t *testing.T, text []byte) {
		name, version := parseMetadata(text)
		if line := name + "==" + version; strings.ContainsAny(line, " \t\r\n\x00") {
			t.Errorf("%q", line)
		}
		_ = parseVenv(string(text))
	})
}
