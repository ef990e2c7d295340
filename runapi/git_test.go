package runapi

import (
	"path/filepath"
	"strings"
	"testing"
)

const sha = "0123456789abcdef0123456789abcdef01234567"

func TestGitProbe(t *testing.T) {
	root := t.TempDir()
	file := func(name, text string) { t.Helper(); write(t, filepath.Join(root, name), text) }
	file("repo/.git/HEAD", "ref: refs/heads/main\n")
	file("repo/.git/refs/heads/main", sha+"\n")
	file("repo/.git/config", "[core]\n\turl = no\n[remote \"upstream\"]\n\turl = no\n[remote \"origin\"]\n\turl = https://u:p@host/x.git\n")
	file("repo/sub/dir/x", "")
	file("packed/.git/HEAD", "ref: refs/heads/old\n")
	file("packed/.git/packed-refs", "# pack-refs\n"+strings.Repeat("f", 40)+" refs/heads/older\n"+sha+" refs/heads/old\n")
	file("detached/.git/HEAD", sha+"\n")
	file("tree/.git", "gitdir: ../repo/.git/worktrees/tree\n")
	file("repo/.git/worktrees/tree/HEAD", "ref: refs/heads/main\n")
	file("repo/.git/worktrees/tree/commondir", "../..\n")
	file("evil/.git/HEAD", "ref: refs/../../../secret\n")
	file("fresh/.git/HEAD", "ref: refs/heads/main\n")
	f := func(dir string, want gitInfo) {
		t.Helper()
		if want.Root != "" {
			want.Root = filepath.Join(root, want.Root)
		}
		if got := gitProbe(filepath.Join(root, dir)); got != want {
			t.Errorf("gitProbe(%s) = %+v, want %+v", dir, got, want)
		}
	}
	f("repo/sub/dir", gitInfo{"repo", "https://u:p@host/x.git", sha, "main"})
	f("packed", gitInfo{"packed", "", sha, "old"})
	f("detached", gitInfo{"detached", "", sha, ""})
	f("tree", gitInfo{"tree", "https://u:p@host/x.git", sha, "main"})
	f("evil", gitInfo{"evil", "", "", ""})
	f("fresh", gitInfo{"fresh", "", "", "main"})
	f("", gitInfo{})
}

func TestProjectNameOfRepository(t *testing.T) {
	s := quiet(t)
	s.Project, s.DisableGit = "", false
	repo := filepath.Join(t.TempDir(), "my repo:x")
	write(t, filepath.Join(repo, ".git/HEAD"), sha)
	s.GitRoot = repo
	if r := start(t, s); r.Project() != "my repo_x" {
		t.Errorf("project is %q", r.Project())
	}
	s.DisableGit, s.Dir = true, t.TempDir()
	if r := start(t, s); r.Project() != defaultProject {
		t.Errorf("project is %q, want %q", r.Project(), defaultProject)
	}
}

func FuzzGitConfig(f *testing.F) {
	f.Add("[remote \"origin\"]\n\turl = https://host/x\n")
	f.Add("[remote \"origin\"\n url\n=\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "config")
		write(t, path, text)
		if url := gitRemote(path); url != "" && !strings.Contains(text, url) {
			t.Fatalf("url %q is not in %q", url, text)
		}
	})
}
