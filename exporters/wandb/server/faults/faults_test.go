package faults_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

// A bench is a server whose handler counts and answers "hello, world".
type bench struct {
	*faults.Server
	h      *faults.Handler
	served atomic.Int32
	client *http.Client
}

func newBench(t *testing.T, rules ...faults.Rule) *bench {
	t.Helper()
	b := &bench{client: &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}}
	b.h = faults.New(b.handler(), rules...)
	s, err := faults.Start(b.h)
	if err != nil {
		t.Fatal(err)
	}
	b.Server = s
	t.Cleanup(b.client.CloseIdleConnections)
	t.Cleanup(s.Close)
	return b
}

func (b *bench) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		b.served.Add(1)
		_, _ = io.WriteString(w, "hello, world")
	})
}

// post sends body and returns what came back, and how it ended.
func (b *bench) post(path, body string) (*http.Response, string, error) {
	resp, err := b.client.Post(b.URL()+path, "application/json", strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp, string(data), err
}

func TestAnswers(t *testing.T) {
	f := func(a faults.Action, status int, header, body string) {
		t.Helper()
		b := newBench(t, faults.On(faults.Match{}, a))
		b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		resp, got, err := b.post("/x", "{}")
		name, want, _ := strings.Cut(header, ":")
		if err != nil || resp.StatusCode != status || !strings.Contains(got, body) || resp.Header.Get(name) != want {
			t.Fatalf("%+v: got %v, %q, %v", a, resp, got, err)
		}
		if b.served.Load() != 0 || b.h.Struck() != 1 || b.h.Seen("/x") != 1 {
			t.Errorf("%+v: served %d, struck %d, seen %d", a, b.served.Load(), b.h.Struck(), b.h.Seen("/x"))
		}
	}
	f(faults.Status(503), 503, "", "")
	f(faults.RetryLater(429, "7"), 429, "Retry-After:7", "")
	f(faults.HTML(), 200, "Content-Type:text/html", "<!DOCTYPE")
	f(faults.Empty(), 200, "Content-Length:0", "")
	f(faults.Redirect(307, "http://example.invalid/"), 307, "Location:http://example.invalid/", "")
	f(faults.Action{Kind: faults.Answer, Status: 400, Body: `{"error":"x"}`}, 400, "", `{"error":"x"}`)
}

// broken says whether err is one of those that a reset gives a client that is
// still writing: which one is a race of its two directions.
func broken(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed)
}

// TestBrokenConnections: what the client sees, and whether the handler worked.
func TestBrokenConnections(t *testing.T) {
	f := func(a faults.Action, want error, body string, served int32) {
		t.Helper()
		b := newBench(t, faults.On(faults.Match{Times: 1}, a))
		_, got, err := b.post("/x", strings.Repeat("x", 1<<20))
		if !errors.Is(err, want) && !(want == syscall.ECONNRESET && broken(err)) || got != body || b.served.Load() != served {
			t.Fatalf("%+v: got %q, %v, served %d; want %q, %v, served %d", a, got, err, b.served.Load(), body, want, served)
		}
		if _, got, err := b.post("/x", "{}"); err != nil || got != "hello, world" {
			t.Errorf("%+v, the next request: got %q, %v", a, got, err)
		}
	}
	f(faults.Action{Kind: faults.Reset, Bytes: 1000}, syscall.ECONNRESET, "", 0)
	f(faults.Action{Kind: faults.StoreDrop}, syscall.ECONNRESET, "", 1)
	f(faults.Action{Kind: faults.CutAnswer, Bytes: 5}, syscall.ECONNRESET, "hello", 1)
	f(faults.Action{Kind: faults.LongAnswer, Bytes: 3}, io.ErrUnexpectedEOF, "hello, world", 1)
	f(faults.Action{Kind: faults.BadGzip}, errGzip, "", 0)
	f(faults.Action{Kind: faults.Pass}, nil, "hello, world", 1)
}

func TestSlowAnswers(t *testing.T) {
	const pause = 5 * time.Millisecond
	b := newBench(t, faults.Next(1, "", faults.Action{Kind: faults.SlowAnswer, Delay: faults.Duration(pause)}))
	start := time.Now()
	_, got, err := b.post("/x", "{}")
	if took := time.Since(start); err != nil || got != "hello, world" || took < 12*pause {
		t.Errorf("got %q, %v after %v", got, err, took)
	}
	b.h.Add(faults.Next(1, "", faults.Action{Kind: faults.Hang}))
	b.client.Timeout = 50 * time.Millisecond
	var timeout net.Error
	if _, _, err := b.post("/x", "{}"); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("got %v, want a timeout", err)
	}
}

