//go:build linux

package pidwatch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ReapGrace is how long Wait goes on waiting for the parent of an exited
// process to collect it, when only that can make the status known.
const ReapGrace = 2 * time.Second

// ExitStatus is how a process ended.
type ExitStatus struct {
	Known  bool           `json:"known"`            // false: it has ended, and nobody told us how
	Code   int            `json:"code"`             // 0-255 when it exited by itself
	Signal syscall.Signal `json:"signal,omitempty"` // what killed it, 0 if nothing did
	Core   bool           `json:"core,omitempty"`   // the signal wrote a core dump
	Source string         `json:"source"`           // the file or call the status comes from; if it is not known, why
}

// ExitCode is the status as a shell's $?: 128+n for signal n, and 1 for a
// status nobody knows.
func (s ExitStatus) ExitCode() int {
	switch {
	case !s.Known:
		return 1
	case s.Signal != 0:
		return 128 + int(s.Signal)
	}
	return s.Code
}

// String returns "exit 7", "signal 9 (killed)" or "unknown".
func (s ExitStatus) String() string {
	switch {
	case !s.Known:
		return "unknown"
	case s.Signal != 0:
		return fmt.Sprintf("signal %d (%v)", int(s.Signal), s.Signal)
	}
	return fmt.Sprintf("exit %d", s.Code)
}

// decode turns a wait status, as wait(2) gives it, into an ExitStatus.
func decode(wait uint32, source string) ExitStatus {
	ws := syscall.WaitStatus(wait)
	s := ExitStatus{Known: true, Source: source}
	if ws.Signaled() {
		s.Signal, s.Core = ws.Signal(), ws.CoreDump()
	} else {
		s.Code = ws.ExitStatus()
	}
	return s
}

// Wait blocks until every thread of the process has exited, and returns its
// status. An unknown status is a result, not an error. The error is the
// context's when that ended first (a later Wait goes on), or os.ErrClosed.
func (p *Process) Wait(ctx context.Context) (ExitStatus, error) {
	if err := p.poll(ctx, unix.POLLIN|unix.POLLHUP); err != nil {
		return ExitStatus{}, err
	}
	if s, ok := p.zombieStatus(); ok {
		return s, nil
	}
	grace, cancel := context.WithTimeout(ctx, ReapGrace)
	defer cancel()
	err := p.poll(grace, unix.POLLHUP)
	if ctx.Err() != nil || errors.Is(err, os.ErrClosed) {
		return ExitStatus{}, err
	}
	return p.collectedStatus(), nil
}

// poll waits until the pidfd shows one of the events, or the context ends.
func (p *Process) poll(ctx context.Context, events int16) error {
	conn, err := p.pidfd.SyscallConn()
	if err != nil {
		return err
	}
	p.pidfd.SetReadDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { p.pidfd.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var pollErr error
	err = conn.Read(func(fd uintptr) bool {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		_, pollErr = unix.Poll(fds, 0)
		if errors.Is(pollErr, unix.EINTR) {
			pollErr = nil
		}
		return pollErr != nil || fds[0].Revents&events != 0
	})
	switch {
	case p.closed.Load():
		return fmt.Errorf("wait for process %d: %w", p.pid, os.ErrClosed)
	case pollErr != nil:
		return fmt.Errorf("poll process %d: %w", p.pid, pollErr)
	case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("wait for process %d: %w", p.pid, err)
	}
	return nil
}

// zombieStatus reads the status of an exited process that was not collected.
// The kernel shows 0 in field 52 to whoever may not trace the process. The
// io file is guarded by the same check, so a 0 counts only if io answers.
func (p *Process) zombieStatus() (ExitStatus, bool) {
	const source = "/proc/PID/stat"
	var buf [1024]byte
	n, err := unix.Pread(int(p.stat.Fd()), buf[:], 0)
	if err != nil {
		return ExitStatus{}, false
	}
	st, err := parseStat(buf[:n])
	if err != nil || st.state != 'Z' && st.state != 'X' {
		return ExitStatus{}, false
	}
	if st.exit != 0 {
		return decode(st.exit, source), true
	}
	if p.io == nil {
		return ExitStatus{}, false
	}
	if _, err := unix.Pread(int(p.io.Fd()), buf[:1], 0); err != nil {
		return ExitStatus{}, false
	}
	return decode(0, source), true
}
