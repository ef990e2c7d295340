package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

// testKey is the only key that test servers know.
var testKey = strings.Repeat("0", 40)

// provingServer starts a server that knows a key of forty zeros and returns its
// URL. It ends with the test, which fails if a client broke the protocol.
func provingServer(t *testing.T) string {
	t.Helper()
	s, err := server.Open(server.Options{Dir: t.TempDir(), Key: testKey})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(func() {
		h.Close()
		if v := s.Violations(); len(v) > 0 {
			t.Errorf("the server saw violations: %.500q", v)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return h.URL
}