func TestBomb(t *testing.T) {
	b := newBench(t, faults.On(faults.Match{}, faults.Action{Kind: faults.Bomb, Bytes: 1 << 20}))
	if _, got, err := b.post("/x", "{}"); err != nil || len(got) != 1<<20 || strings.Trim(got, "\x00") != "" {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// TestRulesChoose: by method, path, operation, number; the first counts.
func TestRulesChoose(t *testing.T) {
	b := newBench(t,
		faults.On(faults.Match{Operation: "Viewer", Nth: 2}, faults.Status(502)),
		faults.Next(1, "UpsertBucket", faults.Status(409)),
		faults.On(faults.Match{Method: "POST", Path: "/file_stream"}, faults.Status(500)),
		faults.Next(1, "/file_stream", faults.Status(429)),
	)
	f := func(path, body string, want int) {
		t.Helper()
		if resp, _, err := b.post(path, body); err != nil || resp.StatusCode != want {
			t.Errorf("%s %s: got %v, %v, want %d", path, body, resp, err, want)
		}
	}
	f("/graphql", `{"operationName":"Viewer"}`, 200)
	f("/graphql", `{"operationName":"Viewer"}`, 502)
	f("/graphql", `{"operationName":"Viewer"}`, 200)
	f("/graphql", `{"operationName":"UpsertBucket"}`, 409)
	f("/graphql", `{"operationName":"UpsertBucket"}`, 200)
	f("/graphql", `no json`, 200)
	f("/files/e/p/r/file_stream", `{}`, 500)
	f("/files/e/p/r/file_stream", `{}`, 500)
	b.h.Clear()
	f("/files/e/p/r/file_stream", `{}`, 200)
	if n := b.h.Seen("Viewer"); n != 3 {
		t.Errorf("Viewer was seen %d times, want 3", n)
	}
}

// TestServerGoesAndComes: refused while it is away, at the same address after.
func TestServerGoesAndComes(t *testing.T) {
	b := newBench(t)
	url := b.URL()
	b.Stop()
	if _, _, err := b.post("/x", ""); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("stopped: got %v, want refused", err)
	}
	if err := b.Resume(b.handler()); err != nil {
		t.Fatal(err)
	}
	if err := b.Resume(b.handler()); err == nil {
		t.Error("resumed twice")
	}
	if _, got, err := b.post("/x", ""); err != nil || got != "hello, world" || b.URL() != url {
		t.Errorf("resumed: got %q, %v at %s", got, err, b.URL())
	}
	if err := b.Restart(http.NotFoundHandler(), time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if resp, _, err := b.post("/x", ""); err != nil || resp.StatusCode != 404 {
		t.Errorf("restarted: got %v, %v", resp, err)
	}
}

func TestModes(t *testing.T) {
	b := newBench(t)
	b.client.Transport.(*http.Transport).DisableKeepAlives = true
	b.SetMode(faults.Refuse)
	if _, _, err := b.post("/x", ""); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("refusing: got %v, want a reset", err)
	}
	b.SetMode(faults.HalfOpen)
	b.client.Timeout = 50 * time.Millisecond
	var timeout net.Error
	if _, _, err := b.post("/x", ""); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("half-open: got %v, want a timeout", err)
	}
	b.SetMode(faults.Serve)
	b.client.Timeout = 30 * time.Second
	if _, got, err := b.post("/x", ""); err != nil || got != "hello, world" {
		t.Errorf("well again: got %q, %v", got, err)
	}
}

// TestCertificates: each is believed or not, for its own reason.
func TestCertificates(t *testing.T) {
	a, err := faults.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, cert tls.Certificate, err error, pool *x509.CertPool, want any) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		b := newBench(t)
		s, err := faults.Start(b.handler(), cert)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
		defer client.CloseIdleConnections()
		resp, err := client.Get(s.URL())
		if err == nil {
			resp.Body.Close()
		}
		if want == nil && err != nil || want != nil && !errors.As(err, want) {
			t.Errorf("%s: got %v, want %T", name, err, want)
		}
	}
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var unknown x509.UnknownAuthorityError
	cert, err := a.Valid("127.0.0.1")
	f("valid", cert, err, a.Pool(), nil)
	f("unknown authority", cert, err, x509.NewCertPool(), &unknown)
	cert, err = a.Expired("127.0.0.1")
	f("expired", cert, err, a.Pool(), &invalid)
	cert, err = a.Valid("other.example")
	f("wrong host", cert, err, a.Pool(), &host)
}

// TestProxy: a tunnel and a plain request reach a host that only the proxy
// knows, with its login and not without, and not where it refuses.
func TestProxy(t *testing.T) {
	a, err := faults.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := a.Valid("api.example")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	secure, err := faults.Start(b.handler(), cert)
	if err != nil {
		t.Fatal(err)
	}
	defer secure.Close()
	hosts := map[string]string{"api.example:443": secure.Addr(), "api.example:80": b.Addr()}
	f := func(o faults.ProxyOptions, login bool, address string, status int, want string) {
		t.Helper()
		o.Hosts = hosts
		p, err := faults.StartProxy(o)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		proxy := p.URL()
		if login {
			proxy = p.UserURL()
		}
		to, _ := url.Parse(proxy)
		client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(to), TLSClientConfig: &tls.Config{RootCAs: a.Pool()}}}
		defer client.CloseIdleConnections()
		resp, err := client.Get(address)
		if asked := p.Asked(); len(asked) != 1 || !strings.Contains(asked[0], "api.example") {
			t.Errorf("%s: the proxy was asked for %q", address, asked)
		}
		if err != nil {
			if want == "" || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %d %q", address, err, status, want)
			}
			return
		}
		defer resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%s: got %d, want %d", address, resp.StatusCode, status)
		}
	}
	login := faults.ProxyOptions{User: "u", Password: "p"}
	f(faults.ProxyOptions{}, false, "https://api.example/", 200, "")
	f(faults.ProxyOptions{}, false, "http://api.example/", 200, "")
	f(login, true, "https://api.example/", 200, "")
	f(login, true, "http://api.example/", 200, "")
	f(login, false, "https://api.example/", 0, "Proxy Authentication Required")
	f(login, false, "http://api.example/", 407, "")
	f(faults.ProxyOptions{Refuse: 403}, false, "https://api.example/", 0, "Forbidden")
}
