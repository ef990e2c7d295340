package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"golang.org/x/net/http/httpproxy"
)

// ProxySettings are the proxies of a machine, as its environment has them. All
// may be empty.
type ProxySettings struct {
	HTTP, HTTPS string // HTTP_PROXY, HTTPS_PROXY: URL or host:port
	No          string // NO_PROXY: hosts, domains, networks, separated by commas

	WandbHTTP, WandbHTTPS string // WANDB_HTTP_PROXY, WANDB_HTTPS_PROXY: for all W&B traffic, whatever the others say
}

// ProxyFunc returns the function for Options.Proxy. Hosts on the loopback
// interface are reached directly unless a W&B proxy is set.
func ProxyFunc(s ProxySettings) (func(*http.Request) (*url.URL, error), error) {
	own := map[string]*url.URL{}
	for scheme, text := range map[string]string{"http": s.WandbHTTP, "https": s.WandbHTTPS} {
		if text == "" {
			continue
		}
		u, err := parseProxy(text)
		if err != nil {
			return nil, fmt.Errorf("proxy for %s: %w", scheme, err)
		}
		own[scheme] = u
	}
	general := (&httpproxy.Config{HTTPProxy: s.HTTP, HTTPSProxy: s.HTTPS, NoProxy: s.No}).ProxyFunc()
	return func(r *http.Request) (*url.URL, error) {
		if u := own[r.URL.Scheme]; u != nil {
			return u, nil
		}
		return general(r.URL)
	}, nil
}

// parseProxy reads a proxy's URL. Its errors do not quote it: it may hold a
// password.
func parseProxy(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		u, err = url.Parse("http://" + text)
	}
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("it is no URL")
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" && u.Scheme != "socks5h":
		return nil, fmt.Errorf("scheme %q: want http, https or socks5", u.Scheme)
	}
	return u, nil
}
