package api

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

func TestOnce(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer s.Close()
	c, err := New(Options{BaseURL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Once().Viewer(t.Context()); Classify(err, GraphQL) != Retry || asked.Load() != 1 {
		t.Errorf("got %v after %d requests, want an error that may pass after 1", err, asked.Load())
	}
}
