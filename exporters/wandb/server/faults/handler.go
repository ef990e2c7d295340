package faults

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Handler passes requests on to another handler, except those that a rule
// befalls. Its methods may be called from any number of goroutines.
type Handler struct {
	next http.Handler

	mu     sync.Mutex
	rules  []*armed
	seen   map[string]int // requests by what they are
	struck int
}

// armed is a rule and how often it fitted and struck.
type armed struct {
	Rule
	fitted, struck int
}

// New makes a Handler before next with rules, the first of which that fits a
// request counts.
func New(next http.Handler, script ...Rule) *Handler {
	h := &Handler{next: next, seen: map[string]int{}}
	h.Add(script...)
	return h
}

// Add appends rules.
func (h *Handler) Add(script ...Rule) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range script {
		h.rules = append(h.rules, &armed{Rule: r})
	}
}

// Clear removes every rule: from now on the server is well.
func (h *Handler) Clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rules = nil
}

// Struck returns how many requests a rule befell.
func (h *Handler) Struck() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.struck
}

// Seen returns how many requests came: for a path, or for the name of a GraphQL
// operation.
func (h *Handler) Seen(what string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen[what]
}

// ServeHTTP misbehaves if a rule fits, and passes the request on if none does.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op := operation(r)
	a, struck := h.choose(r, op)
	if !struck {
		h.next.ServeHTTP(w, r)
		return
	}
	if a.Delay > 0 && a.Kind != SlowAnswer && !sleep(r, time.Duration(a.Delay)) {
		return
	}
	h.act(a, w, r)
}

// choose counts the request and finds the first rule for it.
func (h *Handler) choose(r *http.Request, op string) (Action, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen[r.URL.Path]++
	if op != "" {
		h.seen[op]++
	}
	for _, rule := range h.rules {
		if rule.fits(r, op) {
			rule.fitted++
			if (rule.Nth == 0 || rule.Nth == rule.fitted) && (rule.Times == 0 || rule.struck < rule.Times) {
				rule.struck++
				h.struck++
				return rule.Action, true
			}
		}
	}
	return Action{}, false
}

func (m *Match) fits(r *http.Request, op string) bool {
	return (m.Method == "" || m.Method == r.Method) &&
		strings.Contains(r.URL.Path, m.Path) &&
		(m.Operation == "" || m.Operation == op)
}

// operation returns the name of a GraphQL request, whose body it reads and puts
// back.
func operation(r *http.Request) string {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/graphql") {
		return ""
	}
	body, err := io.ReadAll(r.Body)
	var rest io.Reader = bytes.NewReader(body)
	if err != nil {
		rest = io.MultiReader(rest, failing{err})
	}
	r.Body = io.NopCloser(rest)
	var doc struct{ OperationName string }
	if json.Unmarshal(body, &doc) != nil {
		return ""
	}
	return doc.OperationName
}

// failing is the end of a body that did not arrive whole.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// sleep waits; it returns false when the client left before.
func sleep(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// A recorder keeps the answer of a handler.
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

// record lets the real handler answer, to nobody.
func (h *Handler) record(r *http.Request) *recorder {
	rec := &recorder{header: http.Header{}}
	h.next.ServeHTTP(rec, r)
	rec.WriteHeader(http.StatusOK)
	return rec
}

// copyHeader writes the recorded header to w.
func (r *recorder) copyHeader(to http.Header) {
	for name, values := range r.header {
		to[name] = slices.Clone(values)
	}
}
