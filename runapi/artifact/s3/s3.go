package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
)

// Hosts of the public stores.
const (
	amazon = "https://s3.amazonaws.com"
	google = "https://storage.googleapis.com"
)

// Options of a Handler. Without any credentials it reads what everybody may.
type Options struct {
	Scheme   string // s3 when empty, or gs
	Endpoint string // URL of the store; the public one of the scheme when empty
	Region   string // found out when empty

	AccessKey    string
	SecretKey    api.Key // hidden wherever it is printed
	SessionToken api.Key

	CredentialsFile string // in the format of the AWS tools, in the place of the three above
	Profile         string // in that file; "default" when empty
	InstanceRole    bool   // ask the cloud's metadata service

	Transport http.RoundTripper // nil: one without a proxy
}

// A Handler reads objects of one store.
type Handler struct {
	scheme string
	client *minio.Client
}

var _ artifact.Handler = (*Handler)(nil)

// New makes a Handler. It opens no connection.
func New(o Options) (*Handler, error) {
	switch o.Scheme {
	case "":
		o.Scheme = "s3"
	case "s3", "gs":
	default:
		return nil, fmt.Errorf("object store: scheme %q: want s3 or gs", o.Scheme)
	}
	if o.Endpoint == "" {
		o.Endpoint = amazon
		if o.Scheme == "gs" {
			o.Endpoint = google
		}
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("object store: endpoint of host %q: want http(s)://host[:port]", hostOf(u))
	}
	if o.Transport == nil {
		direct, err := minio.DefaultTransport(u.Scheme == "https")
		if err != nil {
			return nil, fmt.Errorf("object store: %w", err)
		}
		direct.Proxy = nil // the environment is the caller's to read
		o.Transport = direct
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds: o.credentials(), Secure: u.Scheme == "https", Region: o.Region, Transport: o.Transport,
	})
	if err != nil {
		return nil, fmt.Errorf("object store: %w", err)
	}
	return &Handler{o.Scheme, client}, nil
}

func hostOf(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.Host
}

func (o *Options) credentials() *credentials.Credentials {
	switch {
	case o.AccessKey != "":
		return credentials.NewStaticV4(o.AccessKey, o.SecretKey.Reveal(), o.SessionToken.Reveal())
	case o.CredentialsFile != "":
		return credentials.NewFileAWSCredentials(o.CredentialsFile, o.Profile)
	case o.InstanceRole:
		return credentials.NewIAM("")
	}
	return credentials.NewStaticV4("", "", "") // anonymous
}

// Schemes returns s3 or gs.
func (h *Handler) Schemes() []string { return []string{h.scheme} }

// A place is what a URI names.
type place struct{ bucket, key, version string }

// parse reads s3://bucket/key?versionId=v.
func (h *Handler) parse(uri string) (place, error) {
	fail := func(why string) (place, error) {
		return place{}, fmt.Errorf("reference %s: %s", artifact.Masked(uri), why)
	}
	text, found := strings.CutPrefix(uri, h.scheme+"://")
	if !found {
		return fail("want " + h.scheme + "://bucket/key")
	}
	text, generation, _ := strings.Cut(text, "#")
	text, query, _ := strings.Cut(text, "?")
	bucket, key, _ := strings.Cut(text, "/")
	values, err := url.ParseQuery(query)
	switch {
	case bucket == "":
		return fail("it names no bucket")
	case err != nil:
		return fail("its query is none")
	case h.scheme == "gs" && generation != "":
		return fail("generations cannot be asked for through the S3 protocol")
	}
	return place{bucket, key, values.Get("versionId")}, nil
}

func (h *Handler) uri(bucket, key string) string { return h.scheme + "://" + bucket + "/" + key }

// Describe returns an entry for the object at uri, or for each object below it.
func (h *Handler) Describe(ctx context.Context, uri string, o artifact.DescribeOptions) ([]artifact.Entry, error) {
	p, err := h.parse(uri)
	if err != nil {
		return nil, err
	}
	if o.NoChecksum {
		name := o.Name
		for _, otherwise := range []string{strings.TrimSuffix(p.key, "/"), p.bucket} {
			if name == "" {
				name = otherwise
			}
		}
		plain := h.uri(p.bucket, p.key)
		return []artifact.Entry{{Path: name, Digest: plain, Size: -1, Ref: plain}}, nil
	}
	if p.key != "" && !strings.HasSuffix(p.key, "/") {
		info, err := h.client.StatObject(ctx, p.bucket, p.key, minio.StatObjectOptions{VersionID: p.version})
		switch {
		case err == nil && !strings.Contains(info.ContentType, "x-directory"):
			return h.single(info, p, o)
		case err != nil && (!isMissing(err) || p.version != ""):
			return nil, h.failed(uri, err)
		}
	}
	return h.below(ctx, p, o)
}

