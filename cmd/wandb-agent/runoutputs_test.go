//go:build linux

package main

import (
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestExecServesTheNumbersOfItsRun: hardware of the command's tree and rows of the
// program inside, at /metrics and at an OTLP receiver, while it runs. Seen to fail
// without tailRows (no rows).
func TestExecServesTheNumbersOfItsRun(t *testing.T) {
	dir, address := t.TempDir(), freeAddress(t)
	var rows, hardware atomic.Bool
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		src := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			if z, err := gzip.NewReader(src); err == nil {
				src = z
			}
		}
		body, _ := io.ReadAll(src)
		rows.Store(rows.Load() || strings.Contains(string(body), "wandb.history"))
		hardware.Store(hardware.Load() || strings.Contains(string(body), "process."))
	}))
	defer receiver.Close()
	conf := filepath.Join(dir, "agent.yaml")
	if err := os.WriteFile(conf, []byte("otlp:\n- endpoint: "+receiver.URL+"\n  interval: 200ms\n  rows: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	acks, stop := filepath.Join(dir, "acks"), filepath.Join(dir, "stop")
	args := execArgs(dir, "part", "count", acks, stop)
	cmd := exec.Command("wandb-agent", append([]string{"exec", "--config", conf, "--web.listen-address", address}, args[1:]...)...)
	start(t, cmd)
	page := ""
	eventually(t, "rows and hardware at /metrics", func() bool {
		if r, err := http.Get("http://" + address + "/metrics"); err == nil {
			text, _ := io.ReadAll(r.Body)
			r.Body.Close()
			page = string(text)
		}
		return strings.Contains(page, "wandb_history{") && strings.Contains(page, "process_")
	})
	eventually(t, "rows and hardware at the receiver", func() bool { return rows.Load() && hardware.Load() })
	touch(t, stop)
	if code := done(t, cmd); code != 0 {
		t.Errorf("exit %d", code)
	}
}
