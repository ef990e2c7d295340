package faults

import (
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
)

// ProxyOptions are the opinions of a Proxy.
type ProxyOptions struct {
	User, Password string            // asked for with 407 when User is not empty
	Refuse         int               // answer every request with this status; 0: serve
	Hosts          map[string]string // "host:port" as asked for to the address that is meant; others are dialled as they are
}

// A Proxy forwards HTTP and CONNECT, and remembers for whom.
type Proxy struct {
	*Server
	o ProxyOptions

	mu    sync.Mutex
	asked []string
}

// StartProxy starts a proxy on the loopback interface. Close ends it.
func StartProxy(o ProxyOptions) (*Proxy, error) {
	p := &Proxy{o: o}
	s, err := Start(p)
	if err != nil {
		return nil, err
	}
	p.Server = s
	return p, nil
}

// Asked returns what clients wanted, in order: "host:port" for a tunnel, a URL
// without its query for a request.
func (p *Proxy) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.asked...)
}

// UserURL returns the proxy's URL with the login that it wants.
func (p *Proxy) UserURL() string {
	u := url.URL{Scheme: "http", Host: p.Addr(), User: url.UserPassword(p.o.User, p.o.Password)}
	return u.String()
}

// ServeHTTP forwards a request or opens a tunnel.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.note(r)
	switch {
	case p.o.User != "" && r.Header.Get("Proxy-Authorization") != p.wanted():
		w.Header().Set("Proxy-Authenticate", `Basic realm="faults"`)
		w.WriteHeader(http.StatusProxyAuthRequired)
	case p.o.Refuse != 0:
		w.WriteHeader(p.o.Refuse)
	case r.Method == http.MethodConnect:
		p.tunnel(w, r)
	default:
		p.forward(w, r)
	}
}

func (p *Proxy) note(r *http.Request) {
	what := r.Host
	if r.Method != http.MethodConnect {
		what = r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, what)
}

func (p *Proxy) wanted() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(p.o.User+":"+p.o.Password))
}

// dial connects to where a host is meant to be.
func (p *Proxy) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if to := p.o.Hosts[addr]; to != "" {
		addr = to
	}
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

func (p *Proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	up, err := p.dial(r.Context(), "tcp", r.Host)
	if err != nil {
		http.Error(w, "cannot connect", http.StatusBadGateway)
		return
	}
	defer up.Close()
	down, rw := hijack(w)
	if down == nil {
		return
	}
	defer down.Close()
	if _, err := io.WriteString(down, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { pipe(up, rw) })
	both.Go(func() { pipe(down, up) })
	both.Wait()
}

// pipe copies until its source ends, and tells the other side.
func pipe(to net.Conn, from io.Reader) {
	_, err := io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	_ = to.Close()
}

func (p *Proxy) forward(w http.ResponseWriter, r *http.Request) {
	t := &http.Transport{DialContext: p.dial, DisableKeepAlives: true}
	out := r.Clone(r.Context())
	out.RequestURI = ""
	out.Header.Del("Proxy-Authorization")
	resp, err := t.RoundTrip(out)
	if err != nil {
		http.Error(w, "cannot connect", http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	(&recorder{header: resp.Header}).copyHeader(w.Header())
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}
