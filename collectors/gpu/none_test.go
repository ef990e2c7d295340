//go:build !linux || !cgo || nonvml

package gpu

import (
	"strings"
	"testing"
	"time"
)

// TestWithoutNVML: the program works, has no GPUs and says why.
func TestWithoutNVML(t *testing.T) {
	h := run(t, Config{Library: "libnvidia-ml.so.1"}, nil)
	for range 3 {
		if got := h.tick(); len(got) != 0 {
			t.Errorf("values: %v", got)
		}
		time.Sleep(2 * fastPace.look)
	}
	s := h.d.Status()
	if Unavailable() == "" || s.State != Absent || s.Reason != Unavailable() || h.facts.GPUStatus != s.Reason {
		t.Errorf("status %+v, facts %q, want %q", s, h.facts.GPUStatus, Unavailable())
	}
	if n := strings.Count(h.logs.String(), "\n"); n != 1 {
		t.Errorf("want one log line:\n%s", h.logs)
	}
	if got := h.d.Explain(); len(got) != 1 || got[0].Reason != s.Reason {
		t.Errorf("Explain: got %+v", got)
	}
}
