//go:build unix

package procfile

import (
	"errors"
	"io/fs"
	"syscall"
)

// File is an open kernel file. Its methods are for one goroutine at a time.
type File struct {
	fd   int
	path string
}

// Open opens path for reading. The error is a *fs.PathError with the errno.
func Open(path string) (*File, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err == nil {
			return &File{fd: fd, path: path}, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// Path returns the path the file was opened by.
func (f *File) Path() string { return f.path }

// Fd returns the descriptor; it stays the file's.
func (f *File) Fd() int { return f.fd }

// Close releases the descriptor; a second Close does nothing.
func (f *File) Close() error {
	if f == nil || f.fd < 0 {
		return nil
	}
	fd := f.fd
	f.fd = -1
	return syscall.Close(fd)
}

// Buffer is the memory that readings are made in. It grows to the largest file
// and is shared by all files of one goroutine: a reading is valid until the
// next one.
type Buffer struct{ b []byte }

const firstSize = 4096

// maxSize bounds what one kernel file may fill: 64 MiB is ten times
// /proc/interrupts of the largest machines known.
const maxSize = 64 << 20

// ErrTooLarge is returned for a file above 64 MiB.
var ErrTooLarge = errors.New("kernel file above 64 MiB")

// Read reads f from the start to its end. List-like files return about a page
// a call, so a short read is not the end: only a read of 0 bytes is.
func (f *File) Read(buf *Buffer) ([]byte, error) { return f.read(buf, false) }

// ReadOnce reads f by one pread and takes a short read for the end. Only for
// files whose kernel side writes everything in one go (loadavg, stat of a
// process, PSI, single-value files).
func (f *File) ReadOnce(buf *Buffer) ([]byte, error) { return f.read(buf, true) }

func (f *File) read(buf *Buffer, once bool) ([]byte, error) {
	if buf.b == nil {
		buf.b = make([]byte, firstSize)
	}
	n := 0
	for {
		if n == len(buf.b) {
			if n >= maxSize {
				return nil, &fs.PathError{Op: "read", Path: f.path, Err: ErrTooLarge}
			}
			buf.b = append(buf.b, make([]byte, len(buf.b))...)
		}
		m, err := syscall.Pread(f.fd, buf.b[n:], int64(n))
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, &fs.PathError{Op: "read", Path: f.path, Err: err}
		}
		n += m
		if m == 0 || (once && n < len(buf.b)) {
			return buf.b[:n], nil
		}
	}
}
