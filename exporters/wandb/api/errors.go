package api

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// An Error is a request that did not do what it was for. It never holds a key
// or the query of a signed URL.
type Error struct {
	Op         string        // the operation: UpsertBucket, file_stream, upload, ...
	Status     int           // of the answer; 0 without one
	Messages   []string      // the server's own words, shortened
	RetryAfter time.Duration // the server's wish, at most MaxRetryAfter; 0 without one
	Err        error         // what went wrong when it was not the status
}

// Error is the operation, the status, the server's words and the cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Status != 0 && e.Status != http.StatusOK {
		fmt.Fprintf(&b, ": %d %s", e.Status, strings.ToLower(http.StatusText(e.Status)))
	}
	if len(e.Messages) > 0 {
		b.WriteString(": " + strings.Join(e.Messages, "; "))
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Causes of failures that no status tells.
var (
	// ErrNotJSON is an answer that a W&B server does not give, such as the page
	// of a proxy or of a login wall. What it answers has not been stored.
	ErrNotJSON = errors.New("the answer is not that of a W&B server")

	// ErrTooLong is an answer above the limit for its kind.
	ErrTooLong = errors.New("the answer is too long")

	// ErrRedirected is an answer that sends the request elsewhere. Requests with
	// credentials do not follow.
	ErrRedirected = errors.New("the server redirects")

	// ErrStalled is a transfer that did not move for the stall time.
	ErrStalled = errors.New("no byte moved")

	// ErrShort is a source that has fewer bytes than were promised: it changed
	// while it was sent.
	ErrShort = errors.New("the source became shorter")

	// ErrProxy is a proxy that does not let the request through.
	ErrProxy = errors.New("the proxy refuses")
)

// A proxyError is the answer of a proxy to CONNECT.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	if e.status == http.StatusProxyAuthRequired {
		return "the proxy wants a login (407): put user and password into the proxy's URL"
	}
	return fmt.Sprintf("the proxy refuses to connect: %d %s", e.status, strings.ToLower(http.StatusText(e.status)))
}

func (e *proxyError) Is(target error) bool { return target == ErrProxy }

// cause takes the URL, whose query may be a signature, out of an error of
// net/http, and adds what to do where that is known.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if hint := remedy(err); hint != "" {
		return fmt.Errorf("%w (%s)", err, hint)
	}
	return err
}

// remedy returns what a user can do about a failure of TLS.
func remedy(err error) string {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return "if the server's authority is your own, give its certificate as a root"
	case errors.As(err, &host):
		return "the base URL must name the host as its certificate does"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew the server's certificate, or set this machine's clock"
	case errors.As(err, &invalid):
		return "the server needs another certificate"
	case errors.As(err, &record):
		return "the server does not speak TLS there: is the base URL http?"
	}
	return ""
}

// untrusted says that TLS could not be agreed on: the same try fails again.
func untrusted(err error) bool {
	var verify *tls.CertificateVerificationError
	var alert tls.AlertError
	return remedy(err) != "" || errors.As(err, &verify) || errors.As(err, &alert)
}

// unknownQuestion says that the server understood the request and does not know
// what was asked: a GraphQL error, with status 200 or 400.
func unknownQuestion(err error) bool {
	var e *Error
	return errors.As(err, &e) && len(e.Messages) > 0 && (e.Status == http.StatusOK || e.Status == http.StatusBadRequest)
}
