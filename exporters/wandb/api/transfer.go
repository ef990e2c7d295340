package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// resolve makes an absolute URL of one that may be relative to the server, as
// those of servers with storage of their own are.
func (c *Client) resolve(op, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, &Error{Op: op, Err: fmt.Errorf("%w: the server gave no URL", errBadRequest)}
	}
	if u.Scheme == "" && u.Host == "" {
		u = c.base.ResolveReference(u)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, &Error{Op: op, Err: fmt.Errorf("%w: the server gave a URL of scheme %q", errBadRequest, u.Scheme)}
	}
	return u, nil
}

// Put stores size bytes of body at a signed URL, without credentials, and
// returns the ETag of the answer, with its quotes. headers are "Name:Value", as
// the server gave them, further ones are added behind. Failures that may pass
// are repeated; body is read from its start again.
func (c *Client) Put(ctx context.Context, signed string, headers []string, body io.ReaderAt, size int64) (etag string, err error) {
	const op = "upload"
	u, err := c.resolve(op, signed)
	if err != nil {
		return "", err
	}
	h := c.uploadHeader(headers)
	err = c.repeat(ctx, op, c.retry, Transfer, func(ctx context.Context) error {
		etag, err = c.putOnce(ctx, op, u, h, body, size)
		return err
	})
	return etag, err
}

// uploadHeader parses "Name:Value" texts. What is none is left out.
func (c *Client) uploadHeader(list []string) http.Header {
	h := http.Header{}
	for _, text := range list {
		name, value, ok := strings.Cut(text, ":")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(text, "\r\n") {
			c.logger.Warn("the server gave an upload header without a name", slog.Int("length", len(text)))
			continue
		}
		h.Set(name, strings.TrimSpace(value))
	}
	h.Set("User-Agent", c.o.UserAgent)
	h.Del("Authorization")
	return h
}

func (c *Client) putOnce(ctx context.Context, op string, u *url.URL, h http.Header, body io.ReaderAt, size int64) (string, error) {
	w, ctx := newWatch(ctx, c.o.StallTimeout)
	defer w.stop()
	src := &source{from: body, size: size}
	content := func() (io.ReadCloser, error) {
		if size == 0 {
			return http.NoBody, nil // an unknown length otherwise
		}
		return io.NopCloser(w.reader(src.reader())), nil
	}
	first, _ := content()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, u.String(), first)
	if err != nil {
		return "", &Error{Op: op, Err: fmt.Errorf("%w: %w", errBadRequest, cause(err))}
	}
	r.Header, r.ContentLength, r.GetBody = h, size, content
	resp, err := c.blobs.Do(r)
	if broken := src.broken.Load(); broken != nil {
		if resp != nil {
			resp.Body.Close()
		}
		return "", fmt.Errorf("%s: read: %w", op, *broken) // not the network: trying again does not help
	}
	if err != nil {
		return "", &Error{Op: op, Err: w.cause(cause(err))}
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return "", failure(op, resp)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxErrorBody)) // so that the connection can be used again
	return resp.Header.Get("ETag"), nil
}

// A source is what a Put sends, and whether it could be read. The transport
// may still read when the answer is there.
type source struct {
	from   io.ReaderAt
	size   int64
	broken atomic.Pointer[error]
}

// reader reads the source from its start.
func (s *source) reader() io.Reader {
	return &sourceReader{section: io.NewSectionReader(s.from, 0, s.size), s: s}
}

type sourceReader struct {
	section *io.SectionReader
	s       *source
	read    int64
}

func (r *sourceReader) Read(b []byte) (int, error) {
	n, err := r.section.Read(b)
	r.read += int64(n)
	if err == io.EOF && r.read < r.s.size {
		err = ErrShort
	}
	if err != nil && err != io.EOF {
		r.s.broken.Store(&err)
	}
	return n, err
}

// Get fetches length bytes from offset, or all that follow when length is
// negative, and writes them to w at their own offsets less the first. It
// returns how many bytes it wrote. Failures that may pass are repeated from the
// byte that was missing. Credentials go along only to the paths of the server
// that serve artifacts by their digest: other URLs are signed, or not ours.
func (c *Client) Get(ctx context.Context, address string, offset, length int64, w io.WriterAt) (int64, error) {
	const op = "download"
	u, err := c.resolve(op, address)
	if err != nil {
		return 0, err
	}
	g := &get{client: c, op: op, url: u, offset: offset, length: length, to: w}
	err = c.repeat(ctx, op, c.retry, Transfer, g.once)
	return g.done, err
}

