package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// TestGetCredentials: signed URLs carry their own permission, also those of a
// server that keeps its files itself.
func TestGetCredentials(t *testing.T) {
	sent := map[string]bool{}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sent[r.URL.Path] = r.Header.Get("Authorization") != ""
	}))
	defer s.Close()
	c, err := api.New(api.Options{BaseURL: s.URL + "/sub", Key: api.NewKey(strings.Repeat("0", 40))})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdle()
	for path, want := range map[string]bool{
		"/sub/artifactsV2/default/e/p/a/b/c": true, "/sub/artifacts/e/c": true,
		"/sub/storage/x": false, "/artifactsV2/x": false, "/sub/artifactsV2x": false,
	} {
		if _, err := c.Get(t.Context(), s.URL+path, 0, -1, new(at)); err != nil || sent[path] != want {
			t.Errorf("%s: credentials %v, %v, want %v", path, sent[path], err, want)
		}
	}
}
