package artifact

import (
	"context"
	"fmt"
	"io"
	"path"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// Refs handles wandb-artifact:// references: to an entry of another version on the
// server of Client. What such an entry refers to is what is referred to.
type Refs struct{ Client *api.Client }

var _ Handler = Refs{}

// Schemes returns wandb-artifact.
func (Refs) Schemes() []string { return []string{serverScheme} }

// EntryURI is the reference to an entry of the version that a server calls id.
func EntryURI(id, entry string) (string, error) { return serverRef(id, entry) }

// Describe asks the server for the entry and returns it with its digest, so that
// the file is not stored twice. Its size counts where it is stored.
func (r Refs) Describe(ctx context.Context, uri string, o DescribeOptions) ([]Entry, error) {
	id, entry, found := parseRef(uri, serverScheme)
	if !found {
		return nil, fmt.Errorf("reference %s: want %s://HEX-ID/PATH", Masked(uri), serverScheme)
	}
	c := chain{client: r.Client, known: map[string]*storeOf{}}
	store, e, err := c.follow(ctx, id, Entry{Path: entry, Ref: uri})
	if err != nil {
		return nil, fmt.Errorf("reference %s: %w", Masked(uri), err)
	}
	name := o.Name
	if name == "" {
		name = path.Base(entry)
	}
	if e.Ref != "" { // the entry is a reference itself: it is kept as it is
		e.Path = name
		return []Entry{e}, nil
	}
	ref, err := serverRef(store.id, e.Path)
	return []Entry{{Path: name, Digest: e.Digest, Ref: ref}}, err
}

// Open is not needed: Download follows such references by itself.
func (Refs) Open(_ context.Context, e Entry) (io.ReadCloser, error) {
	return nil, fmt.Errorf("%w %s: fetch it with Download", ErrNoHandler, Masked(e.Ref))
}