// A get is a download and how far it came.
type get struct {
	client         *Client
	op             string
	url            *url.URL
	offset, length int64
	to             io.WriterAt
	done           int64
}

func (g *get) once(ctx context.Context) error {
	if g.length >= 0 && g.done >= g.length {
		return nil
	}
	w, ctx := newWatch(ctx, g.client.o.StallTimeout)
	defer w.stop()
	r, err := g.request(ctx)
	if err != nil {
		return err
	}
	resp, err := g.client.blobs.Do(r)
	if err != nil {
		return &Error{Op: g.op, Err: w.cause(cause(err))}
	}
	defer resp.Body.Close()
	body := w.reader(resp.Body)
	switch {
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && g.length < 0 && g.done > 0:
		return nil // the last try ended with the last byte
	case resp.StatusCode == http.StatusOK:
		// A server without ranges: what is known already comes again.
		if _, err := io.CopyN(io.Discard, body, g.offset+g.done); err != nil {
			return &Error{Op: g.op, Err: w.cause(err)}
		}
	case resp.StatusCode != http.StatusPartialContent:
		return failure(g.op, resp)
	case !startsAt(resp.Header.Get("Content-Range"), g.offset+g.done):
		return &Error{Op: g.op, Err: errors.New("the server sent another range")}
	}
	return g.store(body, w)
}

func (g *get) request(ctx context.Context) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url.String(), nil)
	if err != nil {
		return nil, &Error{Op: g.op, Err: fmt.Errorf("%w: %w", errBadRequest, cause(err))}
	}
	r.Header.Set("User-Agent", g.client.o.UserAgent)
	r.Header.Set("Accept-Encoding", "identity") // the digest is that of the bytes as stored
	if g.client.wantsLogin(g.url) {
		if err := g.client.sign(ctx, r); err != nil {
			return nil, fmt.Errorf("%s: %w", g.op, err)
		}
	}
	from := g.offset + g.done
	switch {
	case g.length >= 0:
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, g.offset+g.length-1))
	case from > 0:
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	return r, nil
}

// store copies a body to its place.
func (g *get) store(body io.Reader, w *watch) error {
	if g.length >= 0 {
		body = io.LimitReader(body, g.length-g.done)
	}
	out := &placed{to: g.to, at: g.done}
	_, err := io.Copy(out, body)
	g.done = out.at
	switch {
	case out.err != nil:
		return fmt.Errorf("%s: %w", g.op, out.err) // the disk, not the network
	case err == nil && g.length >= 0 && g.done < g.length:
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return &Error{Op: g.op, Err: w.cause(err)}
	}
	return nil
}

// startsAt reads "bytes 5-9/10".
func startsAt(contentRange string, offset int64) bool {
	text, ok := strings.CutPrefix(contentRange, "bytes ")
	first, _, dash := strings.Cut(text, "-")
	n, err := strconv.ParseInt(first, 10, 64)
	return ok && dash && err == nil && n == offset
}

// placed writes one piece behind the other at known places.
type placed struct {
	to  io.WriterAt
	at  int64
	err error
}

func (p *placed) Write(b []byte) (int, error) {
	n, err := p.to.WriteAt(b, p.at)
	p.at += int64(n)
	p.err = err
	return n, err
}

// A watch ends a transfer that stalls: transfers have no limit in time, since a
// large file may take as long as it takes.
type watch struct {
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	timeout time.Duration
	stalled atomic.Bool
}

// newWatch starts a watch. Its context ends when no byte moved for timeout.
func newWatch(ctx context.Context, timeout time.Duration) (*watch, context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{cancel: cancel, timeout: timeout}
	w.timer = time.AfterFunc(timeout, func() {
		w.stalled.Store(true)
		cancel(ErrStalled)
	})
	return w, ctx
}

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// cause names the stall where it is what ended a transfer.
func (w *watch) cause(err error) error {
	if w.stalled.Load() {
		return fmt.Errorf("%w for %v", ErrStalled, w.timeout)
	}
	return err
}

// reader tells the watch of each byte that r gives.
func (w *watch) reader(r io.Reader) io.Reader { return &watched{r, w} }

type watched struct {
	r io.Reader
	w *watch
}

func (r *watched) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	if n > 0 && !r.w.stalled.Load() {
		r.w.timer.Reset(r.w.timeout)
	}
	return n, err
}
