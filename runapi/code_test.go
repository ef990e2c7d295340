package runapi

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// repository makes a working tree with git itself, and goes there.
func repository(t *testing.T, files map[string]string, untracked ...string) (dir, commit string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git here to make a repository with")
	}
	dir = t.TempDir()
	t.Chdir(dir)
	git := func(args ...string) string {
		cmd := exec.Command("git", append([]string{"-c", "user.name=n", "-c", "user.email=e@x"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v: %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q", "-b", "trunk")
	git("remote", "add", "origin", "https://user:canary-password@example.com/r.git")
	for name, text := range files {
		write(t, name, text)
	}
	git("add", "-A")
	git("commit", "-q", "-m", "m")
	for _, name := range untracked {
		write(t, name, "untracked")
	}
	return dir, git("rev-parse", "HEAD")
}

// codeOf returns the artifact with code in a run's log, and the paths in it.
func codeOf(t *testing.T, dir string) (name string, paths []string) {
	t.Helper()
	logged(t, dir, func(rec *wandbpb.Record) string {
		if a := rec.GetArtifact(); a.GetType() == "code" {
			name = a.GetName()
			for _, e := range a.GetManifest().GetContents() {
				paths = append(paths, e.GetPath())
			}
		}
		return ""
	})
	return name, paths
}

func TestLogCode(t *testing.T) {
	dir, _ := repository(t, map[string]string{
		"main.go": "package main", "go.mod": "module x", "deep/a.py": "1", "deep/data.bin": "x", "wandb/old.py": "x", "deep/wandb/kept.py": "x",
	}, "deep/scratch.py", "notes.ipynb")
	if err := os.Symlink("main.go", "link.go"); err != nil {
		t.Fatal(err)
	}
	f := func(o CodeOptions, name string, want ...string) {
		t.Helper()
		s := quiet(t)
		s.Project, s.Program = "a project", filepath.Join(dir, "deep/a.py")
		r := start(t, s)
		l, err := r.LogCode(t.Context(), o)
		if err != nil || (l == nil) != (len(want) == 0) {
			t.Fatalf("%+v: %v, %v", o, l, err)
		}
		got, paths := codeOf(t, r.Dir())
		if !slices.Equal(paths, want) || len(want) > 0 && got != name {
			t.Errorf("%+v: %s has %q, want %s with %q", o, got, paths, name, want)
		}
		own, _ := r.state.Config()[ownKey].(map[string]any)
		if code := own["code_path"]; len(want) > 0 && code != name {
			t.Errorf("the config says %v, want %s", code, name)
		}
	}
	const name = "source-a_project-deep_a.py"
	f(CodeOptions{}, name, "deep/a.py", "deep/wandb/kept.py", "go.mod", "main.go")
	f(CodeOptions{Root: "deep"}, name, "a.py")
	f(CodeOptions{Root: "deep", Untracked: true}, name, "a.py", "scratch.py")
	f(CodeOptions{Untracked: true, Name: "mine"}, "mine", "deep/a.py", "deep/scratch.py", "deep/wandb/kept.py", "go.mod", "main.go", "notes.ipynb")
	f(CodeOptions{Include: func(path, root string) bool { return strings.HasSuffix(path, ".bin") && root == dir }}, name, "deep/data.bin")
	f(CodeOptions{Exclude: func(path, _ string) bool { return strings.Contains(path, "deep") }}, name, "go.mod", "main.go", "wandb/old.py")
	f(CodeOptions{Include: func(string, string) bool { return false }}, name)

	s := quiet(t)
	s.DisableCode, s.CodeDir, s.SaveCode, s.DisableGit = true, dir, true, false
	r := start(t, s)
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	if name, _ := codeOf(t, r.Dir()); name != "" {
		t.Errorf("%s was logged, against the settings", name)
	}
	if _, err := (*LoggedArtifact)(nil).Wait(t.Context()); !errors.Is(err, errNothingLogged) {
		t.Errorf("wait for nothing: %v", err)
	}
	if _, err := start(t, quiet(t)).LogCode(t.Context(), CodeOptions{Root: filepath.Join(dir, "gone"), Untracked: true}); err == nil {
		t.Error("a directory that is not there is no error")
	}
}

// TestLogCodeWithoutARepository walks; the directories of runs are left out, and
// the server has what was logged.
func TestLogCodeWithoutARepository(t *testing.T) {
	p := serve(t)
	s := p.online(t)
	s.Dir = t.TempDir()
	t.Chdir(s.Dir)
	write(t, "train.py", "print()")
	r := start(t, s)
	write(t, filepath.Join(r.FilesDir(), "mine.py"), "x")
	l, err := r.LogCode(patient(t), CodeOptions{Name: "code"})
	made(t, l, err)
	u, err := r.UseArtifact(patient(t), "code", UseOptions{Type: "code"})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := u.Manifest(patient(t)); err != nil || len(m.Entries) != 1 || m.Entries[0].Path != "train.py" {
		t.Errorf("stored is %+v, %v", m, err)
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	if text, err := p.File("local", "p", r.ID(), configFile); err != nil || !strings.Contains(string(text), "code_path: code") {
		t.Errorf("config.yaml does not name the code: %s, %v", text, err)
	}
}

// TestSaveCode: the state of the working tree, and a patch without secrets.
func TestSaveCode(t *testing.T) {
	_, commit := repository(t, map[string]string{"a.go": "one\ntwo\n", "b.go": "b\n"})
	check := func(change func(), want codeState, patch string) {
		t.Helper()
		change()
		s := quiet(t)
		s.DisableGit, s.SaveCode, s.CodeDir, s.Environ = false, true, ".", []string{"MY_TOKEN=canary-token-value"}
		r := start(t, s)
		if err := r.Finish(0); err != nil {
			t.Fatal(err)
		}
		var got codeState
		if err := json.Unmarshal([]byte(content(t, r, stateFile)), &got); err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if string(a) != string(b) {
			t.Errorf("the state is %s, want %s", a, b)
		}
		text, _ := os.ReadFile(filepath.Join(r.FilesDir(), patchFile))
		if strings.Contains(string(text), "canary") {
			t.Errorf("the patch has a secret: %s", text)
		}
		if !strings.HasSuffix(string(text), patch) || (patch == "") != (len(text) == 0) {
			t.Errorf("the patch is %s, want %q", text, patch)
		}
		if _, paths := codeOf(t, r.Dir()); len(paths) == 0 {
			t.Errorf("the code has %q", paths)
		}
		names := logged(t, r.Dir(), func(rec *wandbpb.Record) string {
			for _, f := range rec.GetFiles().GetFiles() {
				if f.GetPath() == stateFile {
					return stateFile
				}
			}
			return ""
		})
		if len(names) != 1 {
			t.Errorf("the log names it %d times", len(names))
		}
	}
	clean := codeState{Commit: commit, Branch: "trunk", Remote: "https://***@example.com/r.git"}
	check(func() {}, clean, "")
	dirty := clean
	dirty.Dirty, dirty.Changes, dirty.Patch = true, []codeChange{{"a.go", "M"}, {"b.go", "D"}}, patchFile
	check(func() {
		write(t, "a.go", "one\nkey = canary-token-value\n")
		if err := os.Remove("b.go"); err != nil {
			t.Fatal(err)
		}
	}, dirty, "-b\n")
	if text, _ := os.ReadFile(patchFile); len(text) > 0 {
		t.Error("it wrote into the working tree")
	}
}
