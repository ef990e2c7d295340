//go:build unix

package artifact

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// linkInto makes a hard link to a file in an open folder, so that links in the
// way lead nowhere else.
func linkInto(folder *os.File, name, file string) error {
	return unix.Linkat(unix.AT_FDCWD, file, int(folder.Fd()), name, 0)
}

// linkOut makes a hard link to a file of an open folder.
func linkOut(folder *os.File, name, to string) error {
	return unix.Linkat(int(folder.Fd()), name, unix.AT_FDCWD, to, 0)
}

// linkCount is how many names a file has.
func linkCount(info os.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 1
}
