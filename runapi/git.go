package runapi

import (
	"os"
	"path/filepath"
	"strings"
)

// maxGitFile bounds what is read of a file in .git.
const maxGitFile = 4 << 20

// gitInfo is what a working tree says about itself.
type gitInfo struct {
	Root   string // directory that holds .git
	Remote string // url of origin, as configured
	Commit string // 40 or 64 hex digits; "" before the first commit
	Branch string // that is checked out; "" for a commit by itself
}

// gitProbe reads .git of the working tree that dir lies in; the zero gitInfo
// when there is none. It runs no program: a hook or a config of the
// repository is never executed.
func gitProbe(dir string) gitInfo {
	root, gitDir := findGit(dir)
	if gitDir == "" {
		return gitInfo{}
	}
	common := commonDir(gitDir)
	return gitInfo{
		Root:   root,
		Remote: gitRemote(filepath.Join(common, "config")),
		Commit: gitCommit(gitDir, common),
		Branch: gitBranch(gitDir),
	}
}

// findGit walks up from dir to the first .git, a directory or a file that
// names one (worktrees, submodules).
func findGit(dir string) (root, gitDir string) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", ""
	}
	for {
		path := filepath.Join(dir, ".git")
		if st, err := os.Stat(path); err == nil {
			if st.IsDir() {
				return dir, path
			}
			if target, ok := strings.CutPrefix(gitLine(path), "gitdir:"); ok {
				return dir, absolute(dir, strings.TrimSpace(target))
			}
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", ""
		}
		dir = up
	}
}

// commonDir is where a worktree's shared files (config, packed-refs) are.
func commonDir(gitDir string) string {
	if c := gitLine(filepath.Join(gitDir, "commondir")); c != "" {
		return absolute(gitDir, c)
	}
	return gitDir
}

// gitBranch is the branch that HEAD names.
func gitBranch(gitDir string) string {
	ref, _ := strings.CutPrefix(gitLine(filepath.Join(gitDir, "HEAD")), "ref:")
	if branch, ok := strings.CutPrefix(strings.TrimSpace(ref), "refs/heads/"); ok {
		return branch
	}
	return ""
}

// gitCommit follows HEAD to a commit.
func gitCommit(gitDir, common string) string {
	head := gitLine(filepath.Join(gitDir, "HEAD"))
	ref, ok := strings.CutPrefix(head, "ref:")
	if !ok {
		return commitID(head)
	}
	ref = strings.TrimSpace(ref)
	if strings.Contains(ref, "..") || !strings.HasPrefix(ref, "refs/") {
		return ""
	}
	for _, dir := range []string{gitDir, common} {
		if id := commitID(gitLine(filepath.Join(dir, filepath.FromSlash(ref)))); id != "" {
			return id
		}
	}
	packed, err := readBounded(filepath.Join(common, "packed-refs"), maxGitFile)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(packed)) {
		if id, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == ref {
			return commitID(id)
		}
	}
	return ""
}

// commitID returns s when it is a SHA-1 or SHA-256 in hex.
func commitID(s string) string {
	if len(s) != 40 && len(s) != 64 {
		return ""
	}
	if strings.Trim(s, "0123456789abcdef") != "" {
		return ""
	}
	return s
}

// gitRemote finds url in the section [remote "origin"] of a git config file.
func gitRemote(path string) string {
	data, err := readBounded(path, maxGitFile)
	if err != nil {
		return ""
	}
	origin := false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			origin = strings.Join(strings.Fields(line), " ") == `[remote "origin"]`
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if origin && ok && strings.EqualFold(strings.TrimSpace(key), "url") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// gitLine returns the first line of a small file, "" when it cannot be read.
func gitLine(path string) string {
	data, err := readBounded(path, maxGitFile)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSpace(line)
}

func absolute(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}
