package otel

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

func lookup(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestFromEnv(t *testing.T) {
	cert, key := writeCertificate(t)
	got, err := FromEnv(lookup(map[string]string{
		"OTEL_EXPORTER_OTLP_TIMEOUT": "1", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": "2500", "OTEL_EXPORTER_OTLP_CERTIFICATE": cert,
		"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": cert, "OTEL_EXPORTER_OTLP_CLIENT_KEY": key,
	}))
	if err != nil || got.Timeout != 2500*time.Millisecond || got.TLS == nil || got.TLS.RootCAs == nil || len(got.TLS.Certificates) != 1 {
		t.Errorf("FromEnv = %+v, %v; want 2.5 s, roots and a certificate", got, err)
	}
	if got, err := FromEnv(lookup(nil)); err != nil || got.Timeout != 0 || got.TLS != nil {
		t.Errorf("FromEnv of nothing = %+v, %v; want the zero Config", got, err)
	}
}

func TestFromEnvErrorsNameTheVariable(t *testing.T) {
	cert, _ := writeCertificate(t)
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_TIMEOUT": "10s", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": "-1",
		"OTEL_EXPORTER_OTLP_CERTIFICATE": empty, "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE": empty + "/missing",
		"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": cert, // its key is missing
	} {
		if _, err := FromEnv(lookup(map[string]string{name: value})); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("FromEnv with %s=%s: %v, want an error naming it", name, value, err)
		}
	}
}

// Without the receiver's certificate nothing is sent, and there is no way back
// to plain text; with it, the road is open.
func TestTLS(t *testing.T) {
	b := &bench{t: t, recv: &receiver{t: t}, schema: sample.NewSchema(0), facts: &sample.Facts{}}
	b.recv.Server = httptest.NewTLSServer(http.HandlerFunc(b.recv.serve))
	t.Cleanup(b.recv.Close)
	x := b.add("", sample.Desc{Name: "x"})
	b.e = open(t, Config{Endpoint: b.recv.URL})
	if err := b.export(b.frame(1, put{x, 1})); outcomeOf(err) != "again" || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("Export to an unknown authority = %v, want an error about the certificate", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(b.recv.Certificate())
	b.e = open(t, Config{Endpoint: b.recv.URL, TLS: &tls.Config{RootCAs: roots}})
	if err := b.export(b.frame(2, put{x, 1})); err != nil || b.recv.count() != 1 {
		t.Errorf("Export = %v, %d requests; want one", err, b.recv.count())
	}
}

// writeCertificate writes a self-signed certificate and its key.
func writeCertificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
