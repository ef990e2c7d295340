package api_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

func TestBaseURL(t *testing.T) {
	f := func(base, want, app string) {
		t.Helper()
		c, err := api.New(api.Options{BaseURL: base})
		if err != nil || c.BaseURL() != want || c.AppURL() != app {
			t.Errorf("%q: got %v, %v", base, c, err)
		}
	}
	f("", "https://api.wandb.ai", "https://wandb.ai")
	f("https://api.wandb.ai/", "https://api.wandb.ai", "https://wandb.ai")
	f("https://api.wandb.example.com", "https://api.wandb.example.com", "https://wandb.example.com")
	f("https://api.example.com", "https://api.example.com", "https://app.example.com")
	f("http://127.0.0.1:8080/sub/", "http://127.0.0.1:8080/sub", "http://127.0.0.1:8080/sub")
	f("https://team.wandb.ai", "https://team.wandb.ai", "https://team.wandb.ai")
	bad := func(base string) {
		t.Helper()
		if _, err := api.New(api.Options{BaseURL: base}); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: got %v, want an error without the secret", base, err)
		}
	}
	bad("http://api.wandb.ai")
	bad("https://wandb.ai")
	bad("https://app.wandb.ai")
	bad("ftp://host")
	bad("host:8080")
	bad("https://user:s3cret@host")
	bad("https://host/?key=s3cret")
	bad("http://s3cret\x7f")
	c, err := api.New(api.Options{BaseURL: "http://h", AppOverride: "https://ui.example/"})
	if err != nil || c.RunURL("e", "a b", "r/1") != "https://ui.example/e/a%20b/runs/r%2F1" {
		t.Errorf("got %q, %v", c.RunURL("e", "a b", "r/1"), err)
	}
}

func TestBadOptions(t *testing.T) {
	f := func(o api.Options) {
		t.Helper()
		if _, err := api.New(o); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("got %v, want an error without the secret", err)
		}
	}
	f(api.Options{Key: api.NewKey("k"), IdentityToken: func(context.Context) (string, error) { return "", nil }})
	f(api.Options{Headers: map[string]string{"X-A": "s3cret\n"}})
	f(api.Options{Headers: map[string]string{"a b": "s3cret"}})
	f(api.Options{Email: "s3cret\r"})
}

func TestProxyFunc(t *testing.T) {
	f := func(s api.ProxySettings, to, want string) {
		t.Helper()
		proxy, err := api.ProxyFunc(s)
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(to)
		got, err := proxy(&http.Request{URL: u})
		if err != nil || got == nil && want != "" || got != nil && got.String() != want {
			t.Errorf("%+v to %s: got %v, %v, want %q", s, to, got, err, want)
		}
	}
	f(api.ProxySettings{}, "https://h", "")
	f(api.ProxySettings{HTTP: "http://p:1", HTTPS: "p:2"}, "http://h", "http://p:1")
	f(api.ProxySettings{HTTP: "http://p:1", HTTPS: "p:2"}, "https://h", "http://p:2")
	f(api.ProxySettings{HTTPS: "p:2", No: "h,other"}, "https://h", "")
	f(api.ProxySettings{HTTPS: "p:2", No: ".example"}, "https://a.example", "")
	f(api.ProxySettings{HTTPS: "p:2"}, "https://127.0.0.1:1", "")
	f(api.ProxySettings{HTTPS: "p:2", WandbHTTPS: "https://w:3", No: "*"}, "https://h", "https://w:3")
	f(api.ProxySettings{HTTP: "p:2", WandbHTTPS: "w:3"}, "http://h", "http://p:2")
	for _, bad := range []string{"ftp://u:s3cret@h", "http://u:s3cret@\x7f"} {
		if _, err := api.ProxyFunc(api.ProxySettings{WandbHTTP: bad}); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("got %v, want an error without the password", err)
		}
	}
}
