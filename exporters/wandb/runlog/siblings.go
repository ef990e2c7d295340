package runlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// FindSiblings lists the run directories in wandbDir that have id in their name
// and hold a log or a part of the run called so, in the order of their names. Several are the logs of
// several writers, or of several sessions, of one run: see [Join].
func FindSiblings(wandbDir, id string) ([]*Dir, error) {
	entries, err := os.ReadDir(wandbDir)
	if err != nil {
		return nil, fmt.Errorf("find logs of run %s: %w", id, err)
	}
	var found []*Dir
	for _, e := range entries {
		if !e.IsDir() || !strings.Contains(e.Name(), id) { // latest-run is a link
			continue
		}
		d := &Dir{Path: filepath.Join(wandbDir, e.Name()), RunID: id}
		if d.hasLog() {
			found = append(found, d)
		}
	}
	return found, nil
}

// Siblings lists the other directories beside d that have a log of the same run,
// and the client's or ours that belongs to it, wherever that is.
func (d *Dir) Siblings() ([]*Dir, error) {
	all, err := FindSiblings(filepath.Dir(d.Path), d.RunID)
	if err != nil {
		return nil, err
	}
	if more := d.ClientDir(); more != nil {
		all = append(all, more)
	}
	if more := d.Around(); more != nil {
		all = append(all, more)
	}
	var others []*Dir
	seen := map[string]bool{resolved(d.Path): true}
	for _, o := range all {
		if path := resolved(o.Path); !seen[path] {
			seen[path] = true
			others = append(others, o)
		}
	}
	return others, nil
}

// resolved is the path without links; as it is where that cannot be told.
func resolved(path string) string {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		path = p
	}
	if p, err := filepath.Abs(path); err == nil {
		path = p
	}
	return path
}

// hasLog says whether the directory has the run's log or a part of it.
func (d *Dir) hasLog() bool {
	if _, err := os.Stat(d.LogPath()); err == nil {
		return true
	}
	parts, err := d.parts()
	return err == nil && len(parts) > 0
}

// joinedPath is the file that says into which directory this one was joined.
func (d *Dir) joinedPath() string { return d.file("wandb.joined") }

// JoinedInto is the name of the directory whose log has what this one's has;
// "" unless [Join] has put it there. The text is what the marker file says:
// the directory may have been moved since.
func (d *Dir) JoinedInto() string {
	text, err := os.ReadFile(d.joinedPath())
	if err != nil {
		return ""
	}
	return filepath.Base(strings.TrimSpace(string(text)))
}

// markJoined leaves the marker; true if it was not there.
func (d *Dir) markJoined(main *Dir) (bool, error) {
	name := filepath.Base(main.Path)
	if d.JoinedInto() == name {
		return false, nil
	}
	if err := replaceFile(d.joinedPath(), []byte(name+"\n")); err != nil {
		return false, fmt.Errorf("mark %s as joined: %w", d.Path, err)
	}
	return true, nil
}

// replaceFile writes a small file in one step.
func replaceFile(path string, text []byte) error {
	temp := path + ".tmp"
	if err := os.WriteFile(temp, text, 0o600); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// sent says whether an upload has begun to send this directory's log, so that
// what stands in it must stay where it is. The official client leaves its
// starting step (syncstate) in every directory, but in those of offline runs that
// says nothing.
func (d *Dir) sent() bool {
	there := func(ext string) bool {
		_, err := os.Stat(d.file(ext))
		return !errors.Is(err, fs.ErrNotExist)
	}
	online := strings.HasPrefix(filepath.Base(d.Path), "run-")
	return there("upload") || there("wandb.synced") || online && there("wandb.syncstate")
}

// lockNamed takes the lock of f, which was opened at path, and makes sure that
// no join has put another file in its place before.
func lockNamed(f *os.File, path string) error {
	if err := lock(f); err != nil {
		return err
	}
	have, err := f.Stat()
	if err != nil {
		return err
	}
	want, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(have, want) {
		return ErrLocked
	}
	return err
}
