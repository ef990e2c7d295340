package auth

import (
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheckKey(t *testing.T) {
	f := func(key, want string) {
		t.Helper()
		err := CheckKey(key)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret")) {
			t.Errorf("%q: got %v, want %q", key, err, want)
		}
	}
	f(oldKey, "")
	f("local-"+oldKey, "")
	f("wandb_v1_"+oldKey, "")
	f("e30.e30.c2ln", "")
	f("", "empty")
	f("s3cret", "6 characters")
	f("local-s3cret", "6 characters")
	f("s3cret and more, up to forty characters and beyond", "other characters")
	f(oldKey+"\n", "other characters")
	f("a.b.", "other characters")
}

func TestLocate(t *testing.T) {
	dir := t.TempDir()
	here := write(t, filepath.Join(dir, "wandb", "settings"), "# c\n[other]\nbase_url = https://no\n[default]\nproject = x\nBASE_URL : https://here.example/\n")
	mine := write(t, filepath.Join(dir, "home", "settings"), "[default]\nbase_url = https://mine.example\n")
	f := func(s Source, want Server) {
		t.Helper()
		if got, err := Locate(s); err != nil || got != want {
			t.Errorf("%+v: got %+v, %v", s, got, err)
		}
	}
	env := map[string]string{"WANDB_BASE_URL": "https://env.example/"}
	f(Source{}, Server{URL: api.DefaultBaseURL, Origin: "default"})
	f(Source{BaseURL: "https://flag.example/", Environ: env, WorkspaceSettings: here}, Server{URL: "https://flag.example", Origin: "the base URL given"})
	f(Source{Environ: env, WorkspaceSettings: here, GlobalSettings: mine}, Server{URL: "https://env.example", Origin: "WANDB_BASE_URL"})
	f(Source{WorkspaceSettings: here, GlobalSettings: mine}, Server{URL: "https://here.example", Origin: here, FromWorkspace: true})
	f(Source{GlobalSettings: mine, WorkspaceSettings: filepath.Join(dir, "none")}, Server{URL: "https://mine.example", Origin: mine})
	f(Source{GlobalSettings: mine, WorkspaceSettings: mine}, Server{URL: "https://mine.example", Origin: mine})
	public := write(t, filepath.Join(dir, "public"), "[default]\nbase_url = https://api.wandb.ai\n")
	f(Source{WorkspaceSettings: public, GlobalSettings: mine}, Server{URL: api.DefaultBaseURL, Origin: public})
	if _, err := Locate(Source{WorkspaceSettings: dir}); err == nil {
		t.Error("a folder in the place of a settings file is no error")
	}
}

func TestNewSource(t *testing.T) {
	dir := t.TempDir()
	s := NewSource([]string{"HOME=/h", "A=1", "A=2", "WANDB_DIR=" + dir}, "")
	if s.Environ["A"] != "1" || s.WorkspaceSettings != filepath.Join(dir, "wandb", "settings") || s.GlobalSettings != "/h/.config/wandb/settings" {
		t.Errorf("got %+v", s)
	}
	write(t, filepath.Join(dir, ".wandb", "x"), "")
	s = NewSource([]string{"HOME=/h", "WANDB_CONFIG_DIR=/c"}, dir)
	if s.WorkspaceSettings != filepath.Join(dir, ".wandb", "settings") || s.GlobalSettings != "/c/settings" {
		t.Errorf("got %+v", s)
	}
}

