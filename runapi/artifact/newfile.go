package artifact

import (
	"crypto/md5"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
)

// A File is written straight into an artifact. It is added by Close.
type File struct {
	a    *Artifact
	o    FileOptions
	file *os.File
	hash hash.Hash
	size int64
	err  error
}

// NewFile begins a file of the artifact with the path o.Name. Write to it and
// close it. o.Policy has no meaning here.
func (a *Artifact) NewFile(o FileOptions) (*File, error) {
	o.Name = path.Clean(o.Name)
	if err := artifact.CheckPath(o.Name, false); err != nil {
		return nil, fmt.Errorf("add to artifact %s: %w", a.name, err)
	}
	if a.o.Staging != "" {
		if err := os.MkdirAll(a.o.Staging, 0o700); err != nil {
			return nil, fmt.Errorf("add %s to artifact %s: %w", o.Name, a.name, err)
		}
	}
	file, err := os.CreateTemp(a.o.Staging, "wandb-artifact-*")
	if err != nil {
		return nil, fmt.Errorf("add %s to artifact %s: %w", o.Name, a.name, err)
	}
	return &File{a: a, o: o, file: file, hash: md5.New()}, nil
}

// Write adds to the file.
func (f *File) Write(b []byte) (int, error) {
	n, err := f.file.Write(b)
	_, _ = f.hash.Write(b[:n])
	f.size += int64(n)
	f.err = errors.Join(f.err, err)
	return n, err
}

// Close adds the file to the artifact, unless a Write failed.
func (f *File) Close() error {
	name := f.file.Name()
	err := errors.Join(f.err, f.file.Close())
	if err == nil {
		e := &entry{Entry: artifact.Entry{
			Path: f.o.Name, LocalPath: name, Digest: artifact.FormatSum(f.hash.Sum(nil)), Size: f.size, SkipCache: f.o.SkipCache,
		}, policy: Linked, kept: f.a.o.Staging != ""}
		err = f.a.put(e, f.o.Overwrite)
	}
	if err != nil {
		return fmt.Errorf("add %s to artifact %s: %w", f.o.Name, f.a.name, errors.Join(err, os.Remove(name)))
	}
	if f.a.o.Staging == "" {
		f.a.mu.Lock()
		f.a.temp = append(f.a.temp, name)
		f.a.mu.Unlock()
	}
	return nil
}

// AddReader adds what r gives as the file o.Name.
func (a *Artifact) AddReader(r io.Reader, o FileOptions) error {
	f, err := a.NewFile(o)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		f.err = errors.Join(f.err, err)
	}
	return f.Close()
}

// Discard removes the files that an artifact holds outside a run's folder. It
// is for artifacts that are not recorded; the others have none.
func (a *Artifact) Discard() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for _, name := range a.temp {
		errs = append(errs, removeIfThere(name))
	}
	a.temp = nil
	return errors.Join(errs...)
}
