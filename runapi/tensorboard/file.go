package tensorboard

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// file is an event file that is followed. No descriptor is held: a directory may
// have more files than a process has descriptors.
type file struct {
	path string
	dir  *rows // of its directory

	was    fs.FileInfo // when it was last read to its end; nil when it was not
	is     fs.FileInfo // as it is in this pass
	scan   scanner
	tags   tags
	next   event // not yet in a row, if ready
	ready  bool
	broken int64 // records that are no events

	lostBefore damage // of what the file was before it was replaced
	restarts   int64
}

func newFile(path string, dir *rows) *file {
	f := &file{path: path, dir: dir, tags: tags{}}
	f.scan.from = f
	return f
}

// look says whether there may be something to read: the file has changed since
// it was read to its end. One that is another file now, or a shorter one, is read
// from its beginning.
func (f *file) look() (bool, error) {
	st, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // what it had is in the run
	}
	if err != nil {
		return false, err
	}
	if f.is != nil && (!os.SameFile(f.is, st) || st.Size() < f.scan.off) {
		f.restart()
	}
	f.is = st
	return f.was == nil || f.was.Size() != st.Size() || !f.was.ModTime().Equal(st.ModTime()), nil
}

func (f *file) restart() {
	f.lostBefore.records += f.scan.bad.records
	f.lostBefore.bytes += f.scan.bad.bytes
	f.scan = scanner{from: f}
	f.was, f.tags, f.ready = nil, tags{}, false
	f.restarts++
}

// ReadAt opens the file for one read: io.ReaderAt of the scanner. A file that has
// been replaced since look is read in the next pass.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	h, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // never waits for a pipe
	if err != nil {
		return 0, err
	}
	defer h.Close()
	st, err := h.Stat()
	if err != nil {
		return 0, err
	}
	if !st.Mode().IsRegular() || !os.SameFile(f.is, st) {
		return 0, errReplaced
	}
	return h.ReadAt(p, off)
}

// errReplaced ends a pass over a file.
var errReplaced = errors.New("file was replaced while it was read")

// peek makes the next event ready; false when there is none at this moment.
// stop ends a long search for one.
func (f *file) peek(stop func() bool) (bool, error) {
	for !f.ready {
		data, p, err := f.scan.next()
		if err != nil {
			f.scan.forget()
			return false, err
		}
		if p == end {
			f.was = f.is
			f.scan.forget()
			return false, nil
		}
		if stop() {
			return false, nil
		}
		if p != got {
			continue
		}
		if f.next, err = parseEvent(data); err != nil {
			f.broken++
			continue
		}
		f.ready = len(f.next.values) > 0
	}
	return true, nil
}

// rest is how many bytes were not read: of a record that is not all there.
func (f *file) rest() int64 {
	if f.is == nil {
		return 0
	}
	return max(f.is.Size()-f.scan.off, 0)
}
