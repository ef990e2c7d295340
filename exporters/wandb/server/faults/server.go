package faults

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A Mode is how a Server treats new connections.
type Mode int32

// The modes.
const (
	Serve    Mode = iota // as servers do
	HalfOpen             // accepts them, reads nothing and says nothing
	Refuse               // ends them with RST
)

// A Server serves a handler at an address of its own, and can go and come back.
type Server struct {
	addr string
	tls  *tls.Config
	mode atomic.Int32

	mu   sync.Mutex
	http *http.Server // nil while stopped
	held []net.Conn   // half-open, or taken over by a handler
	done chan struct{}
}

// Start serves h on a free port of the loopback interface; with a certificate
// it speaks TLS. Close ends it.
func Start(h http.Handler, certificates ...tls.Certificate) (*Server, error) {
	s := &Server{addr: "127.0.0.1:0"}
	if len(certificates) > 0 {
		s.tls = &tls.Config{Certificates: certificates, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	}
	if err := s.Resume(h); err != nil {
		return nil, err
	}
	return s, nil
}

// URL returns the base URL of the server.
func (s *Server) URL() string {
	if s.tls != nil {
		return "https://" + s.addr
	}
	return "http://" + s.addr
}

// Addr returns host and port.
func (s *Server) Addr() string { return s.addr }

// SetMode changes how new connections are treated; those that stand stay. Half
// open ones are held until Stop.
func (s *Server) SetMode(m Mode) { s.mode.Store(int32(m)) }

// Resume serves h at the address of before, after Stop. The port may be in the
// hands of another program by then, which is an error.
func (s *Server) Resume(h http.Handler) error {
	l, err := listen(s.addr)
	if err != nil {
		return fmt.Errorf("serve with faults: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http != nil {
		_ = l.Close()
		return errors.New("serve with faults: the server runs")
	}
	if addr := l.Addr().String(); s.addr != addr { // the first time: from then on it only is read
		s.addr = addr
	}
	s.http = &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), ReadHeaderTimeout: time.Minute,
		ConnState: func(c net.Conn, state http.ConnState) {
			if state == http.StateHijacked {
				s.hold(c)
			}
		}}
	s.done = make(chan struct{})
	var served net.Listener = &moody{l, s}
	if s.tls != nil {
		served = tls.NewListener(served, s.tls)
	}
	go func(srv *http.Server, done chan struct{}) {
		defer close(done)
		_ = srv.Serve(served) // ends with Stop
	}(s.http, s.done)
	return nil
}

// listen waits a little for a port that the kernel still sees in use.
func listen(addr string) (net.Listener, error) {
	for try := 0; ; try++ {
		l, err := net.Listen("tcp", addr)
		if err == nil || try == 100 {
			return l, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Stop ends the listener and every connection, in the middle of what it does.
// Connections are refused from then on.
func (s *Server) Stop() {
	s.mu.Lock()
	srv, done, held := s.http, s.done, s.held
	s.http, s.held = nil, nil
	s.mu.Unlock()
	if srv != nil {
		_ = srv.Close()
		<-done
	}
	for _, c := range held {
		_ = c.Close()
	}
}

// Restart is Stop, a pause, and Resume with another handler.
func (s *Server) Restart(h http.Handler, pause time.Duration) error {
	s.Stop()
	time.Sleep(pause)
	return s.Resume(h)
}

// Close ends the server.
func (s *Server) Close() { s.Stop() }

// hold remembers a connection that http.Server does not close, for Stop.
func (s *Server) hold(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http == nil {
		_ = c.Close()
		return
	}
	s.held = append(s.held, c)
}

// moody is a listener that hands out connections by mode.
type moody struct {
	net.Listener
	s *Server
}

func (l *moody) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		switch Mode(l.s.mode.Load()) {
		case HalfOpen:
			l.s.hold(c)
		case Refuse:
			abort(c)
		default:
			return c, nil
		}
	}
}
