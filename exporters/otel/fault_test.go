package otel

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// outcome is what the pump makes of an error.
func outcomeOf(err error) string {
	var partial *agent.PartialError
	switch {
	case err == nil:
		return "sent"
	case agent.IsPermanent(err):
		return "dropped"
	case errors.As(err, &partial):
		return "partial"
	}
	return "again"
}

// Each row fails without the line of protection that its comment names.
func TestAnswers(t *testing.T) {
	page := "<html><body>Please log in</body></html>"
	for _, c := range []struct {
		name   string
		status int
		kind   string
		body   string
		want   string
	}{
		{"plain", 200, "application/x-protobuf", "", "sent"},
		{"empty without type", 200, "", "", "sent"},
		{"accepted", 202, "application/x-protobuf", "", "sent"},
		{"json", 200, "application/json; charset=utf-8", `{"partialSuccess":{}}`, "sent"},
		{"page with 200", 200, "text/html", page, "again"},          // answer.read
		{"empty page with 200", 200, "text/html", "", "again"},      // answer.read
		{"other json", 200, "application/json", `{"a":1}`, "again"}, // answer.read
		{"garbage with 200", 200, "application/x-protobuf", "\xff\xff\xff", "again"},
		{"endless answer", 200, "application/x-protobuf", strings.Repeat("x", maxAnswer+1), "again"}, // maxAnswer
		{"bad request", 400, "text/plain", "no", "dropped"},                                          // Error.permanent
		{"unauthorized", 401, "", "", "dropped"},
		{"not found", 404, "text/html", page, "dropped"},
		{"timeout", 408, "", "", "again"},
		{"too many", 429, "", "", "again"},
		{"server error", 500, "", "", "again"},
		{"bad gateway", 502, "text/html", page, "again"},
		{"unavailable", 503, "", "", "again"},
		{"redirect", 302, "", "", "again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, Config{})
			x := b.add("", sample.Desc{Name: "x"})
			b.recv.answerWith(func(w http.ResponseWriter, _ int, _ *collector.ExportMetricsServiceRequest) {
				w.Header()["Content-Type"] = nil // none is guessed
				if c.kind != "" {
					w.Header().Set("Content-Type", c.kind)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			err := b.export(b.frame(1, put{x, 1}))
			if long := len(c.body) > maxAnswer; long && !strings.Contains(err.Error(), "longer than") {
				t.Errorf("Export = %v, want it to say that the answer is too long", err)
			}
			if got := outcomeOf(err); got != c.want {
				t.Fatalf("%d %q: %s (%v), want %s", c.status, c.kind, got, err, c.want)
			}
			if n := b.recv.count(); n != 1 {
				t.Errorf("%d requests: the pump owns retry, want 1", n)
			}
			if c.want == "sent" {
				return
			}
			b.recv.answerWith(nil)
			if err := b.export(b.frame(2, put{x, 2})); err != nil {
				t.Errorf("does not recover: %v", err)
			}
		})
	}
}

// Cut connections: nothing is lost once the receiver is back. What was stored
// before the answer was lost arrives twice, equal.
func TestCutConnections(t *testing.T) {
	for name, f := range map[string]func(net.Conn){
		"reset at once": func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) },
		"reset after reading": func(c net.Conn) {
			readSome(c)
			_ = c.(*net.TCPConn).SetLinger(0)
		},
		"reset within the body": func(c net.Conn) {
			readSome(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 50\r\n\r\nxx")
			_ = c.(*net.TCPConn).SetLinger(0)
		},
		"ended within the body": func(c net.Conn) {
			readSome(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 50\r\n\r\n")
		},
		"no http": func(c net.Conn) {
			readSome(c)
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH\r\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Config{})
			x := b.add("", sample.Desc{Name: "x", Kind: sample.Counter})
			good := b.e
			b.e = open(t, Config{Endpoint: rawServer(t, f)})
			frame := b.frame(1, put{x, 7})
			if err := b.export(frame); outcomeOf(err) != "again" {
				t.Fatalf("Export = %v, want an error to retry", err)
			}
			b.e = good
			if err := b.export(frame); err != nil {
				t.Fatal(err)
			}
			b.wantPoints(b.recv.all(0), got{"", "x", "", "counter", 7, 1, 1})
		})
	}
}

