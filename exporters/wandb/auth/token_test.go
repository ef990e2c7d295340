package auth

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

const identity = "e30.e30.c2ln"

// exchange is a server that gives tokens that last for so many seconds, and
// takes the last one.
type exchange struct {
	*faults.Server
	faults *faults.Handler
	lasts  int
	given  atomic.Int32
}

func newExchange(t *testing.T, lasts int) *exchange {
	t.Helper()
	x := &exchange{lasts: lasts}
	x.faults = faults.New(x)
	var err error
	if x.Server, err = faults.Start(x.faults); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	return x
}

func (x *exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/oidc/token" {
		if r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || r.PostFormValue("assertion") != identity || r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "token" + string('a'+rune(x.given.Add(1))), "expires_in": x.lasts})
		return
	}
	if r.Header.Get("Authorization") != "Bearer token"+string('a'+rune(x.given.Load())) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = w.Write([]byte(`{"data":{"viewer":{"username":"me"}}}`))
}

// connect makes a client as a process would, with its own memory.
func (x *exchange) connect(t *testing.T, dir string) *Connection {
	t.Helper()
	c, err := Connect(Source{BaseURL: x.URL(), Environ: map[string]string{
		"WANDB_IDENTITY_TOKEN_FILE": filepath.Join(dir, "jwt"), "WANDB_CREDENTIALS_FILE": filepath.Join(dir, "sub", "credentials.json"),
	}}, api.Options{RetryMax: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}

// TestIdentityToken: exchanged once, kept on disk for the next process beside
// the tokens of other servers, exchanged again before its end.
func TestIdentityToken(t *testing.T) {
	f := func(lasts int, exchanges int32) {
		t.Helper()
		dir := t.TempDir()
		write(t, filepath.Join(dir, "jwt"), identity+"\n")
		kept := write(t, filepath.Join(dir, "sub", "credentials.json"), `{"credentials":{"https://other":{"access_token":"x","expires_at":"2030-01-01 00:00:00","more":1}}}`)
		x := newExchange(t, lasts)
		for range 2 {
			c := x.connect(t, dir)
			for range 2 {
				if u, err := c.Viewer(t.Context()); err != nil || u.Username != "me" {
					t.Fatalf("got %+v, %v", u, err)
				}
			}
		}
		if n := x.given.Load(); n != exchanges {
			t.Errorf("tokens of %d s: %d exchanges, want %d", lasts, n, exchanges)
		}
		var doc map[string]map[string]map[string]any
		data, err := os.ReadFile(kept)
		if err != nil || json.Unmarshal(data, &doc) != nil || doc["credentials"]["https://other"]["more"] != 1.0 {
			t.Fatalf("got %s, %v", data, err)
		}
		mine := doc["credentials"][x.URL()]
		until, err := time.Parse("2006-01-02 15:04:05", mine["expires_at"].(string))
		if left := time.Until(until); err != nil || left > time.Duration(lasts)*time.Second || left < time.Duration(lasts-60)*time.Second || !strings.HasPrefix(mine["access_token"].(string), "token") {
			t.Errorf("got %v, %v", mine, err)
		}
		if st, err := os.Stat(kept); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("got %v, %v", st, err)
		}
	}
	f(3600, 1)
	f(200, 4) // within five minutes of its end at once
}

// TestIdentityTokenRefused: once, with the status, and without the token.
func TestIdentityTokenRefused(t *testing.T) {
	dir := t.TempDir()
	x := newExchange(t, 3600)
	c := x.connect(t, dir)
	if _, err := c.Viewer(t.Context()); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "jwt")) || api.Classify(err, api.GraphQL) != api.Final {
		t.Errorf("no file: got %v", err)
	}
	write(t, filepath.Join(dir, "jwt"), identity)
	x.faults.Add(faults.Next(1, "/oidc/token", faults.Status(403)))
	if _, err := c.Viewer(t.Context()); api.Classify(err, api.GraphQL) != api.Auth || strings.Contains(err.Error(), identity) || x.faults.Seen("/oidc/token") != 1 {
		t.Errorf("refused: got %v after %d tries", err, x.faults.Seen("/oidc/token"))
	}
	if _, err := c.Viewer(t.Context()); err != nil {
		t.Errorf("later: %v", err)
	}
}
