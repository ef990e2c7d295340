package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// tokens exchanges an identity token for access tokens and keeps those until
// shortly before they end, in memory and in a file that the official tools use
// too.
type tokens struct {
	client   *api.Client
	identity string // path
	store    string // path; "" keeps nothing on disk

	busy    chan struct{} // held by who reads or changes what follows
	current access
}

// access is a token and its end.
type access struct {
	token string
	until time.Time
}

// refreshBefore is how long before its end a token is exchanged.
const refreshBefore = 5 * time.Minute

// fresh says whether a token is good for a while.
func (a access) fresh(now time.Time) bool {
	return a.token != "" && a.until.Sub(now) > refreshBefore
}

// get returns an access token. One caller exchanges, others wait for it.
func (t *tokens) get(ctx context.Context) (string, error) {
	select {
	case t.busy <- struct{}{}:
	case <-ctx.Done():
		return "", &api.Error{Op: "token exchange", Err: ctx.Err()}
	}
	defer func() { <-t.busy }()
	if t.current.fresh(time.Now()) {
		return t.current.token, nil
	}
	if kept := t.load(); kept.fresh(time.Now()) {
		t.current = kept
		return kept.token, nil
	}
	identity, err := readFile(t.identity)
	if err == nil && len(identity) == 0 {
		err = errors.New("it is empty or missing")
	}
	if err != nil {
		return "", fmt.Errorf("identity token %s: %w", t.identity, err)
	}
	text, lasts, err := t.client.ExchangeToken(ctx, strings.TrimSpace(string(identity)))
	if err != nil {
		return "", err
	}
	t.current = access{text, time.Now().Add(lasts)}
	// A token that cannot be kept is asked for again by the next process.
	_ = t.save()
	return text, nil
}

// credentials is the file of access tokens, by base URL.
type credentials struct {
	Credentials map[string]json.RawMessage `json:"credentials"`
}

// kept is one of its tokens.
type kept struct {
	AccessToken string `json:"access_token"`
	ExpiresAt   string `json:"expires_at"` // in UTC
}

const expiryLayout = "2006-01-02 15:04:05"

func (t *tokens) read() credentials {
	var c credentials
	data, err := readFile(t.store)
	if err != nil || json.Unmarshal(data, &c) != nil || c.Credentials == nil {
		return credentials{map[string]json.RawMessage{}}
	}
	return c
}

// load returns the token on disk; one that cannot be read is no token.
func (t *tokens) load() access {
	var k kept
	if json.Unmarshal(t.read().Credentials[t.client.BaseURL()], &k) != nil {
		return access{}
	}
	until, err := time.Parse(expiryLayout, k.ExpiresAt)
	if err != nil {
		return access{}
	}
	return access{k.AccessToken, until}
}

// save keeps the current token on disk, beside those of other servers.
func (t *tokens) save() error {
	if t.store == "" {
		return nil
	}
	c := t.read()
	entry, err := json.Marshal(kept{t.current.token, t.current.until.UTC().Format(expiryLayout)})
	if err != nil {
		return err
	}
	c.Credentials[t.client.BaseURL()] = entry
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(t.store), 0o700); err != nil {
		return err
	}
	return replaceFile(t.store, append(data, '\n'))
}
