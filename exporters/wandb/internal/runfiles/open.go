package runfiles

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"unicode/utf8"
)

// ErrRefused says that a name or a file must not be sent.
var ErrRefused = errors.New("refused")

// cleanName returns name with slashes, or why no file of a run has it.
func cleanName(name string) (string, error) {
	slashed := filepath.ToSlash(name)
	switch {
	case name == "" || strings.ContainsRune(name, 0) || !utf8.ValidString(name):
		return "", fmt.Errorf("file name %q: %w: no name of a file", name, ErrRefused)
	case path.IsAbs(slashed) || filepath.IsAbs(name):
		return "", fmt.Errorf("file name %q: %w: absolute", name, ErrRefused)
	case slices.Contains(strings.Split(slashed, "/"), ".."):
		return "", fmt.Errorf("file name %q: %w: leads upwards", name, ErrRefused)
	}
	clean := path.Clean(slashed)
	if clean == "." || !filepath.IsLocal(filepath.FromSlash(clean)) {
		return "", fmt.Errorf("file name %q: %w: no name of a file", name, ErrRefused)
	}
	return clean, nil
}

// ignored says whether the user does not want a file stored.
func (u *Uploader) ignored(name string) bool {
	return slices.ContainsFunc(u.o.Ignore, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// stat looks at f without opening it.
func (u *Uploader) stat(f *file) (fs.FileInfo, error) {
	if source := u.sourceOf(f); source != "" {
		return os.Stat(source)
	}
	return u.o.Root.Stat(filepath.FromSlash(f.name))
}

func (u *Uploader) sourceOf(f *file) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return f.source
}

// open opens f if it is a regular file. It is looked at before it is opened,
// because opening a pipe lets a waiting writer go on, and afterwards, because
// it may be another one by then.
func (u *Uploader) open(f *file) (*os.File, error) {
	info, err := u.stat(f)
	if err != nil {
		return nil, refusal(err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open %s: %w: %v is no regular file", f.name, ErrRefused, info.Mode().Type())
	}
	return u.openFile(f)
}

// openFile opens f without waiting for anybody and takes only a regular file.
func (u *Uploader) openFile(f *file) (r *os.File, err error) {
	const flags = os.O_RDONLY | syscall.O_NONBLOCK
	if source := u.sourceOf(f); source != "" {
		r, err = os.OpenFile(source, flags, 0)
	} else {
		r, err = u.o.Root.OpenFile(filepath.FromSlash(f.name), flags, 0)
	}
	if err != nil {
		return nil, refusal(err)
	}
	info, err := r.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("open %s: %w: no regular file any more", f.name, ErrRefused)
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// refusal marks errors that are about the way to a file: one that leads out of
// the root, or that may not be walked.
func refusal(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}

// A version is a state that a file was in.
type version struct {
	stamp
	md5 string
}

// digest reads r once.
func digest(r *os.File) (version, error) {
	info, err := r.Stat()
	if err != nil {
		return version{}, err
	}
	h := md5.New()
	v := version{stamp: stampOf(info)}
	if _, err = io.Copy(h, io.NewSectionReader(r, 0, v.size)); err != nil {
		return version{}, err
	}
	v.md5 = hex.EncodeToString(h.Sum(nil))
	return v, nil
}

// A checked body digests what is read from its start to its end; reading from
// the start begins anew.
type checked struct {
	r io.ReaderAt

	mu   sync.Mutex // guards what follows: a transport may read for longer than a Put lasts
	h    hash.Hash
	next int64 // offset behind what h has
}

// ReadAt reads and digests.
func (c *checked) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(b, off)
	c.mu.Lock()
	defer c.mu.Unlock()
	if off == 0 {
		c.h, c.next = md5.New(), 0
	}
	if off == c.next && c.h != nil {
		c.h.Write(b[:n])
		c.next += int64(n)
	}
	return n, err
}

// is says whether v is what was read.
func (c *checked) is(v version) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.size == 0 {
		return true
	}
	return c.h != nil && c.next == v.size && hex.EncodeToString(c.h.Sum(nil)) == v.md5
}
