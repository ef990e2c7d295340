// Package config reads the agent's YAML file. Every part has one struct whose
// zero value works; unknown keys, wrong types and bad values are all reported
// at once, each with file, line and key as the user wrote it.
//
//	file ─▶ yaml.Node ─▶ compared with the structs ─▶ decoded over Default ─▶ validate ─▶ Config
//	                          └────────── every mistake ──────────┴──────────▶ *Error
//	Config ─▶ YAML ─▶ the same file with the help of each key; secrets as dots
package config

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// Config is the whole file.
type Config struct {
	SampleInterval Duration `yaml:"sample_interval" help:"time between samples of the fast tier; 100ms to 1h"`
	Log            Log      `yaml:"log" help:"our own messages, on standard error"`
	Web            Web      `yaml:"web" help:"the listener for /metrics, /healthz and /readyz"`
	Host           Host     `yaml:"host" help:"where host numbers are read"`
	GPU            GPU      `yaml:"gpu" help:"NVIDIA devices"`
	OTLP           []OTLP   `yaml:"otlp" help:"OpenTelemetry receivers, each with its own position"`
}

// Log says what is written to standard error.
type Log struct {
	Level  string `yaml:"level" help:"debug, info, warn or error"`
	Format string `yaml:"format" help:"text or json"`
}

// Web is the scrape listener of the host agent.
type Web struct {
	ListenAddress string `yaml:"listen_address" help:"host:port; the default listens on loopback only"`
}

// Host moves the roots that host numbers are read below.
type Host struct {
	Proc      string   `yaml:"proc" help:"mount point of procfs"`
	Sys       string   `yaml:"sys" help:"mount point of sysfs"`
	DiskPaths []string `yaml:"disk_paths" help:"paths whose filesystems are watched"`
}

// GPU configures the NVIDIA driver's library.
type GPU struct {
	Disabled bool   `yaml:"disabled" help:"true keeps the driver's library closed"`
	Library  string `yaml:"library" help:"path of libnvidia-ml.so.1; empty searches as the loader does"`
}

// OTLP is one OpenTelemetry receiver, OTLP over HTTP.
type OTLP struct {
	Name     string            `yaml:"name" help:"name in messages and self metrics; default otlp/0, otlp/1, ..."`
	Endpoint string            `yaml:"endpoint" help:"URL such as http://127.0.0.1:4318; empty follows OTEL_EXPORTER_OTLP_ENDPOINT"`
	Headers  map[string]Secret `yaml:"headers" help:"added to every request; values are never shown"`
	Interval Duration          `yaml:"interval" help:"time between requests; 0s means 10s"`
	Timeout  Duration          `yaml:"timeout" help:"limit of one request; 0s follows OTEL_EXPORTER_OTLP_TIMEOUT, else 10s"`
	Rows     bool              `yaml:"rows" help:"true sends rows that programs log as well"`
}

// Secret is a value that prints as dots everywhere.
type Secret string

// String hides the value.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "••••"
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalYAML hides the value from config print.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// MarshalJSON hides the value from --json output.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// Duration is a time.Duration written as in Go: 500ms, 1s, 2m.
type Duration time.Duration

// UnmarshalText parses the Go notation.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a duration (write 500ms, 1s or 2m)", b)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes the Go notation.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// String writes the Go notation.
func (d Duration) String() string { return time.Duration(d).String() }

// Default returns what holds when nothing is set.
func Default() Config {
	return Config{
		SampleInterval: Duration(time.Second),
		Log:            Log{Level: "info", Format: "text"},
		Web:            Web{ListenAddress: "127.0.0.1:19790"},
		Host:           Host{Proc: "/proc", Sys: "/sys", DiskPaths: []string{"/"}},
	}
}

// problem is one wrong value, by its path in the file: otlp[0].endpoint.
type problem struct{ path, text string }

// validate returns everything that is wrong with the values.
func (c *Config) validate() []problem {
	var ps []problem
	add := func(path, format string, args ...any) {
		ps = append(ps, problem{path, fmt.Sprintf(format, args...)})
	}
	if d := time.Duration(c.SampleInterval); d < 100*time.Millisecond || d > time.Hour {
		add("sample_interval", "%v is outside 100ms to 1h", d)
	}
	if !oneOf(c.Log.Level, "debug", "info", "warn", "error") {
		add("log.level", "%q is none of debug, info, warn, error", c.Log.Level)
	}
	if !oneOf(c.Log.Format, "text", "json") {
		add("log.format", "%q is neither text nor json", c.Log.Format)
	}
	if _, _, err := net.SplitHostPort(c.Web.ListenAddress); err != nil {
		add("web.listen_address", "%q is not host:port", c.Web.ListenAddress)
	}
	for i, p := range c.Host.DiskPaths {
		if !strings.HasPrefix(p, "/") {
			add(fmt.Sprintf("host.disk_paths[%d]", i), "%q is not an absolute path", p)
		}
	}
	seen := map[string]bool{}
	for i := range c.OTLP {
		c.OTLP[i].validate(i, seen, add)
	}
	return ps
}

func (o *OTLP) validate(i int, seen map[string]bool, add func(path, format string, args ...any)) {
	at := func(key string) string { return fmt.Sprintf("otlp[%d].%s", i, key) }
	if o.Name == "" {
		o.Name = fmt.Sprintf("otlp/%d", i)
	}
	if seen[o.Name] {
		add(at("name"), "%q names two outputs", o.Name)
	}
	seen[o.Name] = true
	if u, err := url.Parse(o.Endpoint); o.Endpoint != "" && (err != nil || u.Host == "" || !oneOf(u.Scheme, "http", "https")) {
		add(at("endpoint"), "not an http or https URL")
	}
	if o.Interval < 0 || o.Timeout < 0 {
		add(at("interval"), "interval and timeout cannot be negative")
	}
}

func oneOf(s string, choices ...string) bool {
	for _, c := range choices {
		if s == c {
			return true
		}
	}
	return false
}
