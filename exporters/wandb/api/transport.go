package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// errBadRequest is a request that net/http cannot send, for its URL or headers.
var errBadRequest = errors.New("the request cannot be made")

// newTransport returns the one pool of connections that a client uses.
func newTransport(o Options) *http.Transport {
	t := &http.Transport{
		Proxy:                  o.Proxy,
		DialContext:            o.DialContext,
		ForceAttemptHTTP2:      true,
		TLSClientConfig:        &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.InsecureTLS},
		TLSHandshakeTimeout:    30 * time.Second,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    128, // as many as transfers run at a time
		IdleConnTimeout:        90 * time.Second,
		WriteBufferSize:        64 << 10, // of each connection: with TLS a body goes out in pieces of this size
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, r *http.Response) error {
			if r.StatusCode != http.StatusOK {
				return &proxyError{r.StatusCode}
			}
			return nil
		},
	}
	return t
}

// stayHome refuses redirects that would lose a request's body or carry the
// user's credentials to another host.
func stayHome(to *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case to.URL.Host != first.URL.Host:
		return fmt.Errorf("%w to %s://%s: if that is the server, make it the base url", ErrRedirected, to.URL.Scheme, to.URL.Host)
	case to.Method != first.Method:
		return fmt.Errorf("%w in a way that loses the request", ErrRedirected)
	}
	return stayEncrypted(to, via)
}

// followBlob lets storage services, and a server that keeps its files with one,
// send a transfer on: without what only the server may see, and not off TLS.
func (c *Client) followBlob(to *http.Request, via []*http.Request) error {
	to.Header.Del("Referer") // holds the query of a signed URL
	if to.URL.Host != via[0].URL.Host {
		for _, name := range []string{"Authorization", "X-WANDB-USERNAME", "X-WANDB-USER-EMAIL"} {
			to.Header.Del(name)
		}
		for name := range c.o.Headers {
			to.Header.Del(name)
		}
	}
	return stayEncrypted(to, via)
}

// stayEncrypted refuses redirects off TLS, and endless ones.
func stayEncrypted(to *http.Request, via []*http.Request) error {
	switch {
	case via[0].URL.Scheme == "https" && to.URL.Scheme != "https":
		return fmt.Errorf("%w from https to %s://%s", ErrRedirected, to.URL.Scheme, to.URL.Host)
	case len(via) >= 10:
		return fmt.Errorf("%w 10 times", ErrRedirected)
	}
	return nil
}

// wantsLogin says whether u is where the server gives out files of artifacts by
// their digest, to users only.
func (c *Client) wantsLogin(u *url.URL) bool {
	if u.Scheme != c.base.Scheme || u.Host != c.base.Host {
		return false
	}
	for _, below := range []string{"artifactsV2/", "artifacts/"} {
		if strings.HasPrefix(u.Path, c.base.JoinPath("/").Path+below) {
			return true
		}
	}
	return false
}

// sign adds what every request below the base URL carries.
func (c *Client) sign(ctx context.Context, r *http.Request) error {
	h := r.Header
	for name, value := range c.o.Headers {
		h.Set(name, value)
	}
	h.Set("User-Agent", c.o.UserAgent)
	h.Set("X-WANDB-USERNAME", c.o.Username)
	h.Set("X-WANDB-USER-EMAIL", c.o.Email)
	if c.o.DeriveSummary {
		h.Set("X-WANDB-SERVER-SIDE-DERIVED-SUMMARY", "true")
	}
	switch {
	case c.o.IdentityToken != nil:
		token, err := c.o.IdentityToken(ctx)
		if err != nil {
			return err
		}
		h.Set("Authorization", "Bearer "+token)
	case !c.o.Key.IsZero():
		r.SetBasicAuth("api", c.o.Key.Reveal())
	}
	return nil
}
