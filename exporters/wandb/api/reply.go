package api

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limits of what is read of an answer, after decompression.
const (
	maxReply      = 32 << 20 // a config, a summary and the tails of a long run
	maxStreamBody = 4 << 20
	maxErrorBody  = 64 << 10
	maxMessage    = 1000 // bytes of a server's message that people get to see
	maxMessages   = 5
)

// readReply reads the body of an answer with status 200, at most limit bytes.
func readReply(body io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, ErrTooLong
	}
	return data, nil
}

// failure turns an answer with another status into an Error.
func failure(op string, r *http.Response) *Error {
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxErrorBody)) // what arrived is told
	e := &Error{Op: op, Status: r.StatusCode, Messages: messages(body), RetryAfter: retryAfter(r.Header.Get("Retry-After"), time.Now())}
	switch r.StatusCode {
	case http.StatusProxyAuthRequired:
		e.Err = &proxyError{r.StatusCode}
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		e.Err = ErrRedirected
	}
	return e
}

// retryAfter reads a Retry-After header: seconds, maybe with a fraction, or a
// date. It returns 0 for anything else and at most MaxRetryAfter.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if s, err := strconv.ParseFloat(text, 64); err == nil {
		if math.IsNaN(s) || s <= 0 {
			return 0
		}
		if s >= MaxRetryAfter.Seconds() {
			return MaxRetryAfter
		}
		return time.Duration(s * float64(time.Second))
	}
	t, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(t.Sub(now), 0), MaxRetryAfter)
}

// messages reads the forms in which servers say what is wrong:
// {"error": "text"}, {"error": {"message": "text"}} and {"errors": [...]} with
// either. Of any other body it returns nothing: it may be a page.
func messages(body []byte) []string {
	var doc struct {
		Error  message
		Errors []message
	}
	if json.Unmarshal(body, &doc) != nil {
		return nil
	}
	return said(append([]message{doc.Error}, doc.Errors...))
}

// said are the first messages that say something.
func said(list []message) []string {
	var found []string
	for _, m := range list {
		if m != "" && len(found) < maxMessages {
			found = append(found, string(m))
		}
	}
	return found
}

// A message is a string, or an object with one called message.
type message string

// UnmarshalJSON accepts anything, so that a strange error is still an error.
func (m *message) UnmarshalJSON(data []byte) error {
	var text string
	var object struct{ Message string }
	switch {
	case json.Unmarshal(data, &text) == nil:
	case json.Unmarshal(data, &object) == nil && object.Message != "":
		text = object.Message
	default:
		text = string(data)
	}
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "..."
	}
	*m = message(text)
	return nil
}
