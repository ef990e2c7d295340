package api_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

func TestClassify(t *testing.T) {
	f := func(err error, p api.Policy, want api.Verdict) {
		t.Helper()
		if got := api.Classify(err, p); got != want {
			t.Errorf("%v under %d: got %v, want %v", err, p, got, want)
		}
	}
	status := func(status int, graphql, upsert, stream, transfer api.Verdict) {
		t.Helper()
		err := fmt.Errorf("wrapped: %w", &api.Error{Op: "x", Status: status})
		f(err, api.GraphQL, graphql)
		f(err, api.Upsert, upsert)
		f(err, api.Stream, stream)
		f(err, api.Transfer, transfer)
	}
	status(400, api.Final, api.Final, api.Final, api.Final)
	status(401, api.Auth, api.Auth, api.Auth, api.Auth)
	status(403, api.Auth, api.Auth, api.Auth, api.Auth)
	status(404, api.NotFound, api.NotFound, api.NotFound, api.NotFound)
	status(407, api.Final, api.Final, api.Final, api.Final)
	status(408, api.Retry, api.Retry, api.Retry, api.Final)
	status(409, api.Conflict, api.Retry, api.Conflict, api.Conflict)
	status(410, api.Gone, api.Gone, api.Gone, api.Gone)
	status(413, api.TooLarge, api.TooLarge, api.TooLarge, api.TooLarge)
	status(418, api.Retry, api.Retry, api.Retry, api.Final)
	status(422, api.Final, api.Final, api.Final, api.Final)
	status(429, api.Retry, api.Retry, api.Retry, api.Retry)
	status(500, api.Retry, api.Retry, api.Retry, api.Retry)
	status(501, api.Final, api.Final, api.Final, api.Final)
	status(503, api.Retry, api.Retry, api.Retry, api.Retry)
	status(700, api.Retry, api.Retry, api.Retry, api.Retry)
	f(nil, api.GraphQL, api.Final)
	f(errors.New("not ours"), api.GraphQL, api.Final)
	f(&api.Error{Op: "x", Err: context.Canceled}, api.Stream, api.Final)
	f(&api.Error{Op: "x", Err: context.DeadlineExceeded}, api.Stream, api.Retry)
	f(&api.Error{Op: "x", Err: io.ErrUnexpectedEOF}, api.Stream, api.Retry)
}

// TestWait: random below a bound that doubles, unless the server said when.
func TestWait(t *testing.T) {
	p := api.RetryPolicy{Max: 5, WaitMin: 2 * time.Second, WaitMax: time.Minute}
	for n, bound := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute, time.Minute} {
		var low, high time.Duration = bound, 0
		for range 1000 {
			w := p.Wait(n, nil)
			low, high = min(low, w), max(high, w)
		}
		if low <= 0 || low > bound/10 || high > bound || high < bound*9/10 {
			t.Errorf("repetition %d: waits from %v to %v, want all of 0 to %v", n, low, high, bound)
		}
	}
	if w := p.Wait(1000, nil); w <= 0 || w > time.Minute {
		t.Errorf("repetition 1000: got %v", w)
	}
	if w := p.Wait(0, &api.Error{RetryAfter: 90 * time.Second}); w != 90*time.Second {
		t.Errorf("the server's wish: got %v", w)
	}
	if w := p.Wait(0, &api.Error{RetryAfter: time.Hour}); w != api.MaxRetryAfter {
		t.Errorf("a wish beyond reason: got %v", w)
	}
	if w := (api.RetryPolicy{}).Wait(3, nil); w != 0 {
		t.Errorf("no policy: got %v", w)
	}
}

// A memory listener makes connections without a network, for the time of
// synctest.
type memory chan net.Conn

func (m memory) Accept() (net.Conn, error) {
	c, ok := <-m
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (m memory) Close() error   { return nil }
func (m memory) Addr() net.Addr { return &net.TCPAddr{} }

func (m memory) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	m <- server
	return client, nil
}

// TestRetryClock: how long passes between tries, on a clock that only moves
// when everybody waits.
func TestRetryClock(t *testing.T) {
	f := func(name string, answer func(http.ResponseWriter, *http.Request, int), change func(*api.Options), low, high time.Duration, ok bool) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			n, m := 0, make(memory)
			srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n++
				answer(w, r, n)
			})}
			go srv.Serve(m)
			o := api.Options{BaseURL: "http://wandb.example", Key: api.NewKey(testKey), DialContext: m.dial}
			if change != nil {
				change(&o)
			}
			c, err := api.New(o)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err = c.Viewer(t.Context())
			if took := time.Since(start); took < low || took > high || (err == nil) != ok {
				t.Errorf("%s: got %v after %v and %d tries, want %v to %v", name, err, took, n, low, high)
			}
			c.CloseIdle()
			close(m)
			srv.Close()
		})
	}
	fail := func(times, status int, after string) func(http.ResponseWriter, *http.Request, int) {
		return func(w http.ResponseWriter, r *http.Request, n int) {
			if n > times {
				wandb(w, r)
				return
			}
			if after != "" {
				w.Header().Set("Retry-After", after)
			}
			w.WriteHeader(status)
		}
	}
	date := func(w http.ResponseWriter, r *http.Request, n int) {
		fail(1, 429, time.Now().Add(30*time.Second).UTC().Format(http.TimeFormat))(w, r, n)
	}
	f("seconds", fail(3, 429, "7"), nil, 21*time.Second, 21*time.Second, true)
	f("a fraction", fail(1, 503, "1.5"), nil, 1500*time.Millisecond, 1500*time.Millisecond, true)
	f("a date", date, nil, 29*time.Second, 30*time.Second, true)
	f("a year", fail(1, 429, "31536000"), nil, api.MaxRetryAfter, api.MaxRetryAfter, true)
	f("nonsense", fail(1, 429, "soon"), nil, time.Nanosecond, 2*time.Second, true)
	f("no wish", fail(3, 500, ""), nil, time.Nanosecond, 14*time.Second, true)
	f("for ever", fail(1000, 500, ""), nil, time.Minute, 20*time.Minute, false)
	hang := func(_ http.ResponseWriter, r *http.Request, _ int) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	f("no answer", hang, func(o *api.Options) { o.RetryMax = -1 }, 30*time.Second, 30*time.Second, false)
	f("no answer, twice", hang, func(o *api.Options) { o.RetryMax = 1 }, 60*time.Second, 62*time.Second, false)
}

// TestKeyIsMasked, however it is printed.
func TestKeyIsMasked(t *testing.T) {
	secret := strings.Repeat("canary", 8) // not a text that an address may hold
	k := api.NewKey(secret)
	object, err := json.Marshal(map[string]any{"key": k, "options": api.Options{Key: k}.Key})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", slog.Any("key", k), slog.Any("pointer", &k))
	private := struct{ k api.Key }{k}
	all := fmt.Sprintf("%v %+v %#v %s %q %x %d %v %+v", k, k, k, k, k, k, k, private, private) + fmt.Sprintf("%v %+v %#v", api.Options{Key: k}, &k, []api.Key{k}) + string(object) + log.String()
	if strings.Contains(all, "canary") || strings.Contains(all, hex.EncodeToString([]byte("canary"))) || !strings.Contains(all, "****") {
		t.Errorf("got %s", all)
	}
	if k.Reveal() != secret || !api.NewKey("").IsZero() {
		t.Error("the key is not what it was made of")
	}
}
