package artifact

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
)

// A placing is a file that appears below a root all at once: it is written
// under a name of its own, and gets its real one when it is whole.
type placing struct {
	root *os.Root
	name string // below root
	temp string // likewise
	file *os.File
}

// beginFile begins a file, and makes the folders that it needs below root.
func beginFile(root *os.Root, name string) (*placing, error) {
	p := &placing{root: root, name: name, temp: path.Join(path.Dir(name), "."+rand.Text()+".tmp")}
	err := p.create()
	if errors.Is(err, os.ErrNotExist) {
		if err = root.MkdirAll(path.Dir(name), 0o777); err == nil {
			err = p.create()
		}
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (p *placing) create() (err error) {
	p.file, err = p.root.OpenFile(p.temp, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
	return err
}

// inFolder calls f with the open folder of the file, and the name that it has
// there until it is committed.
func (p *placing) inFolder(f func(folder *os.File, temp string) error) error {
	folder, err := p.root.Open(path.Dir(p.temp))
	if err != nil {
		return err
	}
	return errors.Join(f(folder, path.Base(p.temp)), folder.Close())
}

// link replaces what was written by a hard link to a file elsewhere, to which
// nobody may write from then on. After an error it is as it was.
func (p *placing) link(file string) error {
	if err := os.Chmod(file, 0o444); err != nil {
		return err
	}
	err := p.inFolder(func(folder *os.File, temp string) error { return linkInto(folder, temp+"l", file) })
	if err != nil {
		return err
	}
	return p.root.Rename(p.temp+"l", p.temp)
}

// linkOut makes a hard link elsewhere to what was written.
func (p *placing) linkOut(to string) error {
	return p.inFolder(func(folder *os.File, temp string) error { return linkOut(folder, temp, to) })
}

// commit gives the file its name. What had it before, if it is no folder, is
// gone; where that is a link the link goes and not what it leads to.
func (p *placing) commit() error {
	err := p.file.Close()
	if err == nil {
		err = p.root.Rename(p.temp, p.name)
	}
	if err != nil {
		return errors.Join(err, p.root.Remove(p.temp))
	}
	return nil
}

// abort leaves nothing behind.
func (p *placing) abort() {
	_ = p.file.Close() // it is thrown away
	_ = p.root.Remove(p.temp)
}

// sum hashes what was written.
func (p *placing) sum() (digest string, size int64, err error) {
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return "", 0, err
	}
	return SumReader(p.file)
}

// has says whether a file below root has this content.
func has(root *os.Root, name, digest string, size int64) bool {
	info, err := root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || size >= 0 && info.Size() != size {
		return false
	}
	f, err := root.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	got, _, err := SumReader(f)
	return err == nil && got == digest
}

// bounded refuses what goes beyond max bytes.
type bounded struct {
	to  io.WriterAt
	max int64
}

func (b *bounded) WriteAt(p []byte, off int64) (int, error) {
	if int64(len(p)) > b.max-off {
		return 0, fmt.Errorf("%w: more than the %d bytes that it announces", ErrBadDigest, b.max)
	}
	return b.to.WriteAt(p, off)
}
