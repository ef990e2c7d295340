package runlog

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrLocked means that another process (or another Writer of this one) has
// the log open for writing.
var ErrLocked = errors.New("another writer has it open")

// errNoLocks means that the file system has no locks (some Lustre mounts).
var errNoLocks = errors.New("the file system has no locks")

// File is what a [Writer] needs of its file. Calls may come from several
// goroutines, but never two WriteAt or Truncate at a time.
type File interface {
	io.WriterAt
	Truncate(size int64) error // cuts off what a failed write left
	Datasync() error           // data and size are on stable storage when it returns nil
	Close() error              // gives up the lock too
}

type osFile struct{ *os.File }

func (f osFile) Datasync() error { return datasync(f.File) }

// openLocked opens a log and takes its lock. The lock belongs to the open
// file, so it ends with the process however that dies. Where there are no
// locks the log is unguarded: that is no reason to refuse to log.
func openLocked(path string, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open run log: %w", err)
	}
	if err := lockNamed(f, path); err != nil && !errors.Is(err, errNoLocks) {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

// LockFile takes an exclusive lock on the file at path, which it makes if need
// be, and returns what gives the lock up. While somebody else holds it the
// error is ErrLocked. Where the file system has no locks, nothing is locked.
func LockFile(path string) (unlock func() error, err error) {
	f, err := openLocked(path, os.O_CREATE)
	if err != nil {
		return nil, err
	}
	return f.Close, nil
}
