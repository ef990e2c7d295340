package api

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"
)

// A Verdict says what a caller can do about an error.
type Verdict uint8

// The verdicts.
const (
	Retry    Verdict = iota // the same request may succeed in a while
	Final                   // the same request will never succeed
	Auth                    // 401, 403: not with this key
	NotFound                // 404: there is no such thing, or not for this key
	Conflict                // 409: another writer's state stands in the way
	Gone                    // 410: it was deleted
	TooLarge                // 413: a smaller request may succeed
)

var verdictNames = [...]string{"retry", "final", "auth", "not found", "conflict", "gone", "too large"}

// String returns the verdict in words.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return "unknown"
}

// A Policy is a kind of request, for Classify: servers mean different things by
// the same status.
type Policy uint8

// The policies.
const (
	GraphQL  Policy = iota // any operation without a policy of its own
	Upsert                 // UpsertBucket: 409 is another writer creating the same run, and passes
	Stream                 // the file stream
	Transfer               // a signed URL: every 4xx but 429 is final
)

// Classify says what a caller can do about err, which a method of Client
// returned for a request under policy p. A nil err and an ended context are
// Final: there is nothing to repeat.
func Classify(err error, p Policy) Verdict {
	var e *Error
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return Final
	case !errors.As(err, &e):
		return Final
	case e.Status == 0 || e.Status == http.StatusOK:
		return classifyCause(e)
	case p == Transfer:
		return classifyTransfer(e.Status)
	case p == Upsert && e.Status == http.StatusConflict:
		return Retry
	}
	return classifyStatus(e.Status)
}

// classifyCause judges requests that brought no answer, or a strange one.
func classifyCause(e *Error) Verdict {
	var proxy *proxyError
	switch {
	case errors.As(e.Err, &proxy):
		if proxy.status >= 500 && proxy.status != http.StatusNotImplemented || proxy.status == http.StatusTooManyRequests {
			return Retry
		}
		return Final
	case errors.Is(e.Err, ErrRedirected), errors.Is(e.Err, ErrTooLong), errors.Is(e.Err, errBadRequest), untrusted(e.Err):
		return Final
	case len(e.Messages) > 0: // 200 with GraphQL errors: the server understood and refused
		return Final
	}
	return Retry
}

func classifyStatus(status int) Verdict {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return Auth
	case http.StatusNotFound:
		return NotFound
	case http.StatusConflict:
		return Conflict
	case http.StatusGone:
		return Gone
	case http.StatusRequestEntityTooLarge:
		return TooLarge
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusNotImplemented, http.StatusProxyAuthRequired:
		return Final
	}
	if status >= 300 && status < 400 {
		return Final // a redirect that cannot be followed
	}
	return Retry
}

func classifyTransfer(status int) Verdict {
	if status == http.StatusTooManyRequests || status >= 500 {
		return classifyStatus(status)
	}
	if v := classifyStatus(status); v != Retry {
		return v
	}
	return Final
}

// MaxRetryAfter bounds how long a server can send a client away.
const MaxRetryAfter = 10 * time.Minute

// A RetryPolicy says how often and after what time a request is repeated.
type RetryPolicy struct {
	Max     int           // repetitions after the first try
	WaitMin time.Duration // upper bound of the first wait
	WaitMax time.Duration // upper bound of any wait that the server did not ask for
}

// StreamRetry is for the file stream: about a week of tries.
var StreamRetry = RetryPolicy{Max: 10085, WaitMin: 2 * time.Second, WaitMax: time.Minute}

// Wait returns how long to wait before repetition n (0 is the first) of a
// request that failed with err: what the server asked for, or else a random
// time below WaitMin doubled n times, so that clients that failed together do
// not come back together.
func (r RetryPolicy) Wait(n int, err error) time.Duration {
	var e *Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return min(e.RetryAfter, MaxRetryAfter)
	}
	bound := r.WaitMax
	if n < 32 && r.WaitMin<<n < bound && r.WaitMin<<n > 0 {
		bound = r.WaitMin << n
	}
	if bound <= 0 {
		return 0
	}
	return 1 + rand.N(bound)
}

// Sleep waits for d. It returns early with the error of ctx when that ends.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
