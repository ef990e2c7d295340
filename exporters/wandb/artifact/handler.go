package artifact

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// DefaultMaxObjects is how many objects one reference may stand for.
const DefaultMaxObjects = 10_000_000

// A Handler reads what references of some schemes point at. Its methods may be
// called from any number of goroutines.
type Handler interface {
	// Schemes are the URI schemes it handles, in lower case: "s3".
	Schemes() []string

	// Describe returns an entry for each object that uri stands for. They have
	// Path, Digest, Size, Ref and Extra.
	Describe(ctx context.Context, uri string, o DescribeOptions) ([]Entry, error)

	// Open reads the object of an entry. One that is not what Describe saw is an
	// error that is ErrChanged, here or at the end of the content.
	Open(ctx context.Context, e Entry) (io.ReadCloser, error)
}

// DescribeOptions say how references become entries.
type DescribeOptions struct {
	Name       string // path of the entry, or folder of the entries when there are many; empty: by the URI
	MaxObjects int    // more are an error; DefaultMaxObjects when 0
	NoChecksum bool   // do not look: the digest is that of the name of the object
}

// Limit is the number of objects that are allowed.
func (o DescribeOptions) Limit() int {
	if o.MaxObjects <= 0 {
		return DefaultMaxObjects
	}
	return o.MaxObjects
}

// TooMany is the error for a reference to more than o.Limit objects.
func (o DescribeOptions) TooMany(uri string) error {
	return fmt.Errorf("reference %s: more than %d objects", Masked(uri), o.Limit())
}

// Scheme returns the scheme of a URI in lower case, or "".
func Scheme(uri string) string {
	scheme, _, found := strings.Cut(uri, "://")
	if !found {
		return ""
	}
	return strings.ToLower(scheme)
}

// Masked returns a URI without what may be secret in it: user, query, fragment.
func Masked(uri string) string {
	uri, _, _ = strings.Cut(uri, "#")
	uri, _, _ = strings.Cut(uri, "?")
	scheme, rest, found := strings.Cut(uri, "://")
	if !found {
		return uri
	}
	host, tail, _ := strings.Cut(rest, "/")
	if i := strings.LastIndex(host, "@"); i >= 0 {
		return scheme + "://***@" + host[i+1:] + "/" + tail
	}
	return uri
}

// FindHandler returns the first of list that handles the scheme of uri.
func FindHandler(list []Handler, uri string) (Handler, error) {
	scheme := Scheme(uri)
	for _, h := range list {
		if slices.Contains(h.Schemes(), scheme) {
			return h, nil
		}
	}
	return nil, fmt.Errorf("%w %s", ErrNoHandler, Masked(uri))
}
