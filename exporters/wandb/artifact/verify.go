package artifact

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// A Verification says how a folder differs from a version.
type Verification struct {
	Good       int
	Missing    []string // files that are not there
	Wrong      []string // files with other content, or that are no regular files
	Extra      []string // files that the version does not have
	References int      // not looked at: their content is not in the manifest
}

// Equal says whether all files of the version are there and right. More files
// may be there.
func (v *Verification) Equal() bool { return len(v.Missing)+len(v.Wrong) == 0 }

// Verify compares the files below dir with those of a version. It fetches the
// manifest and nothing else, and changes nothing.
func Verify(ctx context.Context, c *api.Client, r Ref, dir string, parallel int) (*Verification, error) {
	fail := func(err error) (*Verification, error) { return nil, fmt.Errorf("verify artifact %s: %w", r, err) }
	a, err := r.Find(ctx, c)
	if err != nil {
		return fail(err)
	}
	m, err := FetchManifest(ctx, c, a.ID)
	if err != nil {
		return fail(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fail(err)
	}
	defer root.Close()
	v, err := m.verify(ctx, root, parallel)
	if err != nil {
		return fail(err)
	}
	return v, nil
}

func (m *Manifest) verify(ctx context.Context, root *os.Root, parallel int) (*Verification, error) {
	good := make([]bool, len(m.Entries))
	err := ForEach(ctx, len(m.Entries), parallel, func(_ context.Context, i int) error {
		e := &m.Entries[i]
		good[i] = CheckPath(e.Path, false) == nil && has(root, e.Path, e.Digest, e.Size)
		return nil
	})
	if err != nil {
		return nil, err
	}
	v := &Verification{}
	for i := range m.Entries {
		v.add(root, &m.Entries[i], good[i])
	}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && m.Find(name) == nil {
			v.Extra = append(v.Extra, name)
		}
		return err
	})
	return v, err
}

func (v *Verification) add(root *os.Root, e *Entry, good bool) {
	_, err := ParseSum(e.Digest)
	switch {
	case good:
		v.Good++
	case e.Ref != "" && err != nil:
		v.References++
	case CheckPath(e.Path, false) == nil && isMissing(root, e.Path):
		v.Missing = append(v.Missing, e.Path)
	default:
		v.Wrong = append(v.Wrong, e.Path)
	}
}

func isMissing(root *os.Root, name string) bool {
	_, err := root.Lstat(name)
	return errors.Is(err, fs.ErrNotExist)
}
