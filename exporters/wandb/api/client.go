package api

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

// DefaultBaseURL is the public server.
const DefaultBaseURL = "https://api.wandb.ai"

// Options are what a Client needs. The zero value speaks to the public server
// without credentials, which only shows that it is there.
type Options struct {
	BaseURL       string                                // DefaultBaseURL when empty; a trailing slash is dropped
	AppOverride   string                                // base of links for people; derived from BaseURL when empty
	Key           Key                                   // sent as the password of the user "api"
	IdentityToken func(context.Context) (string, error) // a bearer token, asked for at each request; excludes Key

	Username, Email string            // whom a service account's runs belong to
	Headers         map[string]string // added to every request to the base URL
	UserAgent       string            // "wandb-agent" when empty
	Shared          *SharedWriter     // one of several writers of a run
	DeriveSummary   bool              // the server makes the summary of the history

	Proxy       func(*http.Request) (*url.URL, error) // nil: no proxy; see ProxyFunc
	RootCAs     *x509.CertPool                        // nil: those of the system
	InsecureTLS bool                                  // believe any certificate

	Timeout       time.Duration // of one GraphQL try; 30 s when 0
	StreamTimeout time.Duration // of one file-stream try; 180 s when 0
	StallTimeout  time.Duration // a transfer that moves no byte for so long is given up; 60 s when 0

	RetryMax     int           // repetitions of operations and transfers; 20 when 0, none when negative
	RetryWaitMin time.Duration // 2 s when 0
	RetryWaitMax time.Duration // 60 s when 0

	Logger *slog.Logger // nil: silent

	// DialContext opens connections in the place of the network, nil: the network.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
}

// A SharedWriter is one of several programs that write one run at a time.
type SharedWriter struct {
	ClientID string // of this program, 32 characters of a-z0-9
}

// A Client speaks to one server as one user. Its methods may be called from any
// number of goroutines.
type Client struct {
	o      Options
	base   *url.URL
	app    string
	api    *http.Client // to the base URL, with credentials
	blobs  *http.Client // to signed URLs
	retry  RetryPolicy
	logger *slog.Logger

	featureMu sync.Mutex
	features  map[string]bool // nil until the server told
}

// New checks o and makes a Client. It opens no connection.
func New(o Options) (*Client, error) {
	base, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, err
	}
	if !o.Key.IsZero() && o.IdentityToken != nil {
		return nil, errors.New("api client: both a key and an identity token: leave out one")
	}
	if err := checkHeaders(o); err != nil {
		return nil, err
	}
	o.Timeout = orDuration(o.Timeout, 30*time.Second)
	o.StreamTimeout = orDuration(o.StreamTimeout, 180*time.Second)
	o.StallTimeout = orDuration(o.StallTimeout, time.Minute)
	if o.UserAgent == "" {
		o.UserAgent = "wandb-agent"
	}
	c := &Client{o: o, base: base, logger: o.Logger, retry: RetryPolicy{
		Max:     20,
		WaitMin: orDuration(o.RetryWaitMin, 2*time.Second),
		WaitMax: orDuration(o.RetryWaitMax, time.Minute),
	}}
	if o.RetryMax != 0 {
		c.retry.Max = max(o.RetryMax, 0)
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	c.app = appURL(base.String(), o.AppOverride)
	t := newTransport(o)
	c.api = &http.Client{Transport: t, CheckRedirect: stayHome}
	c.blobs = &http.Client{Transport: t, CheckRedirect: c.followBlob}
	return c, nil
}

// checkHeaders refuses what net/http would refuse at every request. Values may
// be secrets and are not quoted.
func checkHeaders(o Options) error {
	values := map[string]string{"X-WANDB-USERNAME": o.Username, "X-WANDB-USER-EMAIL": o.Email, "User-Agent": o.UserAgent}
	maps.Copy(values, o.Headers)
	for name, value := range values {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf("api client: header %q cannot be sent: its name or value has a character that headers cannot hold", name)
		}
	}
	return nil
}

func orDuration(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// parseBase checks a base URL. Hosts of the public server are reached by https
// and by their API name only: a key must not go anywhere else by mistake.
func parseBase(text string) (*url.URL, error) {
	if text == "" {
		text = DefaultBaseURL
	}
	u, err := url.Parse(strings.TrimRight(text, "/"))
	switch {
	case err != nil:
		return nil, errors.New("base url: it is no URL")
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return nil, errors.New("base url: want http(s)://host[:port][/path]")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("base url of host %q: it must not hold a user, a query or a fragment", u.Host)
	}
	host := strings.ToLower(u.Hostname())
	if host == "wandb.ai" || strings.HasSuffix(host, ".wandb.ai") {
		if u.Scheme != "https" {
			return nil, fmt.Errorf("base url %q: want https", u)
		}
		if host == "wandb.ai" || host == "app.wandb.ai" {
			return nil, fmt.Errorf("base url %q: want %s", u, DefaultBaseURL)
		}
	}
	return u, nil
}

// appURL returns the base of the pages for people.
func appURL(base, override string) string {
	switch {
	case override != "":
		return strings.TrimRight(override, "/")
	case strings.Contains(base, "://api.wandb."):
		return strings.Replace(base, "://api.wandb.", "://wandb.", 1)
	}
	return strings.Replace(base, "://api.", "://app.", 1)
}

// BaseURL returns the server's base URL, without a slash at its end.
func (c *Client) BaseURL() string { return c.base.String() }

// AppURL returns the base of links for people, without a slash at its end.
func (c *Client) AppURL() string { return c.app }

// RunURL returns the link to a run for people.
func (c *Client) RunURL(entity, project, run string) string {
	return c.ProjectURL(entity, project) + "/runs/" + url.PathEscape(run)
}

// ProjectURL returns the link to a project for people.
func (c *Client) ProjectURL(entity, project string) string {
	return c.app + "/" + url.PathEscape(entity) + "/" + url.PathEscape(project)
}

// CloseIdle closes the connections that no request uses.
func (c *Client) CloseIdle() { c.api.CloseIdleConnections() }

// Once returns a client for the same server that tries every request once. It
// shares the connections of c. For callers that repeat by themselves and want
// to know of each failure.
func (c *Client) Once() *Client {
	return &Client{o: c.o, base: c.base, app: c.app, api: c.api, blobs: c.blobs, logger: c.logger}
}
