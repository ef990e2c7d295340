package wandb_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRowsOfTheClientWhileItRuns: show, export and /metrics have the rows of an
// unchanged script before it has ended, as far as the client has written them.
func TestRowsOfTheClientWhileItRuns(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	o := newOnerun(t, prove(t), "WANDB_MODE=offline")
	script, err := filepath.Abs("kill_run.py")
	if err != nil {
		t.Fatal(err)
	}
	acks, stop := filepath.Join(o.dir, "acks"), filepath.Join(o.dir, "stop")
	cmd := exec.CommandContext(t.Context(), o.bin, "exec", "--web.listen-address", address, "--sample-interval", "100ms", "--stats-interval", "200ms",
		"--", venv(t, "python"), script, acks, stop)
	cmd.Dir, cmd.Env = o.dir, o.env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer o.killAll()
	await(t, "rows and hardware at /metrics", func() bool {
		r, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		text, _ := io.ReadAll(r.Body)
		return strings.Contains(string(text), "wandb_history{") && strings.Contains(string(text), "process_")
	})
	for what, out := range map[string]string{"show": o.agent(t, "show", "wandb/latest-run"), "export": o.agent(t, "export", "wandb/latest-run")} {
		if !strings.Contains(out, `"n":`) && !strings.Contains(out, "  n  ") || !strings.Contains(out, "CPU") && !strings.Contains(out, `"system"`) {
			t.Errorf("%s while it runs: %.3000s", what, out)
		}
	}
	if err := os.WriteFile(stop, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
