package otel

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strconv"
	"time"
)

// FromEnv returns a Config with what the standard variables say about timeout
// and certificates (OTEL_EXPORTER_OTLP_TIMEOUT in ms, _CERTIFICATE,
// _CLIENT_CERTIFICATE, _CLIENT_KEY, and their OTEL_EXPORTER_OTLP_METRICS_ forms,
// which win). The SDK ignores these when it is given a client, as it is here;
// the others it reads itself. getenv is os.Getenv where settings are read.
func FromEnv(getenv func(string) string) (Config, error) {
	var c Config
	if name, v := metricsEnv(getenv, "TIMEOUT"); v != "" {
		ms, err := strconv.ParseInt(v, 10, 32)
		if err != nil || ms < 0 {
			return c, fmt.Errorf("parse %s %q: not a number of milliseconds", name, v)
		}
		c.Timeout = time.Duration(ms) * time.Millisecond
	}
	conf, err := tlsFromEnv(getenv)
	c.TLS = conf
	return c, err
}

// tlsFromEnv returns nil when no variable is set.
func tlsFromEnv(getenv func(string) string) (*tls.Config, error) {
	var conf *tls.Config
	if name, path := metricsEnv(getenv, "CERTIFICATE"); path != "" {
		pem, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read certificate of %s: %w", name, err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read certificate of %s: no PEM certificate in %q", name, path)
		}
		conf = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	name, cert := metricsEnv(getenv, "CLIENT_CERTIFICATE")
	_, key := metricsEnv(getenv, "CLIENT_KEY")
	if cert == "" && key == "" {
		return conf, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("read client certificate of %s: %w", name, err)
	}
	if conf == nil {
		conf = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	conf.Certificates = []tls.Certificate{pair}
	return conf, nil
}

// metricsEnv looks a variable up, the metrics form first.
func metricsEnv(getenv func(string) string, suffix string) (name, value string) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_METRICS_" + suffix, "OTEL_EXPORTER_OTLP_" + suffix} {
		if v := getenv(name); v != "" {
			return name, v
		}
	}
	return "OTEL_EXPORTER_OTLP_" + suffix, ""
}
