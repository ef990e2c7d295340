package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var testKey = strings.Repeat("0", 40)

// start runs the program and returns its URL and what ends it.
func start(t *testing.T, args ...string) (url string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	exit := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		status := run(ctx, append([]string{"-listen", "127.0.0.1:0"}, args...), in, &stderr)
		in.Close()
		exit <- status
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		cancel()
		t.Fatalf("the program ended with %d and said %q", <-exit, stderr.String())
	}
	return strings.TrimSpace(line), func() int {
		cancel()
		select {
		case status := <-exit:
			return status
		case <-time.After(time.Minute):
			t.Error("the program goes on a minute after its end was asked for")
			return -1
		}
	}
}

// post sends a body with a key and returns status and answer.
func post(t *testing.T, url, key, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("api", key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

const upsert = `{"query": "mutation U($n: String, $p: String) {upsertBucket(input: {name: $n, modelName: $p}) {inserted}}",
	"variables": {"n": "r1", "p": "p"}}`

// TestServe stores a run, ends, starts again and finds the run.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []string{`"inserted":true`, `"inserted":false`} {
		url, stop := start(t, "-dir", dir)
		status, text := post(t, url+"/graphql", testKey, upsert)
		if status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("upsertBucket: got %d %s, want 200 with %s", status, text, want)
		}
		if got := stop(); got != exitDone {
			t.Errorf("exit status: got %d, want %d", got, exitDone)
		}
	}
}

// TestKeyFile lets in who has the key, and nobody else.
func TestKeyFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	key := strings.Repeat("1", 40)
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url, stop := start(t, "-dir", t.TempDir(), "-key-file", file)
	defer stop()
	if status, text := post(t, url+"/graphql", key, upsert); status != http.StatusOK {
		t.Errorf("the right key: got %d %s, want 200", status, text)
	}
	if status, text := post(t, url+"/graphql", testKey, upsert); status != http.StatusUnauthorized {
		t.Errorf("another key: got %d %s, want 401", status, text)
	}
}

// TestFaults lets a script fail a request.
func TestFaults(t *testing.T) {
	script := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(script, []byte(`[{"path":"/graphql","nth":1,"action":{"kind":"answer","status":503}}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	url, stop := start(t, "-dir", t.TempDir(), "-faults", script)
	defer stop()
	for _, want := range []int{http.StatusServiceUnavailable, http.StatusOK} {
		if status, text := post(t, url+"/graphql", testKey, upsert); status != want {
			t.Errorf("got %d %s, want %d", status, text, want)
		}
	}
}

// TestRefused starts with command lines that cannot be served.
func TestRefused(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, c := range []struct {
		name   string
		args   []string
		status int
		says   string
	}{
		{"no directory", nil, exitUsage, "-dir is required"},
		{"open to others without a key", []string{"-dir", dir, "-listen", "0.0.0.0:0"}, exitUsage, "-key-file is required"},
		{"every address without a key", []string{"-dir", dir, "-listen", ":0"}, exitUsage, "-key-file is required"},
		{"argument", []string{"-dir", dir, "x"}, exitUsage, `"x"`},
		{"flag", []string{"-nothing"}, exitUsage, "-nothing"},
		{"short key", []string{"-dir", dir, "-key-file", short}, exitFault, "40 characters"},
		{"no key file", []string{"-dir", dir, "-key-file", short + "er"}, exitFault, "no such file"},
		{"no script of faults", []string{"-dir", dir, "-faults", short + "er"}, exitFault, "read faults"},
		{"a script that is none", []string{"-dir", dir, "-faults", short}, exitFault, "read faults"},
		{"address", []string{"-dir", dir, "-listen", "127.0.0.1:99999"}, exitFault, "99999"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			got := run(t.Context(), c.args, &stdout, &stderr)
			if got != c.status || !strings.Contains(stderr.String(), c.says) || stdout.Len() > 0 {
				t.Errorf("got %d, %q, %q on standard output; want %d and %q", got, stderr.String(), stdout.String(), c.status, c.says)
			}
		})
	}
}