// single is the entry of one object.
func (h *Handler) single(info minio.ObjectInfo, p place, o artifact.DescribeOptions) ([]artifact.Entry, error) {
	if info.Size == 0 {
		return nil, fmt.Errorf("reference %s: the object is empty", h.uri(p.bucket, p.key))
	}
	e := h.entry(info, p.bucket, p.key)
	if e.Path = o.Name; e.Path == "" {
		e.Path = path.Base(p.key)
	}
	return []artifact.Entry{e}, nil
}

// below describes the objects of a folder. A listing does not tell versions, so
// each one is asked for, several at a time.
func (h *Handler) below(ctx context.Context, p place, o artifact.DescribeOptions) ([]artifact.Entry, error) {
	prefix := p.key
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	uri := h.uri(p.bucket, prefix)
	ctx, stop := context.WithCancel(ctx) // ends the listing
	defer stop()
	var keys []string
	for info := range h.client.ListObjects(ctx, p.bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		switch {
		case info.Err != nil:
			return nil, h.failed(uri, info.Err)
		case info.Size == 0:
			continue
		case len(keys) >= o.Limit():
			return nil, o.TooMany(uri)
		}
		keys = append(keys, info.Key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("reference %s: there is no object", uri)
	}
	list := make([]artifact.Entry, len(keys))
	err := artifact.ForEach(ctx, len(keys), 16, func(ctx context.Context, i int) error {
		info, err := h.client.StatObject(ctx, p.bucket, keys[i], minio.StatObjectOptions{})
		if err != nil {
			return h.failed(h.uri(p.bucket, keys[i]), err)
		}
		list[i] = h.entry(info, p.bucket, keys[i])
		list[i].Path = path.Join(o.Name, strings.TrimPrefix(keys[i], prefix))
		return nil
	})
	return list, err
}

func (h *Handler) entry(info minio.ObjectInfo, bucket, key string) artifact.Entry {
	e := artifact.Entry{Digest: info.ETag, Size: info.Size, Ref: h.uri(bucket, key)}
	e.Extra = map[string]json.RawMessage{"etag": text(info.ETag)}
	if v := h.version(info); v != "" && v != "null" {
		e.Extra["versionID"] = text(v)
	}
	return e
}

// version is what tells one content of a key from those before it.
func (h *Handler) version(info minio.ObjectInfo) string {
	if h.scheme == "gs" {
		return info.Headers.Get("X-Goog-Generation")
	}
	return info.VersionID
}

// text is s as JSON.
func text(s string) json.RawMessage {
	b, _ := json.Marshal(s) // a string always has a JSON form
	return b
}

// Open reads the object of an entry, in the version that was described. Where
// none was kept, and the object has changed, older versions are looked through.
func (h *Handler) Open(ctx context.Context, e artifact.Entry) (io.ReadCloser, error) {
	p, err := h.parse(e.Ref)
	if err != nil {
		return nil, err
	}
	var version string
	if raw, found := e.Extra["versionID"]; found {
		var v any // a number, as some writers give it
		if json.Unmarshal(raw, &v) == nil && v != nil {
			version = strings.Trim(string(raw), `"`)
		}
	}
	body, same, err := h.get(ctx, p, version, e)
	if err == nil && !same && version == "" && h.scheme == "s3" {
		if version = h.older(ctx, p, e.Digest); version != "" {
			body, same, err = h.get(ctx, p, version, e)
		}
	}
	if err != nil {
		return nil, h.failed(e.Ref, err)
	}
	if !same {
		return nil, fmt.Errorf("reference %s: %s %w", e.Path, e.Ref, artifact.ErrChanged)
	}
	return body, nil
}

// get begins to read an object, if it is the one that was described.
func (h *Handler) get(ctx context.Context, p place, version string, e artifact.Entry) (body io.ReadCloser, same bool, err error) {
	o := minio.GetObjectOptions{}
	if h.scheme == "s3" {
		o.VersionID = version
	}
	body, info, _, err := minio.Core{Client: h.client}.GetObject(ctx, p.bucket, p.key, o)
	switch {
	case err != nil && version != "" && isMissing(err): // there may be a newer one
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	same = info.ETag == e.Digest || e.Digest == e.Ref || h.scheme == "gs" && version != "" && h.version(info) == version
	if !same {
		return nil, false, body.Close()
	}
	return body, true, nil
}

// older finds the version of an object that has an ETag, or "".
func (h *Handler) older(ctx context.Context, p place, tag string) (version string) {
	ctx, stop := context.WithCancel(ctx) // ends the listing
	defer stop()
	for info := range h.client.ListObjects(ctx, p.bucket, minio.ListObjectsOptions{Prefix: p.key, WithVersions: true}) {
		if info.Err == nil && info.Key == p.key && strings.Trim(info.ETag, `"`) == tag && !info.IsDeleteMarker {
			return info.VersionID
		}
	}
	return ""
}

func isMissing(err error) bool {
	return minio.ToErrorResponse(err).StatusCode == http.StatusNotFound
}

// failed names the reference in an error of the client.
func (h *Handler) failed(uri string, err error) error {
	return fmt.Errorf("reference %s: %w", artifact.Masked(uri), err)
}
