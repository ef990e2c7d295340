package main

import (
	"net/http/httptest"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

// proving starts a W&B server for a script, and fails the test when the script
// did what a server may refuse.
func proving(t *testing.T) string {
	t.Helper()
	s, err := server.Open(server.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(func() {
		h.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		for _, v := range s.Violations() {
			t.Errorf("the server was told what is wrong: %s", v)
		}
	})
	return h.URL
}
