package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

// site is a server and a client of plain requests.
type site struct {
	*server.Server
	t   testing.TB
	url string
}

func newSite(t testing.TB, o server.Options) *site {
	t.Helper()
	s, err := server.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(func() {
		h.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &site{s, t, h.URL}
}

// send makes a request and returns status and answer.
func (s *site) send(method, url string, body []byte, head map[string]string) (int, string, http.Header) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for name, v := range head {
		req.Header.Set(name, v)
	}
	if strings.HasPrefix(url, s.url) && !strings.Contains(url, "/storage/") && req.Header.Get("Authorization") == "" {
		req.SetBasicAuth("api", testKey)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

type object = map[string]any

// query runs an operation with one input and returns its payload or error.
func (s *site) query(text string, vars object) (object, error) {
	s.t.Helper()
	body, err := json.Marshal(object{"query": text, "variables": vars})
	if err != nil {
		s.t.Fatal(err)
	}
	status, answer, _ := s.send(http.MethodPost, s.url+"/graphql", body, map[string]string{"Content-Type": "application/json"})
	var reply struct {
		Data   object
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal([]byte(answer), &reply); err != nil {
		s.t.Fatalf("status %d, answer %q: %v", status, answer, err)
	}
	if len(reply.Errors) > 0 {
		return nil, fmt.Errorf("status %d: %s", status, reply.Errors[0].Message)
	}
	return reply.Data, nil
}

// must is query for what has to work. It returns what lies at a path of names.
func (s *site) must(text string, vars object, path ...any) any {
	s.t.Helper()
	data, err := s.query(text, vars)
	if err != nil {
		s.t.Fatalf("%.60s: %v", text, err)
	}
	return at(data, path...)
}

// at follows a path of names and numbers; nil if it ends early.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(object)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (s *site) run(name string) {
	s.t.Helper()
	s.must(`mutation R($n: String!) {upsertBucket(input: {name: $n, modelName: "p"}) {inserted}}`, object{"n": name})
}

// noViolations is for tests in which everything is as the protocol has it.
func (s *site) noViolations() {
	s.t.Helper()
	if v := s.Violations(); len(v) > 0 {
		s.t.Errorf("violations: %q", v)
	}
}
