package keeper

import (
	"sync"
	"syscall"
	"time"
)

// hurryPatience is how long a worker that was told to hurry may take: with it a
// second Ctrl-C ends us within two seconds.
const hurryPatience = 1500 * time.Millisecond

// hurry knows whether somebody is waiting for us to end. Sending what is left
// of a run may take a minute; a signal that comes while we do that, or the
// second Ctrl-C of all, means that it shall not.
type hurry struct {
	now chan struct{} // closed when the run is to be finished at once

	mu         sync.Mutex // guards all below
	interrupts int        // Ctrl-C so far
	ended      bool       // the command has ended
	hurried    bool
}

func newHurry() *hurry { return &hurry{now: make(chan struct{})} }

// signal takes note of a signal that we got.
func (h *hurry) signal(s syscall.Signal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch s {
	case syscall.SIGINT:
		h.interrupts++
	case syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT:
	default:
		return
	}
	if h.ended {
		h.hurry()
	}
}

// commandEnded takes note that from now on everybody waits for us only.
func (h *hurry) commandEnded() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	if h.interrupts > 1 {
		h.hurry()
	}
}

// hurry closes now, once. The caller holds mu.
func (h *hurry) hurry() {
	if !h.hurried {
		h.hurried = true
		close(h.now)
	}
}