// rawServer accepts connections, hands each to f and closes it.
func rawServer(t *testing.T, f func(net.Conn)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f(c)
			_ = c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

func readSome(c net.Conn) {
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, _ = c.Read(make([]byte, 64<<10))
}

// A receiver that never answers, or drips: Timeout ends the request, and the
// context ends it at once.
func TestHangs(t *testing.T) {
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	drip := func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 5000\r\n\r\n")
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				if _, err := io.WriteString(c, "x"); err != nil {
					return
				}
			}
		}
	}
	for name, f := range map[string]func(net.Conn){
		"never answers": func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"drips":         drip,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Config{})
			x := b.add("", sample.Desc{Name: "x"})
			url := rawServer(t, f)
			b.e = open(t, Config{Endpoint: url, Timeout: 200 * time.Millisecond})
			if err := b.export(b.frame(1, put{x, 1})); outcomeOf(err) != "again" {
				t.Errorf("Export = %v, want an error to retry", err)
			}
			b.e = open(t, Config{Endpoint: url, Timeout: time.Hour})
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			defer cancel()
			if err := b.e.Export(ctx, b.batch(b.frame(1, put{x, 1}))); outcomeOf(err) != "again" || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Export = %v, want the context's end", err)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	b := newBench(t, Config{})
	x := b.add("", sample.Desc{Name: "x"})
	now := time.Unix(1_700_000_000, 0)
	b.e.now = func() time.Time { return now }
	b.recv.answerWith(func(w http.ResponseWriter, _ int, _ *collector.ExportMetricsServiceRequest) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	frame := b.frame(1, put{x, 1})
	var refusal *Error
	if err := b.export(frame); !errors.As(err, &refusal) || refusal.RetryAfter != 30*time.Second || outcomeOf(err) != "again" {
		t.Fatalf("Export = %v, want a refusal with 30 s", err)
	}
	b.recv.answerWith(nil)
	now = now.Add(29 * time.Second)
	if err := b.export(frame); outcomeOf(err) != "again" || b.recv.count() != 1 {
		t.Errorf("after 29 s: %v, %d requests; want an error and no second request", err, b.recv.count())
	}
	now = now.Add(time.Second)
	if err := b.export(frame); err != nil || b.recv.count() != 2 {
		t.Errorf("after 30 s: %v, %d requests; want it sent", err, b.recv.count())
	}
}

func TestRetryAfterHeader(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "x": 0, "-5": 0, "0": 0, "7": 7 * time.Second, "999999999999": maxWait, "99999999999999999999": 0,
		now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0, now.AddDate(9, 0, 0).Format(http.TimeFormat): maxWait,
	} {
		if got := retryAfter(v, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", v, got, want)
		}
	}
}

// The receiver takes 4 points at most: every point arrives, once.
func TestTooLargeIsHalved(t *testing.T) {
	b := newBench(t, Config{})
	x := b.add("", sample.Desc{Name: "x", Kind: sample.Counter})
	taken := 0
	b.recv.answerWith(func(w http.ResponseWriter, _ int, m *collector.ExportMetricsServiceRequest) {
		n := len(pointsOf(m))
		if n > 4 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		taken += n
		acknowledge(w, 0, "")
	})
	var frames []sample.Frame
	for i := range int64(11) {
		frames = append(frames, b.frame(i+1, put{x, float64(i)}))
	}
	if err := b.export(frames...); err != nil {
		t.Fatal(err)
	}
	if taken != 11 {
		t.Errorf("%d points taken, want 11", taken)
	}
}

