package otel

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
)

const (
	// DefaultTimeout bounds one request, from dialling to the last byte of the
	// answer; the OTLP exporter specification's default.
	DefaultTimeout = 10 * time.Second
	// DefaultMaxPoints is the number of points in one request: about 1 MB, far
	// below the 20 MB that an OpenTelemetry Collector takes.
	DefaultMaxPoints = 5000
)

// Secret is text that prints as dots. Convert it to string to use it.
type Secret string

// String returns dots.
func (Secret) String() string { return "•••" }

// GoString returns dots, for %#v.
func (Secret) GoString() string { return "•••" }

// LogValue returns dots, for slog.
func (Secret) LogValue() slog.Value { return slog.StringValue("•••") }

// MarshalText returns dots, for JSON and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte("•••"), nil }

// Config says where to send. The zero value works: the SDK then takes the
// OTEL_EXPORTER_OTLP_* variables for endpoint, headers, compression and
// insecure, and else http(s)://localhost:4318. A field that is set wins over
// its variable.
type Config struct {
	Endpoint  string            // host:port, or a URL without user information
	URLPath   string            // default: the path of the URL in Endpoint, else /v1/metrics
	Headers   map[string]Secret // sent with each request
	Insecure  bool              // http instead of https, for an Endpoint without scheme
	Timeout   time.Duration     // per request; 0 is DefaultTimeout
	TLS       *tls.Config       // nil is the system's roots
	MaxPoints int               // per request; 0 is DefaultMaxPoints
	Resource  map[string]string // further resource attributes; they win over all others
	Version   string            // of this program, for the instrumentation scope
}

// Validate reports everything that is wrong. Its text never holds a secret.
func (c *Config) Validate() error {
	_, err := c.target()
	errs := []error{err}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("timeout %v: must not be negative", c.Timeout))
	}
	if c.MaxPoints < 0 {
		errs = append(errs, fmt.Errorf("max points %d: must not be negative", c.MaxPoints))
	}
	if c.URLPath != "" && !strings.HasPrefix(c.URLPath, "/") {
		errs = append(errs, fmt.Errorf("url path %q: must begin with a slash", c.URLPath))
	}
	return errors.Join(errs...)
}

// target is where requests go.
type target struct {
	url  string // whole, when Endpoint is a URL
	host string // when it is not; "" leaves it to the SDK
	path string
}

// target reads Endpoint.
func (c *Config) target() (target, error) {
	t := target{path: c.URLPath}
	if !strings.Contains(c.Endpoint, "://") {
		if strings.ContainsAny(c.Endpoint, "/@ ") {
			return t, errors.New("endpoint: must be host:port or a URL")
		}
		t.host = c.Endpoint
		return t, nil
	}
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil:
		return t, errors.New("endpoint: is not a URL") // the cause would quote it
	case u.Scheme != "http" && u.Scheme != "https":
		return t, fmt.Errorf("endpoint: scheme %q is neither http nor https", u.Scheme)
	case u.User != nil:
		return t, errors.New("endpoint: put credentials into headers, not into the URL")
	case u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return t, errors.New("endpoint: must be a URL of scheme, host and path")
	}
	if t.path == "" && strings.Trim(u.Path, "/") != "" {
		t.path = u.Path
	}
	whole := url.URL{Scheme: u.Scheme, Host: u.Host, Path: cmp.Or(t.path, "/v1/metrics")}
	t.url = whole.String()
	return t, nil
}

// options are those of the SDK's exporter; what the user left out is left to
// the SDK.
func (c *Config) options(t target, client *http.Client) []otlpmetrichttp.Option {
	opts := []otlpmetrichttp.Option{
		otlpmetrichttp.WithHTTPClient(client),
		otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{Enabled: false}),
	}
	if t.url != "" {
		opts = append(opts, otlpmetrichttp.WithEndpointURL(t.url))
	}
	if t.host != "" {
		opts = append(opts, otlpmetrichttp.WithEndpoint(t.host))
	}
	if t.url == "" && t.path != "" {
		opts = append(opts, otlpmetrichttp.WithURLPath(t.path))
	}
	if t.url == "" && c.Insecure {
		opts = append(opts, otlpmetrichttp.WithInsecure())
	}
	if len(c.Headers) > 0 {
		plain := make(map[string]string, len(c.Headers))
		for k, v := range c.Headers {
			plain[k] = string(v)
		}
		opts = append(opts, otlpmetrichttp.WithHeaders(plain))
	}
	return opts
}
