package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// HTTP handles http:// and https:// references. It sends no credentials.
type HTTP struct {
	Client *http.Client // nil: one without a proxy, with the system's certificates
}

var _ Handler = HTTP{}

// Schemes returns http and https.
func (HTTP) Schemes() []string { return []string{"http", "https"} }

// Describe asks for uri: the digest is the ETag, or the URL where the server
// gives none; the reference is the URL that redirects lead to.
func (h HTTP) Describe(ctx context.Context, uri string, o DescribeOptions) ([]Entry, error) {
	e := Entry{Path: o.Name, Digest: uri, Size: -1, Ref: uri}
	if e.Path == "" {
		e.Path = path.Base(uri)
	}
	if o.NoChecksum {
		return []Entry{e}, nil
	}
	resp, err := h.get(ctx, uri) // some servers, and all signed URLs, refuse HEAD
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	e.Ref, e.Size = resp.Request.URL.String(), resp.ContentLength
	e.Digest = tagOf(resp, e.Ref)
	if tag := resp.Header.Get("ETag"); tag != "" {
		e.Extra = map[string]json.RawMessage{"etag": json.RawMessage(quote(tag))}
	}
	return []Entry{e}, nil
}

// tagOf is what tells one content from another: the ETag without quotes, or
// else the URL.
func tagOf(r *http.Response, address string) string {
	if tag := strings.Trim(r.Header.Get("ETag"), `"`); tag != "" { // a weak one keeps what it begins with
		return tag
	}
	return address
}

// Open fetches what e refers to. Where the digest is an ETag the server must
// still have it.
func (h HTTP) Open(ctx context.Context, e Entry) (io.ReadCloser, error) {
	resp, err := h.get(ctx, e.Ref)
	if err != nil {
		return nil, err
	}
	if e.Digest != e.Ref && tagOf(resp, e.Ref) != e.Digest {
		resp.Body.Close()
		return nil, fmt.Errorf("reference %s: %s %w", e.Path, Masked(e.Ref), ErrChanged)
	}
	return resp.Body, nil
}

func (h HTTP) get(ctx context.Context, uri string) (*http.Response, error) {
	fail := func(err error) (*http.Response, error) {
		var u *url.Error
		if errors.As(err, &u) { // its text has the query, which may be a signature
			err = u.Err
		}
		return nil, fmt.Errorf("reference %s: %w", Masked(uri), err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return fail(err)
	}
	r.Header.Set("Accept-Encoding", "identity") // the bytes as they are stored, with their length
	client := h.Client
	if client == nil {
		client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // nothing stays behind
	}
	resp, err := client.Do(r)
	if err != nil {
		return fail(err)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return fail(errors.New(strings.ToLower(resp.Status)))
	}
	return resp, nil
}
