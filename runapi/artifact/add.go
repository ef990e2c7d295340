package artifact

import (
	"context"
	"fmt"
	"path"
	"path/filepath"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
)

// A Policy says how a file is kept between being added and being sent.
type Policy uint8

// The policies.
const (
	// Mutable files may be written to at once: what counts is a copy, which
	// shares its blocks with the file on file systems that can do that.
	Mutable Policy = iota

	// Linked files may be deleted or replaced, but not written to: a hard link
	// keeps them, or a copy where there is another file system between.
	Linked

	// Immutable files stay as they are until they are sent from their place.
	Immutable
)

// FileOptions of AddFile and NewFile.
type FileOptions struct {
	Name      string // path in the artifact; empty: the name of the file
	Policy    Policy
	SkipCache bool // do not keep a copy in the cache of downloads
	Overwrite bool // take the place of an entry with other content
}

// AddFile adds a regular file, or what a link leads to. It is hashed now. When
// its content changes before it is sent, against its Policy, the version is not
// made.
func (a *Artifact) AddFile(name string, o FileOptions) error {
	if o.Name == "" {
		o.Name = filepath.Base(name)
	}
	full, err := filepath.Abs(name)
	if err != nil {
		return fmt.Errorf("add %s to artifact %s: %w", name, a.name, err)
	}
	e := &entry{Entry: artifact.Entry{Path: path.Clean(filepath.ToSlash(o.Name)), LocalPath: full, SkipCache: o.SkipCache}, policy: o.Policy, from: full}
	if err := a.keep(e); err != nil {
		return fmt.Errorf("add %s to artifact %s: %w", name, a.name, err)
	}
	if err := a.put(e, o.Overwrite); err != nil {
		a.discard(e)
		return err
	}
	return nil
}

// keep hashes the file of an entry, and stages it when there is a place.
func (a *Artifact) keep(e *entry) error {
	if e.policy != Immutable && a.o.Staging != "" {
		return stage(e, a.o.Staging)
	}
	e.kept = e.policy == Immutable
	var err error
	e.Digest, e.Size, err = artifact.SumFile(e.LocalPath)
	return err
}

// DirOptions of AddDir.
type DirOptions struct {
	Name      string // folder in the artifact; empty: the top
	Policy    Policy
	SkipCache bool
	Overwrite bool
}

// AddDir adds all files below a folder, several at a time. Links are followed,
// but not back to where they came from. FIFOs, sockets and devices are errors.
// After an error some files may have been added.
func (a *Artifact) AddDir(ctx context.Context, dir string, o DirOptions) error {
	var rels, names []string
	err := artifact.Walk(ctx, dir, true, func(rel, name string) error {
		rels, names = append(rels, rel), append(names, name)
		return nil
	})
	if err != nil {
		return fmt.Errorf("add folder to artifact %s: %w", a.name, err)
	}
	return artifact.ForEach(ctx, len(names), a.o.Parallel, func(_ context.Context, i int) error {
		return a.AddFile(names[i], FileOptions{
			Name: path.Join(o.Name, rels[i]), Policy: o.Policy, SkipCache: o.SkipCache, Overwrite: o.Overwrite,
		})
	})
}
