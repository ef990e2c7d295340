package api_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

// TestFaults: each fault befalls every request; the client tries as often as
// the fault deserves and says what happened.
func TestFaults(t *testing.T) {
	f := func(a faults.Action, tries int, want api.Verdict, text string) {
		t.Helper()
		t.Run(string(a.Kind)+"/"+text, func(t *testing.T) {
			b := newBench(t, wandb, func(o *api.Options) { o.Timeout = time.Minute })
			b.faults.Add(faults.On(faults.Match{}, a))
			_, err := b.Viewer(t.Context())
			if v := api.Classify(err, api.GraphQL); v != want || err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("got %v (%v), want %v with %q", err, v, want, text)
			}
			if n := b.faults.Seen("Viewer"); n != tries {
				t.Errorf("got %d tries, want %d", n, tries)
			}
			mustNotTell(t, err)
			b.faults.Clear()
			if u, err := b.Viewer(t.Context()); err != nil || u.Username != "me" {
				t.Errorf("after the fault: got %+v, %v", u, err)
			}
		})
	}
	status := func(status int, tries int, want api.Verdict, text string) {
		t.Helper()
		f(faults.Status(status), tries, want, text)
	}
	status(401, 1, api.Auth, "401 unauthorized")
	status(403, 1, api.Auth, "403 forbidden")
	status(404, 1, api.NotFound, "404 not found")
	status(409, 1, api.Conflict, "409")
	status(410, 1, api.Gone, "410")
	status(413, 1, api.TooLarge, "413")
	status(422, 1, api.Final, "422")
	status(501, 1, api.Final, "501")
	status(408, 4, api.Retry, "408")
	status(418, 4, api.Retry, "418")
	status(429, 4, api.Retry, "429")
	status(500, 4, api.Retry, "500")
	status(503, 4, api.Retry, "503")
	status(600, 4, api.Retry, "600")
	f(faults.Action{Kind: faults.Answer, Status: 400, Body: `{"errors":[{"message":"bad query"},"and more"]}`}, 1, api.Final, "400 bad request: bad query; and more")
	f(faults.Action{Kind: faults.Answer, Status: 200, Body: `{"data":null,"errors":[{"message":"no permission"}]}`}, 1, api.Final, "Viewer: no permission")
	f(faults.Action{Kind: faults.Answer, Status: 200, Body: `{"data":null}`}, 4, api.Retry, "not that of a W&B server")
	f(faults.Action{Kind: faults.Answer, Status: 200, Body: `{"data":{"viewer":"text"}}`}, 4, api.Retry, "not that of a W&B server")
	f(faults.Empty(), 4, api.Retry, "not that of a W&B server")
	f(faults.HTML(), 4, api.Retry, "not that of a W&B server")
	f(faults.Action{Kind: faults.Reset}, 4, api.Retry, "Viewer: ")
	f(faults.Action{Kind: faults.StoreDrop}, 4, api.Retry, "Viewer: ")
	f(faults.Action{Kind: faults.CutAnswer, Bytes: 10}, 4, api.Retry, "Viewer: ")
	f(faults.Action{Kind: faults.LongAnswer, Bytes: 10}, 4, api.Retry, "unexpected EOF")
	f(faults.Action{Kind: faults.BadGzip}, 4, api.Retry, "gzip")
	f(faults.Action{Kind: faults.Bomb, Bytes: 33 << 20}, 1, api.Final, "too long")
	f(faults.Redirect(307, "http://elsewhere.example/?sig=secret"), 1, api.Final, "redirects to http://elsewhere.example:")
	f(faults.Redirect(302, "/graphql"), 1, api.Final, "loses the request")
}

// TestSlowFaults: what takes too long is given up, and not for ever.
func TestSlowFaults(t *testing.T) {
	f := func(a faults.Action) {
		t.Helper()
		b := newBench(t, wandb, func(o *api.Options) { o.Timeout, o.RetryMax = 100*time.Millisecond, 1 })
		b.faults.Add(faults.On(faults.Match{Times: 2}, a))
		_, err := b.Viewer(t.Context())
		if !errors.Is(err, context.DeadlineExceeded) || api.Classify(err, api.GraphQL) != api.Retry {
			t.Errorf("%s: got %v, want a deadline", a.Kind, err)
		}
		if n := b.faults.Seen("Viewer"); n != 2 {
			t.Errorf("%s: got %d tries, want 2", a.Kind, n)
		}
	}
	f(faults.Action{Kind: faults.Hang})
	f(faults.Action{Kind: faults.SlowAnswer, Delay: faults.Duration(50 * time.Millisecond)})
}

func TestHalfOpen(t *testing.T) {
	b := newBench(t, wandb, func(o *api.Options) { o.Timeout, o.RetryMax = 100*time.Millisecond, -1 })
	b.SetMode(faults.HalfOpen)
	if _, err := b.Viewer(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a deadline", err)
	}
	b.SetMode(faults.Serve)
	c := newClient(t, b.URL(), nil)
	if _, err := c.Viewer(t.Context()); err != nil {
		t.Errorf("well again: %v", err)
	}
}

