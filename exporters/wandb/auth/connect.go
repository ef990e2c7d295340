package auth

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// A Connection is a client, and where the server and the credentials were found.
type Connection struct {
	*api.Client
	Server     Server
	Credential *Credential
}

// Connect finds the server and the credentials in s and makes a client. What o
// leaves out is taken from the environment in s. It opens no connection.
func Connect(s Source, o api.Options) (*Connection, error) {
	server, err := Locate(s)
	if err != nil {
		return nil, err
	}
	credential, err := Find(server, s)
	if err != nil {
		return nil, err
	}
	if err := Complete(&o, server, s.Environ); err != nil {
		return nil, err
	}
	client, err := credential.Client(o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", server.Origin, err)
	}
	return &Connection{client, server, credential}, nil
}

// Complete fills o with the server and with what the environment says of how
// to reach it: proxies, roots, timeouts, names, headers.
func Complete(o *api.Options, server Server, environ map[string]string) error {
	e := &reader{environ: environ}
	o.BaseURL = server.URL
	e.text(&o.AppOverride, "WANDB_APP_URL")
	e.text(&o.Username, "WANDB_USERNAME")
	e.text(&o.Email, "WANDB_USER_EMAIL")
	e.flag(&o.InsecureTLS, "WANDB_INSECURE_DISABLE_SSL")
	e.seconds(&o.Timeout, "WANDB_HTTP_TIMEOUT")
	e.seconds(&o.Timeout, "WANDB_X_GRAPHQL_TIMEOUT_SECONDS")
	e.count(&o.RetryMax, "WANDB_X_GRAPHQL_RETRY_MAX")
	e.seconds(&o.RetryWaitMin, "WANDB_X_GRAPHQL_RETRY_WAIT_MIN_SECONDS")
	e.seconds(&o.RetryWaitMax, "WANDB_X_GRAPHQL_RETRY_WAIT_MAX_SECONDS")
	e.headers(o)
	e.roots(o)
	if o.Proxy == nil {
		proxy, err := api.ProxyFunc(api.ProxySettings{
			HTTP: e.either("HTTP_PROXY", "http_proxy"), HTTPS: e.either("HTTPS_PROXY", "https_proxy"), No: e.either("NO_PROXY", "no_proxy"),
			WandbHTTP: environ["WANDB_HTTP_PROXY"], WandbHTTPS: environ["WANDB_HTTPS_PROXY"],
		})
		if err != nil {
			e.errs = append(e.errs, err)
		}
		o.Proxy = proxy
	}
	return errors.Join(e.errs...)
}

// A reader takes values from an environment and keeps what is wrong. Values that
// are set already stay.
type reader struct {
	environ map[string]string
	errs    []error
}

func (e *reader) bad(name string, err error) {
	e.errs = append(e.errs, fmt.Errorf("%s: %w", name, err))
}

func (e *reader) either(names ...string) string {
	for _, name := range names {
		if v := e.environ[name]; v != "" {
			return v
		}
	}
	return ""
}

func (e *reader) text(to *string, name string) {
	if *to == "" {
		*to = e.environ[name]
	}
}

func (e *reader) flag(to *bool, name string) {
	switch v := e.environ[name]; v {
	case "":
	case "1", "true", "True", "TRUE", "yes", "on":
		*to = true
	case "0", "false", "False", "FALSE", "no", "off":
	default:
		e.bad(name, fmt.Errorf("%q: want true or false", v))
	}
}

func (e *reader) seconds(to *time.Duration, name string) {
	v := e.environ[name]
	if v == "" || *to != 0 {
		return
	}
	s, err := strconv.ParseFloat(v, 64)
	if err != nil || !(s > 0 && s < 1e7) {
		e.bad(name, fmt.Errorf("%q: want a number of seconds", v))
		return
	}
	*to = time.Duration(s * float64(time.Second))
}

func (e *reader) count(to *int, name string) {
	v := e.environ[name]
	if v == "" || *to != 0 {
		return
	}
	n, err := strconv.Atoi(v)
	switch {
	case err != nil || n < 0:
		e.bad(name, fmt.Errorf("%q: want a number", v))
	case n == 0:
		*to = -1 // none, in the words of api.Options
	default:
		*to = n
	}
}

// headers reads a JSON object. It may hold secrets and is not quoted.
func (e *reader) headers(o *api.Options) {
	const name = "WANDB_X_EXTRA_HTTP_HEADERS"
	v := e.either(name, "WANDB__EXTRA_HTTP_HEADERS")
	if v == "" || o.Headers != nil {
		return
	}
	if json.Unmarshal([]byte(v), &o.Headers) != nil {
		o.Headers = nil
		e.bad(name, errors.New("want a JSON object of texts"))
	}
}

// roots adds the certificates of a file to those of the system.
func (e *reader) roots(o *api.Options) {
	const name = "REQUESTS_CA_BUNDLE"
	path := e.environ[name]
	if path == "" || o.RootCAs != nil {
		return
	}
	data, err := readFile(path)
	if err != nil {
		e.bad(name, err)
		return
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(data) {
		e.bad(name, fmt.Errorf("%s holds no certificate", path))
		return
	}
	o.RootCAs = pool
}
