package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

// accounts starts a server that knows one user, by a key of forty zeros, and
// returns its URL. It ends with the test.
func accounts(t *testing.T) string {
	t.Helper()
	s, err := faults.Start(faults.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, key, _ := r.BasicAuth(); key != strings.Repeat("0", 40) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"data":{"viewer":{"id":"x","username":"me","entity":"team"}}}`)
	})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s.URL()
}

// TestLoginAtTerminal: the key is asked for, not shown, and kept; a second
// login asks for nothing.
func TestLoginAtTerminal(t *testing.T) {
	url, home := accounts(t), t.TempDir()
	t.Setenv("HOME", home)
	for _, name := range []string{"NETRC", "WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_BASE_URL", "WANDB_CONFIG_DIR", "WANDB_DIR"} {
		t.Setenv(name, "")
	}
	key := strings.Repeat("0", 40)
	user, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close()
	defer tty.Close()
	shown := &lockedBuffer{}
	go func() { _, _ = io.Copy(shown, user) }() // ends when the terminal is closed
	go func() {
		waitSilent(tty)
		_, _ = io.WriteString(user, key+"\n")
	}()
	var out bytes.Buffer
	code := Main([]string{"login", "--host", url}, tty, &out, &out)
	if code != 0 || !strings.Contains(out.String(), "Logged in to "+url+" as me (runs go to team)") {
		t.Fatalf("got %d, %s", code, out.String())
	}
	if strings.Contains(shown.String(), "0000") {
		t.Error("the terminal shows the key")
	}
	if strings.Contains(out.String(), key) {
		t.Error("the output shows the key")
	}
	data, err := os.ReadFile(filepath.Join(home, ".netrc"))
	if err != nil || !strings.Contains(string(data), "password "+key) {
		t.Errorf("netrc: got %v", err)
	}
	out.Reset()
	if code := Main([]string{"login", "--host", url}, tty, &out, &out); code != 0 || !strings.Contains(out.String(), "as me (runs go to team), by "+home) {
		t.Errorf("again: got %d, %s", code, out.String())
	}
}

// waitSilent waits until a terminal does not show what is typed.
func waitSilent(tty *os.File) {
	for range 6000 {
		if t, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS); err == nil && t.Lflag&unix.ECHO == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// lockedBuffer is what a terminal showed, while it goes on.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
