package artifact

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
)

// Tracked handles references of some schemes by their names alone: nothing is
// looked at, and the digest of an entry is its URI. It is for data at the same
// place on every machine, such as a file system that is mounted everywhere. The
// scheme "" stands for plain paths.
type Tracked []string

var _ Handler = Tracked{}

// Schemes returns them.
func (t Tracked) Schemes() []string { return t }

// Describe returns uri as one entry, called by o.Name or by its host and path.
func (t Tracked) Describe(_ context.Context, uri string, o DescribeOptions) ([]Entry, error) {
	name := o.Name
	if name == "" {
		u, err := url.Parse(uri)
		if err != nil {
			return nil, fmt.Errorf("reference %s: want a URI, or a name", Masked(uri))
		}
		name = strings.Trim(u.Host+u.Path, "/")
	}
	return []Entry{{Path: name, Digest: uri, Size: -1, Ref: uri}}, nil
}

// Open reads what a plain path or a file:// URI names. Who tracks other places
// reads them by himself.
func (t Tracked) Open(_ context.Context, e Entry) (io.ReadCloser, error) {
	name := e.Ref
	if Scheme(name) == "file" {
		var err error
		if name, err = localPath(name); err != nil {
			return nil, err
		}
	} else if Scheme(name) != "" {
		return nil, fmt.Errorf("%w %s: it is only tracked", ErrNoHandler, Masked(e.Ref))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	return f, nil
}