func TestFind(t *testing.T) {
	home := t.TempDir()
	netrc := write(t, filepath.Join(home, ".netrc"), "machine known.example login user password "+oldKey+"\nmachine short.example password abc\n")
	env := map[string]string{"WANDB_API_KEY": " " + newKey + "\n"}
	public, known := Server{URL: api.DefaultBaseURL}, Server{URL: "https://known.example"}
	f := func(server Server, s Source, key, origin string, want error) {
		t.Helper()
		s.Home = home
		c, err := Find(server, s)
		if want != nil {
			if !errors.Is(err, want) || strings.Contains(err.Error(), "111") {
				t.Errorf("%+v: got %v, want %v", s, err, want)
			}
			return
		}
		if err != nil || c.Key.Reveal() != key || c.Origin != origin {
			t.Errorf("%+v: got %+v, %v", s, c, err)
		}
	}
	f(public, Source{}, "", "", ErrNone)
	f(known, Source{}, oldKey, netrc, nil)
	f(known, Source{Environ: env}, newKey, "WANDB_API_KEY", nil)
	f(known, Source{Environ: env, Key: api.NewKey("x-" + oldKey)}, "x-"+oldKey, "the key given", nil)
	// A server that only the working directory names.
	from := func(url string) Server { return Server{URL: url, Origin: "wandb/settings", FromWorkspace: true} }
	f(from("https://evil.example"), Source{Environ: env}, "", "", ErrWorkspaceServer)
	f(from("https://evil.example"), Source{Environ: map[string]string{"WANDB_IDENTITY_TOKEN_FILE": "/t"}}, "", "", ErrWorkspaceServer)
	f(from("https://known.example"), Source{Environ: env}, oldKey, netrc, nil)
	f(from("https://evil.example"), Source{Key: api.NewKey(newKey)}, newKey, "the key given", nil)
	_, err := Find(from("https://evil.example"), Source{Environ: env, Home: home})
	for _, word := range []string{"wandb/settings", "https://evil.example", "WANDB_BASE_URL", "login --host"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("got %v, want %q in it", err, word)
		}
	}
	for _, s := range []Source{
		{Environ: map[string]string{"WANDB_API_KEY": newKey, "WANDB_IDENTITY_TOKEN_FILE": "/t"}},
		{Environ: map[string]string{"WANDB_API_KEY": "11111"}},
		{Key: api.NewKey("11111")},
		{Environ: map[string]string{"NETRC": home}},
	} {
		if c, err := Find(public, s); err == nil || strings.Contains(err.Error(), "111") {
			t.Errorf("got %+v, %v, want an error without the key", c, err)
		}
	}
	if _, err := Find(Server{URL: "https://short.example"}, Source{Home: home}); err == nil || !strings.Contains(err.Error(), netrc) {
		t.Errorf("got %v, want the file", err)
	}
}

func TestNetrcPath(t *testing.T) {
	home := t.TempDir()
	f := func(environ map[string]string, want string) {
		t.Helper()
		if got := (&Source{Environ: environ}).NetrcPath(); got != want {
			t.Errorf("%v: got %q, want %q", environ, got, want)
		}
	}
	f(nil, "")
	f(map[string]string{"HOME": home}, filepath.Join(home, ".netrc"))
	f(map[string]string{"HOME": home, "NETRC": "/x/y"}, "/x/y")
	f(map[string]string{"HOME": home, "NETRC": "~/y"}, filepath.Join(home, "y"))
	other := write(t, filepath.Join(home, "_netrc"), "")
	f(map[string]string{"HOME": home}, other)
	usual := write(t, filepath.Join(home, ".netrc"), "")
	f(map[string]string{"HOME": home}, usual)
}

// TestComplete: what the environment says, and not over what is set.
func TestComplete(t *testing.T) {
	a, err := faults.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	bundle := write(t, filepath.Join(t.TempDir(), "ca.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate()})))
	var o api.Options
	o.Username = "set"
	err = Complete(&o, Server{URL: "https://h"}, map[string]string{
		"WANDB_APP_URL": "https://ui", "WANDB_USERNAME": "env", "WANDB_USER_EMAIL": "e@x", "WANDB_INSECURE_DISABLE_SSL": "true",
		"WANDB_HTTP_TIMEOUT": "1.5", "WANDB_X_GRAPHQL_RETRY_MAX": "0", "WANDB_X_GRAPHQL_RETRY_WAIT_MAX_SECONDS": "3",
		"WANDB__EXTRA_HTTP_HEADERS": `{"X-A":"b"}`, "HTTPS_PROXY": "http://p:1", "REQUESTS_CA_BUNDLE": bundle,
	})
	if err != nil || o.BaseURL != "https://h" || o.AppOverride != "https://ui" || o.Username != "set" || o.Email != "e@x" || !o.InsecureTLS ||
		o.Timeout != 1500*time.Millisecond || o.RetryMax != -1 || o.RetryWaitMax != 3*time.Second || o.Headers["X-A"] != "b" || o.Proxy == nil || o.RootCAs == nil {
		t.Errorf("got %+v, %v", o, err)
	}
	f := func(name, value, want string) {
		t.Helper()
		err := Complete(new(api.Options), Server{}, map[string]string{name: value})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s=%s: got %v, want %q", name, value, err, want)
		}
	}
	f("WANDB_INSECURE_DISABLE_SSL", "perhaps", "WANDB_INSECURE_DISABLE_SSL")
	f("WANDB_HTTP_TIMEOUT", "-1", "seconds")
	f("WANDB_HTTP_TIMEOUT", "NaN", "seconds")
	f("WANDB_X_GRAPHQL_RETRY_MAX", "x", "number")
	f("WANDB_X_EXTRA_HTTP_HEADERS", `["s3cret"]`, "JSON object")
	f("WANDB_HTTPS_PROXY", "ftp://u:s3cret@h", "proxy for https")
	f("REQUESTS_CA_BUNDLE", bundle+"x", "no certificate")
}
