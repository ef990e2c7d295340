package server

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

// DefaultEntity owns runs of clients that name no entity.
const DefaultEntity = "local"

// Options of a Server. Dir is required.
type Options struct {
	Dir           string          // everything is kept here; made if need be
	Entity        string          // of the only user; empty: DefaultEntity
	Key           string          // the only API key that is accepted; empty: any of 40 characters or more
	IdentityToken string          // the only one that is exchanged for an access token; empty: any, if Key is empty too
	Features      map[string]bool // on top of those of DefaultFeatures
	BaseURL       string          // for the URLs it hands out; empty: that of the request
	Logger        *slog.Logger    // nil: silent
	Record        func(Request)   // called with every request, after it was answered; may be nil
}

// DefaultFeatures are what a server of this kind can do, by the names that
// clients ask for.
func DefaultFeatures() map[string]bool {
	return map[string]bool{
		"LARGE_FILENAMES": true, "ARTIFACT_TAGS": true, "CLIENT_IDS": true, "TOTAL_COUNT_IN_FILE_CONNECTION": true,
		"USE_ARTIFACT_WITH_ENTITY_AND_PROJECT_INFORMATION": true, "MARK_RUN_FILES_UPLOADED": true,
		"ARTIFACT_V2_DOWNLOAD_HANDLER_SUPPORTS_ARTIFACT_ID": true, "FILESTREAM_GZIP": true,
	}
}

// Server is an http.Handler. Close it to give its files back.
type Server struct {
	o      Options
	store  *store.Store
	schema *graphql.Schema
	mux    *http.ServeMux
	secret []byte // signs storage URLs

	mu         sync.Mutex // guards what follows
	violations []string
	requests   []Request
	inflight   map[string]int // requests of the file stream under way, by run and writer
	spilled    int            // requests that were forgotten
	bodies     int            // bytes of what was not
}

// Open makes a server of what lies in Options.Dir.
func Open(o Options) (*Server, error) {
	if o.Dir == "" {
		return nil, errors.New("open server: no directory")
	}
	if o.Entity == "" {
		o.Entity = DefaultEntity
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	features := DefaultFeatures()
	for name, on := range o.Features {
		features[name] = on
	}
	o.Features = features
	st, err := store.Open(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open server: %w", err)
	}
	s := &Server{o: o, store: st, inflight: map[string]int{}}
	if s.secret, err = secretOf(filepath.Join(o.Dir, "secret")); err != nil {
		return nil, fmt.Errorf("open server: %w", err)
	}
	if s.schema, err = graphql.ParseSchema(schemaText, &resolver{s}, graphql.UseFieldResolvers(), graphql.MaxDepth(30), graphql.Logger(faultLog{s})); err != nil {
		return nil, fmt.Errorf("open server: %w", err)
	}
	s.routes()
	return s, nil
}

// faultLog notes faults of resolvers. Clients get them as errors.
type faultLog struct{ s *Server }

// LogPanic is called by the library with what it caught.
func (l faultLog) LogPanic(_ context.Context, what any) {
	l.s.o.Logger.Error("fault in a resolver", "what", what, "stack", string(debug.Stack()))
}

// secretOf reads a secret, or makes one.
func secretOf(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		return hex.DecodeString(strings.TrimSpace(string(text)))
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return secret, os.WriteFile(path, []byte(hex.EncodeToString(secret)+"\n"), 0o600)
}

// Close gives the store's files back. Requests must have ended.
func (s *Server) Close() error { return s.store.Close() }

func (s *Server) routes() {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /oidc/token", s.exchangeToken)
	s.mux.HandleFunc("POST /graphql", s.authenticated(s.graphql))
	s.mux.HandleFunc("POST /files/{entity}/{project}/{run}/file_stream", s.authenticated(s.fileStream))
	s.mux.HandleFunc("GET /files/{entity}/{project}/{run}/{name...}", s.authenticated(s.runFile))
	s.mux.HandleFunc("PUT /storage/{kind}/{rest...}", s.signed(s.putStorage))
	s.mux.HandleFunc("GET /storage/{kind}/{rest...}", s.signed(s.getStorage))
	s.mux.HandleFunc("GET /artifactsV2/{rest...}", s.authenticated(s.artifactV2))
	s.mux.HandleFunc("GET /proof/runs/{entity}/{project}/{run}", s.authenticated(s.proofRun))
	s.mux.HandleFunc("GET /proof/requests", s.authenticated(s.proofRequests))
	s.mux.HandleFunc("GET /proof/violations", s.authenticated(s.proofViolations))
	s.mux.HandleFunc("POST /proof/stop/{entity}/{project}/{run}", s.authenticated(s.proofStop))
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, http.StatusNotFound, fmt.Errorf("%s %s: no such place", r.Method, r.URL.Path))
	})
}

// ServeHTTP answers a request and keeps an account of it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := s.begin(r)
	sw := &statusWriter{ResponseWriter: w}
	s.mux.ServeHTTP(sw, r.WithContext(withRecord(r.Context(), rec)))
	rec.Status = sw.status
	s.keep(rec)
}

// authenticated lets clients with the right key in.
func (s *Server) authenticated(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, key, ok := r.BasicAuth()
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !(ok && user == "api" && s.accepts(key)) && !(bearer && s.acceptsToken(token)) {
			s.refuse(w, http.StatusUnauthorized, errors.New("the API key or access token is missing or not known"))
			return
		}
		next(w, r)
	}
}

func (s *Server) accepts(key string) bool {
	if s.o.Key != "" {
		return subtle.ConstantTimeCompare([]byte(key), []byte(s.o.Key)) == 1
	}
	return len(key) >= 40
}

// refuse answers with an error and notes it as a violation of the protocol.
func (s *Server) refuse(w http.ResponseWriter, status int, err error) {
	s.violate("%d %v", status, err)
	writeJSON(w, status, map[string]any{"error": err.Error()})
}

func (s *Server) violate(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.o.Logger.Warn("refused", "reason", text)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, text)
}

// Violations lists what clients did that the protocol does not allow.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}
