package filestream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// stand is a server of one run: it stores what has no bad line, and checks the
// offsets.
type stand struct {
	lines    []string
	summary  string
	console  map[int64]string
	done     bool
	exit     int
	limit    int              // bytes of a request; 0: any
	bad      func(string) int // status for a request with this line; 0: fine
	fail     []error          // for the next requests, in order
	requests int
	gaps     int
	refused  []string
	reply    api.StreamReply
	lose     bool // store the next request and lose the answer
}

func (s *stand) post(_ context.Context, body []byte) (*api.StreamReply, error) {
	s.requests++
	if len(s.fail) > 0 {
		err := s.fail[0]
		s.fail = s.fail[1:]
		if err != nil {
			return nil, err
		}
	}
	if s.limit > 0 && len(body) > s.limit {
		return nil, &api.Error{Op: "file_stream", Status: 413}
	}
	var q struct {
		Files map[string]struct {
			Offset  int64
			Content []string
		}
		Complete bool
		Exitcode int
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, &api.Error{Op: "file_stream", Status: 400, Messages: []string{err.Error()}}
	}
	history := q.Files["wandb-history.jsonl"]
	for _, line := range history.Content {
		if status := s.bad(line); status != 0 {
			return nil, &api.Error{Op: "file_stream", Status: status}
		}
	}
	if len(history.Content) > 0 {
		if history.Offset > int64(len(s.lines)) {
			s.gaps++
		}
		s.lines = append(s.lines[:min(history.Offset, int64(len(s.lines)))], history.Content...)
	}
	if c := q.Files["wandb-summary.json"].Content; len(c) > 0 {
		s.summary = c[0]
	}
	console := q.Files["output.log"]
	for i, line := range console.Content {
		s.console[console.Offset+int64(i)] = line
	}
	if q.Complete {
		s.done, s.exit = true, q.Exitcode
	}
	if s.lose {
		s.lose = false
		return nil, &api.Error{Op: "file_stream", Err: errors.New("connection reset by peer")}
	}
	return &s.reply, nil
}

func newStand() (*stand, *Sender) {
	s := &stand{console: map[int64]string{}, bad: func(string) int { return 0 }}
	return s, NewSender(Options{Post: s.post, Refused: func(_ string, line []byte, _ error) {
		s.refused = append(s.refused, string(line))
	}})
}

func lines(n int) *Batch {
	b := new(Batch)
	for i := range n {
		b.History.Append(fmt.Appendf(nil, `{"_step":%d}`, i))
	}
	return b
}

func TestSendEverything(t *testing.T) {
	s, sender := newStand()
	b := lines(3)
	b.Summary = []byte(`{"a":"\"q\""}`)
	b.Console = []Console{{0, []string{"a", "b\t\x1b[1m"}}, {7, []string{"c"}}}
	b.Complete, b.ExitCode = true, 3
	if err := sender.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if len(s.lines) != 3 || s.summary != `{"a":"\"q\""}` || s.console[1] != "b\t\x1b[1m" || s.console[7] != "c" || !s.done || s.exit != 3 {
		t.Errorf("got %+v", s)
	}
	if sender.History != 3 {
		t.Errorf("next line: got %d, want 3", sender.History)
	}
}

// TestBadLines: the lines that the server refuses are put aside, all others
// arrive in order and without a gap.
func TestBadLines(t *testing.T) {
	for _, status := range []int{400, 404, 422} {
		s, sender := newStand()
		s.bad = func(line string) int {
			if strings.Contains(line, `:13}`) || strings.Contains(line, `:77}`) {
				return status
			}
			return 0
		}
		if err := sender.Send(t.Context(), lines(100)); err != nil {
			t.Fatal(err)
		}
		if len(s.lines) != 98 || s.gaps != 0 || len(s.refused) != 2 || sender.History != 98 || slices.Contains(s.lines, `{"_step":13}`) {
			t.Errorf("status %d: got %d lines, %d gaps, %d refused; want 98, 0, 2", status, len(s.lines), s.gaps, len(s.refused))
		}
		if s.requests > 40 {
			t.Errorf("status %d: two bad lines of 100 cost %d requests", status, s.requests)
		}
	}
}

