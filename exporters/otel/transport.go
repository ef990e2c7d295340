package otel

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const (
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 1 << 20
	// maxQuoted bounds what of an answer goes into an error.
	maxQuoted = 256
	// maxWait caps Retry-After.
	maxWait = 5 * time.Minute
)

// answer is what came back for one request.
type answer struct {
	status     int // 0: none came
	retryAfter time.Duration
	body       []byte // of a refusal, cut
	rejected   int64  // points of a partial success
	message    string
}

// checked is a transport that reads each answer whole, checks that a success is
// an OTLP message, and keeps what the SDK would not tell. One request at a time.
type checked struct {
	base  *http.Transport
	tried bool
	last  answer
}

func newTransport(conf *tls.Config) *checked {
	return &checked{base: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:     conf,
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        2,
		IdleConnTimeout:     90 * time.Second,
	}}
}

// client returns the HTTP client for the SDK.
func (t *checked) client(timeout time.Duration) *http.Client {
	return &http.Client{
		Transport:     t,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// RoundTrip sends the request and reads the answer. What it returns has an
// empty body: everything worth knowing is in t.last.
func (t *checked) RoundTrip(req *http.Request) (*http.Response, error) {
	t.tried, t.last = true, answer{}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("read answer: longer than %d bytes", maxAnswer)
	}
	if err != nil {
		return nil, err
	}
	a := answer{status: resp.StatusCode, retryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	if a.ok() {
		err = a.read(resp.Header.Get("Content-Type"), body)
	} else {
		a.body = body[:min(len(body), maxQuoted)]
	}
	if err != nil {
		return nil, err
	}
	t.last = a
	resp.Body, resp.ContentLength = http.NoBody, 0
	return resp, nil
}

func (a *answer) ok() bool { return a.status >= 200 && a.status <= 299 }

// errNotOTLP is a success that no OTLP receiver sends.
var errNotOTLP = errors.New("is no OTLP message")

// read takes in the message of a success.
func (a *answer) read(contentType string, body []byte) error {
	var m collector.ExportMetricsServiceResponse
	kind, _, _ := mime.ParseMediaType(contentType)
	var err error
	switch {
	case kind == "application/x-protobuf":
		err = proto.Unmarshal(body, &m)
	case len(body) == 0 && (kind == "" || kind == "application/json"):
	case kind == "application/json":
		err = protojson.Unmarshal(body, &m)
	default:
		err = fmt.Errorf("content type %q", contentType)
	}
	if err != nil {
		return fmt.Errorf("answer with status %d %w: %w: %q", a.status, errNotOTLP, err, body[:min(len(body), maxQuoted)])
	}
	a.rejected, a.message = m.GetPartialSuccess().GetRejectedDataPoints(), m.GetPartialSuccess().GetErrorMessage()
	return nil
}

// retryAfter reads a Retry-After header: seconds or a date, at most maxWait.
func retryAfter(v string, now time.Time) time.Duration {
	if s, err := strconv.ParseInt(v, 10, 64); err == nil {
		return time.Duration(min(max(s, 0), int64(maxWait/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(at.Sub(now), 0), maxWait)
	}
	return 0
}

// Error is a receiver's refusal.
type Error struct {
	Status     int           // HTTP status
	Body       string        // beginning of the answer
	RetryAfter time.Duration // 0: not said
}

// Error says the status and the beginning of the answer.
func (e *Error) Error() string {
	return fmt.Sprintf("receiver answered %d %s: %q", e.Status, http.StatusText(e.Status), e.Body)
}

// permanent reports whether the same request can never be taken.
func (e *Error) permanent() bool {
	return e.Status/100 == 4 && e.Status != http.StatusRequestTimeout && e.Status != http.StatusTooManyRequests
}

// refusal makes the error for an answer that is no success.
func (a *answer) refusal() *Error {
	return &Error{Status: a.status, Body: string(bytes.ToValidUTF8(a.body, []byte("\uFFFD"))), RetryAfter: a.retryAfter}
}
