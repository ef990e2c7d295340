//go:build unix && !linux

package runlog

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// isLocal knows no file systems here: the log's own goroutine writes.
func isLocal(*os.File) bool { return false }

func datasync(f *os.File) error { return f.Sync() }

// lock takes the exclusive lock of an open file.
func lock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return ErrLocked
	case errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENOLCK):
		return errNoLocks
	}
	return err
}
