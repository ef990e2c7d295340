package api

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
	"unicode/utf8"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f := func(text string, want time.Duration) {
		t.Helper()
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	f("", 0)
	f("0", 0)
	f("-5", 0)
	f("NaN", 0)
	f("Inf", MaxRetryAfter)
	f("1e300", MaxRetryAfter)
	f(" 2.25 ", 2250*time.Millisecond)
	f("Fri, 02 Jan 2026 03:05:05 GMT", time.Minute)
	f("Fri, 02 Jan 2026 03:03:05 GMT", 0)
	f("Fri, 02 Jan 2099 03:03:05 GMT", MaxRetryAfter)
	f("tomorrow", 0)
}

// FuzzRetryAfter: within bounds, whatever a server says.
func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("1.5")
	f.Add("Fri, 02 Jan 2026 03:05:05 GMT")
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		if got := retryAfter(text, now); got < 0 || got > MaxRetryAfter {
			t.Errorf("%q: got %v", text, got)
		}
	})
}

// FuzzDecode: an answer is data or an *Error, never both or neither.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"data":{"viewer":{"id":"x"}}}`))
	f.Add([]byte(`{"data":null,"errors":[{"message":"m"},"text",{"extensions":{}}]}`))
	f.Add([]byte(`<html>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var out map[string]json.RawMessage
		err := decode("op", body, &out)
		var e *Error
		if err != nil && !errors.As(err, &e) || err == nil && !json.Valid(body) {
			t.Fatalf("%q: got %v", body, err)
		}
		for _, m := range messages(body) {
			if m == "" || len(m) > maxMessage+3 || utf8.Valid(body) && !utf8.ValidString(m) {
				t.Errorf("%q: message %q", body, m)
			}
		}
		if err != nil && len(err.Error()) > (maxMessages+1)*(maxMessage+10) {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	})
}
