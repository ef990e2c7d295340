package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
)

// TestIdentityToken exchanges one for an access token that opens the door.
func TestIdentityToken(t *testing.T) {
	s := newSite(t, server.Options{Dir: t.TempDir(), Key: testKey, IdentityToken: "aa.bb.cc"})
	exchange := func(grant, token string) (int, string) {
		form := url.Values{"grant_type": {grant}, "assertion": {token}}
		status, text, _ := s.send(http.MethodPost, s.url+"/oidc/token", []byte(form.Encode()),
			map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Authorization": "none"})
		var reply struct {
			AccessToken string `json:"access_token"`
			ExpiresIn   int    `json:"expires_in"`
		}
		if err := json.Unmarshal([]byte(text), &reply); err != nil || status == http.StatusOK && reply.ExpiresIn < 60 {
			t.Errorf("got %q, %v", text, err)
		}
		return status, reply.AccessToken
	}
	const jwt = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	status, token := exchange(jwt, "aa.bb.cc")
	if status != http.StatusOK || token == "" {
		t.Fatalf("got status %d and token %q", status, token)
	}
	for bearer, want := range map[string]int{token: http.StatusOK, token + "0": http.StatusUnauthorized, "9" + token: http.StatusUnauthorized, "1.": http.StatusUnauthorized} {
		got, text, _ := s.send(http.MethodPost, s.url+"/graphql", []byte(`{"query":"{viewer {entity}}"}`), map[string]string{"Authorization": "Bearer " + bearer})
		if got != want {
			t.Errorf("bearer of %d characters: got %d %s, want %d", len(bearer), got, text, want)
		}
	}
	for _, c := range []struct {
		grant, token string
		want         int
	}{{"password", "aa.bb.cc", http.StatusBadRequest}, {jwt, "aa.bb.dd", http.StatusUnauthorized}, {jwt, "", http.StatusUnauthorized}} {
		if got, _ := exchange(c.grant, c.token); got != c.want {
			t.Errorf("%s %q: got %d, want %d", c.grant, c.token, got, c.want)
		}
	}
}
