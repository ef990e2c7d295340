package runapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

// TestLogin: a key that is given is kept where runs find it, for its server only.
func TestLogin(t *testing.T) {
	p, other := serve(t), serve(t)
	home := t.TempDir()
	netrc := filepath.Join(home, ".netrc")
	write(t, netrc, "machine elsewhere login user password secret\n")
	o := LoginOptions{BaseURL: p.front.URL(), Environ: []string{"HOME=" + home}}
	if _, err := Login(t.Context(), o); !errors.Is(err, ErrNotLoggedIn) {
		t.Fatalf("without a key: got %v, want ErrNotLoggedIn", err)
	}
	asked := ""
	o.Ask = func(_ context.Context, server string) (api.Key, error) {
		asked = server
		return api.NewKey(testKey), nil
	}
	a, err := Login(t.Context(), o)
	if err != nil || asked != p.front.URL() || a.Server != asked || a.User == "" || a.Origin != keyGiven {
		t.Fatalf("asked for %q: got %+v, %v", asked, a, err)
	}
	text, err := os.ReadFile(netrc)
	if err != nil || !strings.Contains(string(text), testKey) || !strings.Contains(string(text), "machine elsewhere login user password secret\n") {
		t.Errorf("netrc, %v:\n%s", err, text)
	}
	if st, err := os.Stat(netrc); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("netrc has mode %v (%v)", st.Mode(), err)
	}
	asked = ""
	if a, err = Login(t.Context(), o); err != nil || asked != "" || a.Origin != netrc {
		t.Errorf("logged in already: asked for %q, %+v, %v", asked, a, err)
	}
	s := p.online(t)
	s.APIKey, s.RequireLogin, s.Environ = api.Key{}, true, append(s.Environ, "HOME="+home)
	r := start(t, s)
	if err := errors.Join(r.Log(map[string]any{"x": 1}), r.Finish(0)); err != nil {
		t.Errorf("a run after it: %v", err)
	}
	o.Relogin = true
	if _, err := Login(t.Context(), o); err != nil || asked == "" {
		t.Errorf("relogin asked for %q (%v)", asked, err)
	}
	o.Relogin, o.Ask, o.BaseURL = false, nil, other.front.URL()
	if _, err := Login(t.Context(), o); !errors.Is(err, ErrNotLoggedIn) {
		t.Errorf("another server: %v", err)
	}
}

func TestLoginThatFails(t *testing.T) {
	p := serve(t)
	home := t.TempDir()
	o := LoginOptions{BaseURL: p.front.URL(), Environ: []string{"HOME=" + home}}
	bad := strings.Repeat("b", 40)
	strict := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer strict.Close()
	refused := o
	refused.Key, refused.BaseURL = api.NewKey(bad), strict.URL
	_, err := Login(t.Context(), refused)
	if !errors.Is(err, ErrNotLoggedIn) || strings.Contains(err.Error(), bad) {
		t.Errorf("a key that the server does not take: %v", err)
	}
	o.Key = api.NewKey("short")
	if _, err := Login(t.Context(), o); err == nil || errors.Is(err, ErrNotLoggedIn) || strings.Contains(err.Error(), "short:") {
		t.Errorf("a key that is none: %v", err)
	}
	stop := errors.New("stop")
	o.Key, o.Ask = api.Key{}, func(context.Context, string) (api.Key, error) { return api.Key{}, stop }
	if _, err := Login(t.Context(), o); !errors.Is(err, stop) {
		t.Errorf("the one who is asked fails: %v", err)
	}
	o.Ask, o.Relogin = nil, true
	o.Environ = append(o.Environ, "WANDB_API_KEY="+testKey)
	if _, err := Login(t.Context(), o); !errors.Is(err, ErrNotLoggedIn) {
		t.Errorf("relogin with nobody to ask: %v", err)
	}
	o.Relogin = false
	a, err := Login(t.Context(), o)
	if err != nil || a.Origin != "WANDB_API_KEY" || a.Entity != server.DefaultEntity {
		t.Errorf("the key of the environment: %+v, %v", a, err)
	}
	if _, err := os.Stat(filepath.Join(home, ".netrc")); err == nil {
		t.Error("something was kept")
	}
	o.NoVerify, o.BaseURL = true, "http://127.0.0.1:1"
	if a, err = Login(t.Context(), o); err != nil || a.User != "" {
		t.Errorf("without asking: %+v, %v", a, err)
	}
}

func TestParseLevel(t *testing.T) {
	for text, want := range map[string]Level{"": Info, "info": Info, "WARN": Warn, "Warning": Warn, "error": Error} {
		if got, err := ParseLevel(text); got != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
	if _, err := ParseLevel("loud"); !errors.Is(err, ErrAlert) {
		t.Errorf("loud: %v", err)
	}
}
