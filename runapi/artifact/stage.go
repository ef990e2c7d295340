package artifact

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
)

// stage gives the file of e a second place in dir, from which it will be sent,
// and hashes what lies there. When e has a digest the content must be that.
func stage(e *entry, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	to := filepath.Join(dir, rand.Text())
	if e.policy != Linked || !link(e.LocalPath, to) {
		if err := duplicate(e.LocalPath, to); err != nil {
			return errors.Join(err, removeIfThere(to))
		}
	}
	digest, size, err := artifact.SumFile(to)
	if err == nil && e.Digest != "" && digest != e.Digest {
		err = fmt.Errorf("%s %w", e.LocalPath, artifact.ErrChanged)
	}
	if err != nil {
		return errors.Join(err, os.Remove(to))
	}
	e.Digest, e.Size, e.LocalPath, e.kept = digest, size, to, true
	return nil
}

// link makes a hard link to a regular file, if the two places allow it.
func link(from, to string) bool {
	info, err := os.Lstat(from)
	return err == nil && info.Mode().IsRegular() && os.Link(from, to) == nil
}

// duplicate copies a regular file. The copy goes through the kernel, which lets
// both share their blocks where the file system can.
func duplicate(from, to string) error {
	info, err := os.Stat(from)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", from, artifact.ErrNotRegular)
	}
	if err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func removeIfThere(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// discard removes the staged file of an entry that the artifact does not have,
// or has no more.
func (a *Artifact) discard(e *entry) {
	if e != nil && e.kept && e.policy != Immutable && e.LocalPath != "" {
		_ = os.Remove(e.LocalPath) // nothing refers to it; its folder goes with the run
	}
}
