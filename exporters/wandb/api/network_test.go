package api_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

// TestTLS: what cannot be trusted is refused at once, with its cause and what to
// do, and never reached without encryption.
func TestTLS(t *testing.T) {
	a, err := faults.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, cert tls.Certificate, certErr error, change func(*api.Options), want string) {
		t.Helper()
		if certErr != nil {
			t.Fatal(certErr)
		}
		var requests atomic.Int32
		s, err := faults.Start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			wandb(w, r)
		}), cert)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		c := newClient(t, s.URL(), func(o *api.Options) {
			o.RootCAs = a.Pool()
			if change != nil {
				change(o)
			}
		})
		_, err = c.Viewer(t.Context())
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			return
		}
		if err == nil || !strings.Contains(err.Error(), want) || api.Classify(err, api.GraphQL) != api.Final || requests.Load() != 0 {
			t.Errorf("%s: got %v (%v) and %d requests, want %q", name, err, api.Classify(err, api.GraphQL), requests.Load(), want)
		}
	}
	valid, err := a.Valid("127.0.0.1")
	f("valid", valid, err, nil, "")
	f("unknown authority", valid, nil, func(o *api.Options) { o.RootCAs = x509.NewCertPool() }, "give its certificate as a root")
	f("unknown authority, believed", valid, nil, func(o *api.Options) { o.RootCAs, o.InsecureTLS = nil, true }, "")
	expired, err := a.Expired("127.0.0.1")
	f("expired", expired, err, nil, "renew the server's certificate")
	other, err := a.Valid("other.example")
	f("wrong host", other, err, nil, "must name the host")
}

func TestPlainServerBehindHTTPS(t *testing.T) {
	b := newBench(t, wandb, nil)
	c := newClient(t, strings.Replace(b.URL(), "http:", "https:", 1), nil)
	if _, err := c.Viewer(t.Context()); err == nil || !strings.Contains(err.Error(), "https") && !strings.Contains(err.Error(), "HTTPS") || b.faults.Seen("/graphql") != 0 {
		t.Errorf("got %v, want that the server speaks no TLS", err)
	}
}

// TestNames: a name that cannot be found now may be found later, somewhere else.
func TestNames(t *testing.T) {
	b := newBench(t, wandb, nil)
	var tries atomic.Int32
	broken := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server")
	}}
	c := newClient(t, "http://wandb.example", func(o *api.Options) {
		o.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			d := net.Dialer{Resolver: broken}
			if tries.Add(1) > 2 {
				addr = b.Addr() // the name server is back
			}
			return d.DialContext(ctx, network, addr)
		}
	})
	if _, err := c.Viewer(t.Context()); err != nil || tries.Load() != 3 {
		t.Errorf("got %v after %d tries, want an answer after 3", err, tries.Load())
	}
	tries.Store(-100)
	c.CloseIdle()
	_, err := c.Viewer(t.Context())
	var dns *net.DNSError
	if !errors.As(err, &dns) || api.Classify(err, api.GraphQL) != api.Retry {
		t.Errorf("got %v, want a DNS error that may pass", err)
	}
}