// TestServerRestarts: an outage shorter than the retries is not seen.
func TestServerRestarts(t *testing.T) {
	b := newBench(t, wandb, func(o *api.Options) {
		o.RetryMax, o.RetryWaitMin, o.RetryWaitMax = 10000, 10*time.Millisecond, 20*time.Millisecond
	})
	if _, err := b.Viewer(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Stop()
	back := time.AfterFunc(100*time.Millisecond, func() {
		if err := b.Resume(b.faults); err != nil {
			t.Error(err)
		}
	})
	defer back.Stop()
	if _, err := b.Viewer(t.Context()); err != nil {
		t.Errorf("got %v, want an answer after the restart", err)
	}
}

// TestConflictIsWaitedOut: two writers that create one run at a time.
func TestConflictIsWaitedOut(t *testing.T) {
	b := newBench(t, wandb, nil)
	b.faults.Add(faults.Next(2, "UpsertBucket", faults.Status(409)))
	if bucket, err := b.UpsertBucket(t.Context(), api.UpsertInput{Name: "r1"}); err != nil || bucket.DisplayName != "calm-sea-1" {
		t.Errorf("got %+v, %v", bucket, err)
	}
}

// TestStreamTriesOnce: the caller repeats; what is no answer is no
// acknowledgement.
func TestStreamTriesOnce(t *testing.T) {
	b := newBench(t, wandb, nil)
	send := func() (*api.StreamReply, error) {
		return b.FileStream(t.Context(), "e", "p", "r", []byte(`{}`))
	}
	f := func(a faults.Action, want api.Verdict) {
		t.Helper()
		before := b.faults.Seen("/files/e/p/r/file_stream")
		b.faults.Clear()
		b.faults.Add(faults.On(faults.Match{}, a))
		reply, err := send()
		if v := api.Classify(err, api.Stream); err == nil || reply != nil || v != want {
			t.Errorf("%+v: got %+v, %v (%v), want %v", a, reply, err, v, want)
		}
		if n := b.faults.Seen("/files/e/p/r/file_stream") - before; n != 1 {
			t.Errorf("%+v: got %d tries, want 1", a, n)
		}
		mustNotTell(t, err)
	}
	f(faults.Status(500), api.Retry)
	f(faults.Status(413), api.TooLarge)
	f(faults.Status(409), api.Conflict)
	f(faults.HTML(), api.Retry)
	f(faults.Empty(), api.Retry)
	f(faults.Action{Kind: faults.Answer, Status: 200, Body: "null"}, api.Retry)
	f(faults.Action{Kind: faults.Answer, Status: 200, Body: "[]"}, api.Retry)
	f(faults.Action{Kind: faults.StoreDrop}, api.Retry)
	f(faults.Action{Kind: faults.Bomb, Bytes: 5 << 20}, api.Final)
	b.faults.Clear()
	b.faults.Add(faults.On(faults.Match{}, faults.Action{Kind: faults.Answer, Status: 200, Body: `{"limits":3}`, Header: map[string]string{"RateLimit-Remaining": "7.5", "RateLimit-Reset": "2"}}))
	if reply, err := send(); err != nil || reply.Stopped || reply.Limits != nil || reply.Rate == nil || reply.Rate.Remaining != 7.5 || reply.Rate.Reset != 2*time.Second {
		t.Errorf("got %+v, %v", reply, err)
	}
	b.faults.Clear()
	if reply, err := send(); err != nil || !reply.Stopped || reply.Limits["heartbeat_seconds"] != 10.0 || reply.Rate != nil {
		t.Errorf("got %+v, %v", reply, err)
	}
}

// TestBombIsNotUnpacked: an answer is read to its limit, whatever it holds.
func TestBombIsNotUnpacked(t *testing.T) {
	b := newBench(t, wandb, nil)
	b.faults.Add(faults.On(faults.Match{}, faults.Action{Kind: faults.Bomb, Bytes: 256 << 20}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := b.FileStream(t.Context(), "e", "p", "r", []byte(`{}`))
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) >> 20; !errors.Is(err, api.ErrTooLong) || n > 100 {
		t.Errorf("got %v after allocating %d MiB", err, n)
	}
}

// TestContextEnds: no further try, and the error says both.
func TestContextEnds(t *testing.T) {
	b := newBench(t, wandb, func(o *api.Options) { o.RetryWaitMin, o.RetryWaitMax = time.Hour, time.Hour })
	b.faults.Add(faults.On(faults.Match{}, faults.RetryLater(503, "3600")))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := b.Viewer(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "503") {
		t.Errorf("got %v, want the deadline and the status", err)
	}
}
