package keeper

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// terminal joins our terminal to the command's: keys go in, the size follows.
type terminal struct {
	in, out *os.File // ours; in is nil if our stdin is no terminal
	master  *os.File // the command's
	quit    [2]int   // a pipe; its write end is closed to end the copying of keys

	mu     sync.Mutex
	saved  *term.State // of in, while it is raw
	typing bool        // keys are being copied
	done   chan struct{}
}

func newTerminal(cfg *Config, master *os.File) *terminal {
	t := &terminal{out: cfg.Stdout, master: master, quit: [2]int{-1, -1}, done: make(chan struct{})}
	if isTerminal(cfg.Stdin) && unix.Pipe2(t.quit[:], unix.O_CLOEXEC) == nil {
		t.in = cfg.Stdin
	}
	return t
}

// attach makes our terminal raw and starts to copy keys, if we are its
// foreground job. It is called again when we are continued: a job that was
// started in the background gets its terminal when it comes to the front.
func (t *terminal) attach() {
	copySize(t.out, t.master)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.in == nil || !usable(t.in) {
		return
	}
	// What was saved first is what the shell wants back; a later attach finds
	// modes that the shell has set for itself.
	saved, err := term.MakeRaw(int(t.in.Fd()))
	if err == nil && t.saved == nil {
		t.saved = saved
	}
	if !t.typing {
		t.typing = true
		go t.copyKeys()
	}
}

// copyKeys reads our terminal only when there is something to read, so that
// what is typed after the command's end is left to the shell.
func (t *terminal) copyKeys() {
	defer close(t.done)
	in := int(t.in.Fd())
	buf := make([]byte, 4096)
	for {
		fds := []unix.PollFd{{Fd: int32(in), Events: unix.POLLIN}, {Fd: int32(t.quit[0])}}
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		} else if err != nil || fds[1].Revents != 0 {
			return
		}
		n, err := unix.Read(in, buf)
		if err == unix.EINTR || err == unix.EAGAIN {
			continue
		}
		if n <= 0 {
			return
		}
		if _, err := t.master.Write(buf[:n]); err != nil {
			return
		}
	}
}

// restore gives our terminal back as it was. The master must not block
// copyKeys any more: the command has ended.
func (t *terminal) restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.in == nil {
		return
	}
	unix.Close(t.quit[1])
	if t.typing {
		t.master.SetWriteDeadline(past)
		<-t.done
	}
	unix.Close(t.quit[0])
	if t.saved != nil && usable(t.in) {
		term.Restore(int(t.in.Fd()), t.saved)
	}
	t.in = nil
}

// usable reports whether we may read from the terminal and set it up: the
// kernel stops a background job that does it on the terminal of its session.
func usable(tty *os.File) bool {
	_, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err != nil || foreground(tty)
}

// foreground reports whether keys of the terminal signal our process group.
func foreground(tty *os.File) bool {
	pgrp, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && pgrp == unix.Getpgrp()
}

// copySize gives to the size of from.
func copySize(from, to *os.File) {
	if ws, err := unix.IoctlGetWinsize(int(from.Fd()), unix.TIOCGWINSZ); err == nil {
		unix.IoctlSetWinsize(int(to.Fd()), unix.TIOCSWINSZ, ws)
	}
}

// copyModes gives to the modes of from. Unless ours becomes raw, it goes on
// turning "\n" into "\r\n" itself, so the other must not.
func copyModes(from, to *os.File, raw bool) {
	modes, err := unix.IoctlGetTermios(int(from.Fd()), unix.TCGETS)
	if err != nil {
		return
	}
	if !raw {
		modes.Oflag &^= unix.OPOST
	}
	unix.IoctlSetTermios(int(to.Fd()), unix.TCSETS, modes)
}
