package auth

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// A Credential is what a server knows a user by: a key, or a file with an
// identity token that is exchanged for access tokens.
type Credential struct {
	Key             api.Key
	TokenFile       string
	CredentialsFile string // where access tokens are kept; with TokenFile
	Origin          string // "the key given", "WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", or the netrc file
}

// Errors of Find.
var (
	// ErrNone: there is no key for the server anywhere.
	ErrNone = errors.New("no credentials")

	// ErrWorkspaceServer: there may be a key, but only a file in the working
	// directory says that it belongs to the server.
	ErrWorkspaceServer = errors.New("only a file in the working directory names this server")
)

// Find looks for the credentials of a server: the key given, WANDB_API_KEY or
// WANDB_IDENTITY_TOKEN_FILE, and the netrc file. Without any the error is
// ErrNone, or ErrWorkspaceServer, and says what to do.
func Find(server Server, s Source) (*Credential, error) {
	if !s.Key.IsZero() {
		return checked(&Credential{Key: s.Key, Origin: "the key given"})
	}
	if !server.FromWorkspace {
		if c, err := s.fromEnviron(); c != nil || err != nil {
			return c, err
		}
	}
	path := s.NetrcPath()
	data, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("find credentials: %w", err)
	}
	machine, err := machineOf(server.URL)
	if err != nil {
		return nil, fmt.Errorf("find credentials: %w", err)
	}
	if key := passwordFor(parseNetrc(data), machine); key != "" {
		return checked(&Credential{Key: api.NewKey(key), Origin: path})
	}
	if server.FromWorkspace {
		return nil, fmt.Errorf("find credentials: %w: %s has base_url = %s, and a key of the environment does not go there unasked; if you trust that server, set WANDB_BASE_URL to it or run: wandb-agent login --host %s",
			ErrWorkspaceServer, server.Origin, server.URL, server.URL)
	}
	return nil, fmt.Errorf("find credentials: %w for %s: run wandb-agent login, or set WANDB_API_KEY", ErrNone, machine)
}

func (s *Source) fromEnviron() (*Credential, error) {
	key, file := strings.TrimSpace(s.Environ["WANDB_API_KEY"]), s.Environ["WANDB_IDENTITY_TOKEN_FILE"]
	switch {
	case key != "" && file != "":
		return nil, errors.New("find credentials: both WANDB_API_KEY and WANDB_IDENTITY_TOKEN_FILE are set: leave out one")
	case key != "":
		return checked(&Credential{Key: api.NewKey(key), Origin: "WANDB_API_KEY"})
	case file == "":
		return nil, nil
	}
	c := &Credential{TokenFile: file, Origin: "WANDB_IDENTITY_TOKEN_FILE", CredentialsFile: s.Environ["WANDB_CREDENTIALS_FILE"]}
	if dir := s.configDir(); c.CredentialsFile == "" && dir != "" {
		c.CredentialsFile = filepath.Join(dir, "credentials.json")
	}
	return c, nil
}

func checked(c *Credential) (*Credential, error) {
	if err := CheckKey(c.Key.Reveal()); err != nil {
		return nil, fmt.Errorf("find credentials: %s: %w", c.Origin, err)
	}
	return c, nil
}

// machineOf returns the netrc name of a server: host, with its port if the URL
// has one.
func machineOf(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return "", errors.New("the base url has no host")
	}
	return u.Host, nil
}

var (
	jwt    = regexp.MustCompile(`^[\w-]+\.[\w-]+\.[\w-]+$`)
	secret = regexp.MustCompile(`^[\w-]+$`)
)

// minKey is the least length of a key.
const minKey = 40

// CheckKey says what is wrong with the form of a key, without quoting it. A key
// is a token of three parts, or at least 40 letters, digits, _ and - after an
// optional prefix that ends with -.
func CheckKey(key string) error {
	if key == "" {
		return errors.New("the key is empty")
	}
	if jwt.MatchString(key) {
		return nil
	}
	if _, rest, ok := strings.Cut(key, "-"); ok {
		key = rest
	}
	switch {
	case !secret.MatchString(key):
		return errors.New("the key has other characters than letters, digits, _ and -")
	case len(key) < minKey:
		return fmt.Errorf("the key has %d characters, want %d or more", len(key), minKey)
	}
	return nil
}

// Client makes a client with the credentials. o says the rest.
func (c *Credential) Client(o api.Options) (*api.Client, error) {
	if c.TokenFile == "" {
		o.Key = c.Key
		return api.New(o)
	}
	bare, err := api.New(o)
	if err != nil {
		return nil, err
	}
	t := &tokens{client: bare, identity: c.TokenFile, store: c.CredentialsFile, busy: make(chan struct{}, 1)}
	o.IdentityToken = t.get
	return api.New(o)
}
