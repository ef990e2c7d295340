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
	root   *os.Root
	folder *os.File // that it lies in
	name   string   // below root
	temp   string   // likewise
	file   *os.File
}

// beginFile makes the folders that name needs, below root.
func beginFile(root *os.Root, name string) (*placing, error) {
	dir := path.Dir(name)
	if err := root.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	folder, err := root.Open(dir)
	if err != nil {
		return nil, err
	}
	p := &placing{root: root, folder: folder, name: name, temp: path.Join(dir, "."+rand.Text()+".tmp")}
	p.file, err = root.OpenFile(p.temp, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
	if err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return p, nil
}

// link replaces what was written by a hard link to a file elsewhere, to which
// nobody may write from then on. After an error it is as it was.
func (p *placing) link(file string) error {
	if err := os.Chmod(file, 0o444); err != nil {
		return err
	}
	linked := path.Base(p.temp) + "l"
	if err := linkInto(p.folder, linked, file); err != nil {
		return err
	}
	return p.root.Rename(path.Join(path.Dir(p.name), linked), p.temp)
}

// commit gives the file its name. What had it before, if it is no folder, is
// gone; where that is a link the link goes and not what it leads to.
func (p *placing) commit() error {
	err := p.file.Close()
	if err == nil {
		err = p.root.Rename(p.temp, p.name)
	}
	if err != nil {
		return errors.Join(err, p.root.Remove(p.temp), p.folder.Close())
	}
	return p.folder.Close()
}

// abort leaves nothing behind.
func (p *placing) abort() {
	_ = p.file.Close() // it is thrown away
	_ = p.root.Remove(p.temp)
	_ = p.folder.Close()
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