// TestProxies: with its login, without, refusing, and passed by.
func TestProxies(t *testing.T) {
	a, err := faults.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := a.Valid("wandb.example")
	if err != nil {
		t.Fatal(err)
	}
	plain := newBench(t, wandb, nil)
	secure, err := faults.Start(http.HandlerFunc(wandb), cert)
	if err != nil {
		t.Fatal(err)
	}
	defer secure.Close()
	hosts := map[string]string{"wandb.example:80": plain.Addr(), "wandb.example:443": secure.Addr()}
	f := func(base string, o faults.ProxyOptions, login bool, no string, asked int, want string) {
		t.Helper()
		o.Hosts = hosts
		p, err := faults.StartProxy(o)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		url := p.URL()
		if login {
			url = p.UserURL()
		}
		c := newClient(t, base, func(o *api.Options) {
			o.RootCAs = a.Pool()
			o.Proxy, err = api.ProxyFunc(api.ProxySettings{HTTP: url, HTTPS: url, No: no})
			o.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if to := hosts[addr]; to != "" {
					addr = to
				}
				return new(net.Dialer).DialContext(ctx, network, addr)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Viewer(t.Context())
		mustNotTell(t, err, "hunter2")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || api.Classify(err, api.GraphQL) != api.Final) {
			t.Errorf("%s %+v: got %v, want %q", base, o, err, want)
		}
		if n := len(p.Asked()); n != asked {
			t.Errorf("%s %+v: the proxy was asked %d times, want %d", base, o, n, asked)
		}
	}
	login := faults.ProxyOptions{User: "u", Password: "hunter2"}
	for _, base := range []string{"http://wandb.example", "https://wandb.example"} {
		f(base, faults.ProxyOptions{}, false, "", 1, "")
		f(base, login, true, "", 1, "")
		f(base, login, false, "", 1, "wants a login (407)")
		f(base, login, false, ".example", 0, "")
	}
	f("https://wandb.example", faults.ProxyOptions{Refuse: 403}, false, "", 1, "refuses to connect: 403")
	f("https://wandb.example", faults.ProxyOptions{Refuse: 403}, false, "other.example", 1, "refuses")
}

// TestCredentialsStay: no other host sees the key or the user, whatever the
// server says.
func TestCredentialsStay(t *testing.T) {
	leaked := make(chan http.Header, 10)
	other, err := faults.Start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked <- r.Header
		_, _ = w.Write([]byte("content"))
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	b := newBench(t, wandb, func(o *api.Options) {
		o.Username, o.Headers = "somebody", map[string]string{"X-Gate": "token"}
	})
	b.faults.Add(faults.On(faults.Match{}, faults.Redirect(307, other.URL()+"/next?sig=abc")))
	_, err = b.Viewer(t.Context())
	if err == nil || len(leaked) != 0 {
		t.Errorf("a query followed to another host: %v", err)
	}
	mustNotTell(t, err, "sig=abc")
	var w at
	if n, err := b.Get(t.Context(), b.URL()+"/artifactsV2/x?sig=def", 0, -1, &w); n != 7 || err != nil || string(w) != "content" {
		t.Fatalf("got %q, %d, %v", w, n, err)
	}
	h := <-leaked
	for _, name := range []string{"Authorization", "X-Wandb-Username", "X-Wandb-User-Email", "X-Gate", "Referer"} {
		if h.Get(name) != "" {
			t.Errorf("another host got the header %s", name)
		}
	}
}

// TestNoDowngrade: nothing leaves TLS because a server says so, neither with
// credentials nor without.
func TestNoDowngrade(t *testing.T) {
	a, err := faults.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := a.Valid("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	h := faults.New(http.HandlerFunc(wandb))
	s, err := faults.Start(h, cert)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h.Add(faults.On(faults.Match{}, faults.Redirect(307, "http://"+s.Addr()+"/graphql?sig=abc")))
	c := newClient(t, s.URL(), func(o *api.Options) { o.RootCAs = a.Pool() })
	f := func(what string, p api.Policy, err error) {
		t.Helper()
		if !errors.Is(err, api.ErrRedirected) || !strings.Contains(err.Error(), "from https to http:") || api.Classify(err, p) != api.Final {
			t.Errorf("%s: got %v", what, err)
		}
		mustNotTell(t, err, "sig=abc")
	}
	_, err = c.Viewer(t.Context())
	f("query", api.GraphQL, err)
	_, err = c.Put(t.Context(), s.URL()+"/x", nil, strings.NewReader("x"), 1)
	f("put", api.Transfer, err)
	_, err = c.Get(t.Context(), s.URL()+"/x", 0, -1, new(at))
	f("get", api.Transfer, err)
	if n := h.Seen("/graphql") + h.Seen("/x"); n != 3 {
		t.Errorf("got %d requests, want 3", n)
	}
}
