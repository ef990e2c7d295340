package gitrepo

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Change is a tracked file that is not what it is in a commit.
type Change struct {
	Path    string
	Status  byte // A added, D deleted, M modified
	oldMode uint32
	newMode uint32
	oldID   string
	newID   string
	old     []byte // nil: too large, or not wanted
	new     []byte
	shown   bool // old and new are there
}

// Changes compares the tracked files of the working tree with a commit, as git
// diff does with HEAD. Files whose size and time are those that git has seen are not
// read.
func (r *Repo) Changes(ctx context.Context, commit string) ([]Change, error) {
	then, err := r.tree(ctx, commit)
	if err != nil {
		return nil, err
	}
	all, err := ReadIndex(filepath.Join(r.gitDir, "index"), r.hashBytes)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	seen, err := os.Stat(filepath.Join(r.gitDir, "index"))
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(r.root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var changes []Change
	for _, e := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		was, had := then[e.Path]
		delete(then, e.Path)
		if e.absent || e.Mode == modeGitlink {
			continue
		}
		st, err := root.Lstat(filepath.FromSlash(e.Path))
		if err == nil && had && was == (treeEntry{e.Mode, e.ID}) && e.untouched(st) && st.ModTime().Before(seen.ModTime()) {
			continue
		}
		c, err := r.compare(root, e.Path, was, st)
		if err != nil {
			return nil, err
		}
		if c.Status != 0 {
			changes = append(changes, c)
		}
	}
	for path, was := range then { // removed from the index
		if was.mode == modeGitlink {
			continue
		}
		c, err := r.compare(root, path, was, nil)
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return changes, nil
}

// compare makes the change of one file; st is nil when it is not there.
func (r *Repo) compare(root *os.Root, path string, was treeEntry, st fs.FileInfo) (Change, error) {
	c := Change{Path: path, Status: 'M', oldMode: was.mode, oldID: was.id}
	var err error
	if st != nil && (st.Mode().IsRegular() || st.Mode()&fs.ModeSymlink != 0) {
		c.newMode = gitMode(st.Mode())
		if c.newID, c.new, err = r.content(root, path, st); err != nil {
			return c, err
		}
	}
	switch {
	case c.oldID == c.newID && c.oldMode == c.newMode:
		return Change{}, nil
	case c.oldID == "":
		c.Status = 'A'
	case c.newID == "":
		c.Status = 'D'
	}
	if c.oldID != "" && c.oldID != c.newID {
		_, c.old, err = r.object(c.oldID, maxFile)
		if err != nil && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrNoObject) {
			return c, err
		}
	}
	c.shown = (c.oldID == "" || c.old != nil) && (c.newID == "" || c.new != nil)
	return c, nil
}

// untouched says whether a file is as git saw it last.
func (e *Entry) untouched(st fs.FileInfo) bool {
	return st.ModTime().Equal(e.mod) && uint32(st.Size()) == e.size && gitMode(st.Mode()) == e.Mode
}

func gitMode(m fs.FileMode) uint32 {
	switch {
	case m&fs.ModeSymlink != 0:
		return modeLink
	case m&0o100 != 0:
		return modeExec
	}
	return modeFile
}

// content returns the object id of a file as it is, and what it holds when that is
// not too large.
func (r *Repo) content(root *os.Root, path string, st fs.FileInfo) (string, []byte, error) {
	name := filepath.FromSlash(path)
	if st.Mode()&fs.ModeSymlink != 0 {
		target, err := root.Readlink(name)
		if err != nil {
			return "", nil, err
		}
		return r.blobID(int64(len(target)), strings.NewReader(target)), []byte(target), nil
	}
	f, err := root.Open(name)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	if st.Size() > maxFile {
		return r.blobID(st.Size(), io.LimitReader(f, st.Size())), nil, nil
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return "", nil, err
	}
	return r.blobID(int64(len(data)), strings.NewReader(string(data))), append([]byte{}, data...), nil
}

// blobID is how git would call a file.
func (r *Repo) blobID(size int64, from io.Reader) string {
	var h hash.Hash = sha1.New()
	if r.hashBytes == sha256.Size {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00", size)
	_, _ = io.Copy(h, from) // a file that cannot be read to its end has another id, and is a change
	return hex.EncodeToString(h.Sum(nil))
}