// TestWholeRunRefused: what is refused whatever it holds is not taken apart.
func TestWholeRunRefused(t *testing.T) {
	s, sender := newStand()
	for range 10 {
		s.fail = append(s.fail, &api.Error{Op: "file_stream", Status: 404})
	}
	err := sender.Send(t.Context(), lines(1000))
	if !errors.Is(err, ErrRefused) || s.requests != 2 || len(s.refused) != 0 || sender.History != 0 {
		t.Errorf("got %v after %d requests with %d lines put aside; want ErrRefused after 2 with 0", err, s.requests, len(s.refused))
	}
}

func TestTooLarge(t *testing.T) {
	s, sender := newStand()
	s.limit = 1000
	if err := sender.Send(t.Context(), lines(500)); err != nil {
		t.Fatal(err)
	}
	if len(s.lines) != 500 || s.gaps != 0 || len(s.refused) != 0 {
		t.Errorf("got %d lines, %d gaps, %d refused; want 500, 0, 0", len(s.lines), s.gaps, len(s.refused))
	}
}

func TestKeyAndConflict(t *testing.T) {
	for status, want := range map[int]error{401: ErrKey, 403: ErrKey, 409: ErrConflict, 410: ErrRefused} {
		s, sender := newStand()
		s.fail = []error{&api.Error{Op: "file_stream", Status: status}}
		if err := sender.Send(t.Context(), lines(1)); !errors.Is(err, want) || s.requests != 1 {
			t.Errorf("status %d: got %v after %d requests, want %v after 1", status, err, s.requests, want)
		}
	}
}

// TestOutage: a day without the server, and a stored request whose answer was
// lost, change nothing in what arrives.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, sender := newStand()
		down := time.Now().Add(24 * time.Hour)
		sender.o.Post = func(ctx context.Context, body []byte) (*api.StreamReply, error) {
			if time.Now().Before(down) {
				s.requests++
				return nil, &api.Error{Op: "file_stream", Err: errors.New("no route to host")}
			}
			return s.post(ctx, body)
		}
		s.lose = true
		if err := sender.Send(t.Context(), lines(10)); err != nil {
			t.Fatal(err)
		}
		if len(s.lines) != 10 || sender.History != 10 {
			t.Errorf("got %d lines, next %d; want 10, 10", len(s.lines), sender.History)
		}
		if s.requests < 24*60 || s.requests > 24*60*4 {
			t.Errorf("a day of outage: %d tries, want about two a minute", s.requests)
		}
	})
}

func TestRetryAfterAndQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, sender := newStand()
		s.fail = []error{&api.Error{Op: "file_stream", Status: 429, RetryAfter: 40 * time.Second}}
		begin := time.Now()
		if err := sender.Send(t.Context(), lines(1)); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begin); d != 40*time.Second {
			t.Errorf("Retry-After 40 s: waited %v", d)
		}
		s.reply.Rate = &api.Rate{Remaining: 10, Reset: 50 * time.Second}
		if err := sender.Send(t.Context(), lines(1)); err != nil {
			t.Fatal(err)
		}
		begin = time.Now()
		if err := sender.Send(t.Context(), lines(1)); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begin); d != 5*time.Second {
			t.Errorf("10 requests left for 50 s: the next one waited %v, want 5 s", d)
		}
	})
}

func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, sender := newStand()
		sender.o.Post = func(context.Context, []byte) (*api.StreamReply, error) {
			return nil, &api.Error{Op: "file_stream", Status: 503}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := sender.Send(ctx, lines(1)); err == nil || sender.History != 0 {
			t.Errorf("got %v, next line %d; want an error, 0", err, sender.History)
		}
	})
}

// FuzzAppendString: what is written reads back the same, invalid UTF-8 replaced.
func FuzzAppendString(f *testing.F) {
	f.Add([]byte("plain"))
	f.Add([]byte("\"\\\n\r\t\x00\x7f\xff\xc3é\u2028"))
	f.Fuzz(func(t *testing.T, in []byte) {
		out := appendString(nil, in)
		var back string
		if err := json.Unmarshal(out, &back); err != nil || !utf8.Valid(out) {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
		want := new(strings.Builder)
		for _, r := range string(in) {
			want.WriteRune(r)
		}
		if back != want.String() {
			t.Errorf("got %q, want %q", back, want)
		}
	})
}
