package runlog

import (
	"errors"
	"os"
)

// Alive says whether a writer has the log of the run open, or a part of it.
// It cannot be told of other programs, which do not lock their logs, nor where
// the file system has no locks.
func (d *Dir) Alive() (bool, error) {
	paths, err := d.parts()
	if err != nil {
		return false, err
	}
	for _, path := range append(paths, d.LogPath()) {
		f, err := openLocked(path, 0)
		switch {
		case errors.Is(err, ErrLocked):
			return true, nil
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return false, err
		default:
			f.Close()
		}
	}
	return false, nil
}
