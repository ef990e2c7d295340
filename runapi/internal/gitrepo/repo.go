package gitrepo

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Repo is a repository and its working tree. It is for one goroutine.
type Repo struct {
	root      string // of the working tree
	gitDir    string // has index and HEAD
	common    string // has objects
	hashBytes int

	dirs      []string // of objects
	packs     []*pack
	packsOpen bool
}

// Open returns the repository of a working tree. gitDir is its .git; common holds
// what several working trees share, and is gitDir for most.
func Open(root, gitDir, common string) *Repo {
	return &Repo{root: root, gitDir: gitDir, common: common, hashBytes: hashBytes(common)}
}

// Close lets go of the packs.
func (r *Repo) Close() {
	for _, p := range r.packs {
		p.close()
	}
	r.packs, r.packsOpen = nil, false
}

// hashBytes is the length of object ids: 32 where the config says so.
func hashBytes(common string) int {
	f, err := os.Open(filepath.Join(common, "config"))
	if err != nil {
		return 20
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return 20
	}
	for line := range strings.Lines(strings.ToLower(string(text))) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if strings.TrimSpace(key) == "objectformat" && strings.TrimSpace(value) == "sha256" {
			return 32
		}
	}
	return 20
}

// objectDirs are the places of objects: the repository's own and its alternates.
func (r *Repo) objectDirs() []string {
	if r.dirs != nil {
		return r.dirs
	}
	r.dirs = []string{filepath.Join(r.common, "objects")}
	for i := 0; i < len(r.dirs) && len(r.dirs) < 8; i++ {
		f, err := os.Open(filepath.Join(r.dirs[i], "info", "alternates"))
		if err != nil {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(f, 64<<10))
		f.Close()
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				if !filepath.IsAbs(line) {
					line = filepath.Join(r.dirs[i], line)
				}
				r.dirs = append(r.dirs, line)
			}
		}
	}
	return r.dirs
}

// Tracked returns the files that the repository tracks and that are meant to be in
// the working tree, sorted; submodules are none.
func (r *Repo) Tracked() ([]Entry, error) {
	all, err := ReadIndex(filepath.Join(r.gitDir, "index"), r.hashBytes)
	if err != nil {
		return nil, err
	}
	kept := all[:0]
	for _, e := range all {
		if !e.absent && (e.Mode == modeFile || e.Mode == modeExec || e.Mode == modeLink) {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

// treeEntry is a file of a commit.
type treeEntry struct {
	mode uint32
	id   string
}

// tree returns the files of a commit, by path.
func (r *Repo) tree(ctx context.Context, commit string) (map[string]treeEntry, error) {
	k, data, err := r.object(commit, maxTree)
	if err != nil {
		return nil, err
	}
	id, ok := strings.CutPrefix(string(data), "tree ")
	if k != kindCommit || !ok || len(id) < 2*r.hashBytes {
		return nil, fmt.Errorf("%w: %s is no commit", ErrFormat, commit)
	}
	files := map[string]treeEntry{}
	return files, r.walk(ctx, id[:2*r.hashBytes], "", files, 0)
}

func (r *Repo) walk(ctx context.Context, id, dir string, files map[string]treeEntry, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	k, data, err := r.object(id, maxTree)
	if err != nil {
		return err
	}
	if k != kindTree || depth > 256 {
		return fmt.Errorf("%w: %s is no tree", ErrFormat, id)
	}
	return parseTree(data, r.hashBytes, func(mode uint32, name, id string) error {
		at := path.Join(dir, name)
		if mode == modeTree {
			return r.walk(ctx, id, at, files, depth+1)
		}
		if len(files) >= maxEntries {
			return ErrTooLarge
		}
		files[at] = treeEntry{mode, id}
		return nil
	})
}

// parseTree calls f for each entry of a tree object.
func parseTree(data []byte, hashBytes int, f func(mode uint32, name, id string) error) error {
	for len(data) > 0 {
		head, rest, ok := bytes.Cut(data, []byte{0})
		octal, name, found := strings.Cut(string(head), " ")
		mode, err := strconv.ParseUint(octal, 8, 32)
		if !ok || !found || err != nil || len(rest) < hashBytes || strings.Contains(name, "/") || checkPath(name) != nil {
			return fmt.Errorf("%w: an entry of a tree", ErrFormat)
		}
		if err := f(uint32(mode), name, hex.EncodeToString(rest[:hashBytes])); err != nil {
			return err
		}
		data = rest[hashBytes:]
	}
	return nil
}
