package keeper

import (
	"syscall"
	"testing"
)

// TestHurry: which signals mean that somebody waits for us.
func TestHurry(t *testing.T) {
	const end = syscall.Signal(0) // the command ends
	f := func(want bool, events ...syscall.Signal) {
		t.Helper()
		h := newHurry()
		for _, s := range events {
			if s == end {
				h.commandEnded()
			} else {
				h.signal(s)
			}
		}
		got := false
		select {
		case <-h.now:
			got = true
		default:
		}
		if got != want {
			t.Errorf("%v: hurry %v, want %v", events, got, want)
		}
	}
	f(false)
	f(false, end)
	f(false, syscall.SIGINT, end)
	f(false, syscall.SIGINT, syscall.SIGINT)
	f(true, syscall.SIGINT, syscall.SIGINT, end)
	f(true, syscall.SIGINT, end, syscall.SIGINT)
	f(true, end, syscall.SIGINT)
	f(true, end, syscall.SIGTERM, syscall.SIGTERM)
	f(true, end, syscall.SIGHUP)
	f(false, syscall.SIGTERM, syscall.SIGTERM, end) // schedulers repeat themselves
	f(false, end, syscall.SIGWINCH, syscall.SIGUSR1, syscall.SIGCONT)
}
