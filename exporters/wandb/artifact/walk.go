package artifact

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

// Walk calls f for every file below dir, in the order of names: rel is its path
// below dir with slashes, name where it lies. Links to files count as files.
// Links to folders are followed with follow, and those that lead back to a
// folder above themselves are passed over. A FIFO, a socket or a device is an
// error: it is no file to keep, and reading it may never end.
func Walk(ctx context.Context, dir string, follow bool, f func(rel, name string) error) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no folder", dir)
	}
	if err != nil {
		return fmt.Errorf("walk: %w", err)
	}
	w := &walker{ctx: ctx, follow: follow, f: f}
	if err := w.folder("", dir, []os.FileInfo{info}); err != nil {
		return fmt.Errorf("walk %s: %w", dir, err)
	}
	return nil
}

type walker struct {
	ctx    context.Context
	follow bool
	f      func(rel, name string) error
}

// folder walks a folder; above holds it and those on the way to it.
func (w *walker) folder(rel, dir string, above []os.FileInfo) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if err := w.entry(path.Join(rel, e.Name()), filepath.Join(dir, e.Name()), e, above); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(rel, name string, e os.DirEntry, above []os.FileInfo) error {
	if e.Type().IsRegular() {
		return w.f(rel, name)
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		linked := e.Type()&os.ModeSymlink != 0
		if linked && (!w.follow || contains(above, info)) {
			return nil
		}
		return w.folder(rel, name, append(above[:len(above):len(above)], info))
	}
	if err := mustBeRegular(info, nil); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return w.f(rel, name)
}

func contains(list []os.FileInfo, info os.FileInfo) bool {
	for _, i := range list {
		if os.SameFile(i, info) {
			return true
		}
	}
	return false
}
