package server

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// maxRequests and maxBodies bound the account of requests: the oldest go
// first. maxBodies is in bytes.
const (
	maxRequests = 10_000
	maxBodies   = 128 << 20
)

// Request is one request of a client. Credentials are not in it.
type Request struct {
	Seq       int             `json:"seq"` // from 1
	Time      time.Time       `json:"time"`
	Method    string          `json:"method"`
	Path      string          `json:"path"`
	Header    http.Header     `json:"header"`              // those that matter to the protocol
	Operation string          `json:"operation,omitempty"` // of GraphQL
	Query     string          `json:"query,omitempty"`
	Variables json.RawMessage `json:"variables,omitempty"`
	Body      json.RawMessage `json:"body,omitempty"` // of the file stream
	Bytes     int64           `json:"bytes"`          // of the body
	Status    int             `json:"status"`
	Error     string          `json:"error,omitempty"`
}

// keptHeaders are the request headers that an account keeps.
var keptHeaders = []string{
	"Content-Type", "Content-Length", "Content-Md5", "Content-Encoding", "User-Agent", "X-Wandb-Username", "X-Wandb-User-Email",
	"X-Wandb-Use-Async-Filestream", "X-Wandb-Client-Id", "X-Wandb-Async-Client-Id", "X-Wandb-Server-Side-Derived-Summary",
}

type recordKey struct{}

func withRecord(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, recordKey{}, r)
}

// recordOf is the account of the request that is being answered.
func recordOf(ctx context.Context) *Request {
	if r, ok := ctx.Value(recordKey{}).(*Request); ok {
		return r
	}
	return &Request{}
}

func (s *Server) begin(r *http.Request) *Request {
	rec := &Request{Time: time.Now().UTC(), Method: r.Method, Path: r.URL.Path, Header: http.Header{}, Bytes: max(0, r.ContentLength)}
	for _, name := range keptHeaders {
		if v, ok := r.Header[name]; ok {
			rec.Header[name] = v
		}
	}
	return rec
}

func (s *Server) keep(rec *Request) {
	s.mu.Lock()
	rec.Seq = s.spilled + len(s.requests) + 1
	s.requests = append(s.requests, *rec)
	s.bodies += rec.size()
	if len(s.requests) > 2*maxRequests || s.bodies > maxBodies {
		s.spill()
	}
	s.mu.Unlock()
	if s.o.Record != nil {
		s.o.Record(*rec)
	}
}

// spill forgets the older half of the account. The caller has the lock.
func (s *Server) spill() {
	n := (len(s.requests) + 1) / 2
	for i := range s.requests[:n] {
		s.bodies -= s.requests[i].size()
	}
	s.spilled += n
	s.requests = slices.Clone(s.requests[n:])
}

// size is what an account of a request holds, roughly.
func (r *Request) size() int { return len(r.Query) + len(r.Variables) + len(r.Body) }

// Requests returns the account of the requests after number since.
func (s *Server) Requests(since int) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests[min(max(0, since-s.spilled), len(s.requests)):])
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write notes that the status is 200 when nothing else was said.
func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
