package wandb_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// stub answers as much of the W&B protocol as `wandb sync` of one offline run
// needs and keeps what was uploaded. It is strict about authentication and
// about file-stream offsets; unknown operations fail the test.
type stub struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex // guards all below
	upserts  []map[string]any
	lines    map[string][]string // by stream file: wandb-history.jsonl, ...
	files    map[string][]byte   // uploaded run files
	complete bool
	exitCode int
}

func newStub(t *testing.T) *stub {
	s := &stub{t: t, lines: map[string][]string{}, files: map[string][]byte{}, exitCode: -1}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /graphql", s.graphql)
	mux.HandleFunc("POST /files/{entity}/{project}/{run}/file_stream", s.fileStream)
	mux.HandleFunc("PUT /storage/{name...}", s.upload)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *stub) graphql(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
	}
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		s.t.Errorf("graphql body: %v", err)
	}
	if user, key, ok := r.BasicAuth(); !ok || user != "api" || key != fakeKey {
		http.Error(w, `{"errors":[{"message":"unauthenticated"}]}`, http.StatusUnauthorized)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.answer(req.Query, req.Variables)
	if !ok {
		s.t.Logf("stub: unanswered operation:\n%.200s", req.Query)
		fmt.Fprint(w, `{"errors":[{"message":"operation not known to this server"}]}`)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"data":%s}`, data)
}

func (s *stub) answer(query string, vars map[string]any) (string, bool) {
	switch {
	case strings.Contains(query, "upsertBucket"):
		s.upserts = append(s.upserts, vars)
		name, _ := vars["name"].(string)
		return fmt.Sprintf(`{"upsertBucket":{"bucket":{"id":"c3RvcmFnZQ==","name":%q,"displayName":"named-by-server-1","description":"",
			"config":"{}","sweepName":null,"project":{"id":"cA==","name":"interop","entity":{"id":"ZQ==","name":"tester"}},"historyLineCount":0},"inserted":true}}`, name), true
	case strings.Contains(query, "createRunFiles"):
		return s.createRunFiles(vars), true
	case strings.Contains(query, "features"):
		return `{"serverInfo":{"features":[]}}`, true
	case strings.Contains(query, "viewer"):
		return `{"viewer":{"id":"dQ==","entity":"tester","username":"tester","email":"","flags":"{}","teams":{"edges":[]}},
			"serverInfo":{"cliVersionInfo":{"max_cli_version":"9.9.9"},"latestLocalVersionInfo":null}}`, true
	case strings.Contains(query, "serverInfo"):
		return `{"serverInfo":{"cliVersionInfo":{"max_cli_version":"9.9.9"},"latestLocalVersionInfo":null}}`, true
	}
	return "", false
}

func (s *stub) createRunFiles(vars map[string]any) string {
	type file struct {
		Name      string `json:"name"`
		UploadURL string `json:"uploadUrl"`
	}
	var out []file
	names, _ := vars["files"].([]any)
	for _, n := range names {
		name := fmt.Sprint(n)
		out = append(out, file{name, s.URL + "/storage/" + name})
	}
	b, _ := json.Marshal(out)
	return fmt.Sprintf(`{"createRunFiles":{"runID":"c3RvcmFnZQ==","uploadHeaders":[],"files":%s}}`, b)
}

func (s *stub) fileStream(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Files map[string]struct {
			Offset  int      `json:"offset"`
			Content []string `json:"content"`
		} `json:"files"`
		Complete bool `json:"complete"`
		ExitCode *int `json:"exitcode"`
	}
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		s.t.Errorf("file stream body: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, f := range req.Files {
		s.store(name, f.Offset, f.Content)
	}
	if req.Complete {
		s.complete = true
		if req.ExitCode != nil {
			s.exitCode = *req.ExitCode
		}
	}
	fmt.Fprint(w, `{}`)
}

// store puts content at the line offset; a gap is an error of the client.
func (s *stub) store(name string, offset int, content []string) {
	have := s.lines[name]
	if offset > len(have) {
		s.t.Errorf("file stream %s: offset %d leaves a gap after %d lines", name, offset, len(have))
		return
	}
	s.lines[name] = append(have[:offset:offset], content...)
}

func (s *stub) upload(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil || int64(len(b)) != r.ContentLength {
		s.t.Errorf("upload %s: %d of %d bytes, %v", r.PathValue("name"), len(b), r.ContentLength, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[r.PathValue("name")] = b
}