func TestSinglePointTooLargeIsDropped(t *testing.T) {
	b := newBench(t, Config{})
	x := b.add("", sample.Desc{Name: "x"})
	b.recv.answerWith(func(w http.ResponseWriter, _ int, _ *collector.ExportMetricsServiceRequest) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	if err := b.export(b.frame(1, put{x, 1}), b.frame(2, put{x, 1})); outcomeOf(err) != "dropped" {
		t.Errorf("Export = %v, want a permanent error", err)
	}
	if n := b.e.Counters(); n != (Counters{Rejected: 2}) {
		t.Errorf("counters = %+v, want 2 rejected", n)
	}
}

func TestPartialSuccess(t *testing.T) {
	b := newBench(t, Config{})
	x, y := b.add("", sample.Desc{Name: "x"}), b.add("", sample.Desc{Name: "y"})
	b.recv.answerWith(func(w http.ResponseWriter, _ int, _ *collector.ExportMetricsServiceRequest) {
		acknowledge(w, 3, "too old")
	})
	err := b.export(b.frame(1, put{x, 1}, put{y, 1}), b.frame(2, put{x, 1}, put{y, 1}), b.frame(3, put{x, 1}, put{y, 1}))
	var partial *agent.PartialError
	if !errors.As(err, &partial) || partial.Rejected != 2 || !strings.Contains(err.Error(), "too old") {
		t.Errorf("Export = %v, want 2 of 3 frames for 3 of 6 points, with the reason", err)
	}
	if n := b.e.Counters(); n != (Counters{Sent: 3, Rejected: 3}) {
		t.Errorf("counters = %+v, want 3 sent and 3 rejected", n)
	}
	b.recv.answerWith(func(w http.ResponseWriter, _ int, _ *collector.ExportMetricsServiceRequest) {
		acknowledge(w, 0, "a warning")
	})
	if err := b.export(b.frame(4, put{x, 1})); err != nil {
		t.Errorf("a message without rejected points is an acknowledgement, got %v", err)
	}
}

// Of three requests the second fails: the next try sends only what is left, and
// sums keep their start times.
func TestConfirmedFramesAreNotSentAgain(t *testing.T) {
	b := newBench(t, Config{MaxPoints: 2})
	c, loss := b.add("", sample.Desc{Name: "c", Kind: sample.Counter}), b.add("", sample.RowDesc("loss"))
	frames := []sample.Frame{b.frame(1, put{c, 10}), b.frame(2, put{c, 20}, put{loss, 5}), b.frame(3, put{c, 5}), b.frame(4, put{c, 6}), b.frame(5, put{c, 7})}
	b.recv.answerWith(func(w http.ResponseWriter, n int, _ *collector.ExportMetricsServiceRequest) {
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		acknowledge(w, 0, "")
	})
	if err := b.export(frames...); outcomeOf(err) != "again" {
		t.Fatalf("Export = %v, want an error to retry", err)
	}
	if err := b.export(append(frames, b.frame(6, put{c, 8}))...); err != nil {
		t.Fatal(err)
	}
	b.wantPoints(b.recv.all(2),
		got{"", "c", "", "counter", 5, 3, 2}, got{"", "c", "", "counter", 6, 4, 2}, got{"", "c", "", "counter", 7, 5, 2}, got{"", "c", "", "counter", 8, 6, 2},
		got{"", "wandb.history", "key=loss;", "gauge", 5, 2, -1})
}

// A request refused for good does not take the rest of the batch with it.
func TestRefusedRequestDoesNotDropTheOthers(t *testing.T) {
	b := newBench(t, Config{MaxPoints: 1})
	x := b.add("", sample.Desc{Name: "x"})
	b.recv.answerWith(func(w http.ResponseWriter, n int, _ *collector.ExportMetricsServiceRequest) {
		if n == 1 {
			http.Error(w, "bad point", http.StatusBadRequest)
			return
		}
		acknowledge(w, 0, "")
	})
	err := b.export(b.frame(1, put{x, 1}), b.frame(2, put{x, 2}), b.frame(3, put{x, 3}))
	var partial *agent.PartialError
	if !errors.As(err, &partial) || partial.Rejected != 1 || !strings.Contains(err.Error(), "bad point") {
		t.Errorf("Export = %v, want 1 frame refused with the reason", err)
	}
	if n := b.e.Counters(); n != (Counters{Sent: 2, Rejected: 1}) {
		t.Errorf("counters = %+v, want 2 sent and 1 rejected", n)
	}
}

// Neither errors nor answers quoted in them show a header.
func TestErrorsHoldNoSecret(t *testing.T) {
	b := newBench(t, Config{Headers: map[string]Secret{"Authorization": "Bearer hunter2"}})
	x := b.add("", sample.Desc{Name: "x"})
	b.recv.answerWith(func(w http.ResponseWriter, _ int, _ *collector.ExportMetricsServiceRequest) {
		http.Error(w, "no", http.StatusUnauthorized)
	})
	if err := b.export(b.frame(1, put{x, 1})); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Export = %v, want an error without the secret", err)
	}
	b.recv.Close()
	if err := b.export(b.frame(2, put{x, 1})); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Export = %v, want an error without the secret", err)
	}
}
