package artifact

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
)

// ReferenceOptions of AddReference.
type ReferenceOptions struct {
	Name       string // path of the entry, or folder of the entries when there are many; empty: by the URI
	NoChecksum bool   // do not look at what is there: the digest is that of the URI
	MaxObjects int    // a reference to more is an error; 10,000,000 when 0
	Overwrite  bool
}

// AddReference adds what a URI stands for, without a copy: a file or a folder
// (file://), a page (http, https), or what Options.Handlers handle (Track, References,
// those of runapi/artifact/s3). URIs of other schemes need a Name and are kept as
// they are. It returns how many entries came of it.
func (a *Artifact) AddReference(ctx context.Context, uri string, o ReferenceOptions) (int, error) {
	list, err := a.describe(ctx, uri, o)
	if err != nil {
		return 0, fmt.Errorf("add to artifact %s: %w", a.name, err)
	}
	for i, e := range list {
		if err := a.put(&entry{Entry: e, kept: true}, o.Overwrite); err != nil {
			return i, err
		}
	}
	return len(list), nil
}

func (a *Artifact) describe(ctx context.Context, uri string, o ReferenceOptions) ([]artifact.Entry, error) {
	h, err := artifact.FindHandler(append(slices.Clip(a.o.Handlers), artifact.Files{}, artifact.HTTP{}), uri)
	if err != nil && artifact.Scheme(uri) == "" {
		return nil, fmt.Errorf("reference %s: want a URI such as file:///path, or a Track handler", artifact.Masked(uri))
	}
	stored := artifact.Scheme(uri) == "s3" || artifact.Scheme(uri) == "gs" // without a handler a mistake
	if err != nil && o.Name != "" && (!stored || o.NoChecksum) {
		return []artifact.Entry{{Path: path.Clean(o.Name), Digest: uri, Size: -1, Ref: uri}}, nil
	}
	if err != nil {
		return nil, err
	}
	return h.Describe(ctx, uri, artifact.DescribeOptions{Name: o.Name, MaxObjects: o.MaxObjects, NoChecksum: o.NoChecksum})
}

// AddEntry adds a file of another artifact that was built in this program,
// without a second copy on the server. The other one must be recorded before
// this one.
func (a *Artifact) AddEntry(other *Artifact, from, name string) error {
	other.mu.Lock()
	e := other.entries[from]
	other.mu.Unlock()
	if e == nil {
		return fmt.Errorf("add to artifact %s: artifact %s has no entry %s", a.name, other.name, from)
	}
	if name == "" {
		name = from
	}
	ref := artifact.ClientRef(other.clientID, from)
	return a.put(&entry{Entry: artifact.Entry{Path: path.Clean(name), Digest: e.Digest, Ref: ref}, kept: true}, false)
}
