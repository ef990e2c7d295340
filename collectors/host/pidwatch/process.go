//go:build linux

package pidwatch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// ErrNotFound is returned (wrapped, with the number) by Open when no process
// has the number, or when it went away while it was being opened.
var ErrNotFound = errors.New("no such process")

// Process is one process, whatever happens to its number. One goroutine may
// be in Wait; the other methods may be called from any.
type Process struct {
	pid   int
	start uint64
	pidfd *os.File // in the runtime's poller
	stat  *os.File // kept: answers ESRCH once the process was collected
	io    *os.File // kept, may be nil: readable exactly when field 52 of stat is true

	closed atomic.Bool
}

// Open holds the process that has the number pid now, in our pid namespace.
// A process that has exited but was not collected yet can be opened; Wait
// then returns at once. The error wraps ErrNotFound when there is none.
// Nobody's permission is needed, not even for other users' processes, unless
// /proc hides them (mount option hidepid).
func Open(pid int) (*Process, error) {
	if pid <= 0 {
		return nil, fmt.Errorf("open process %d: %w", pid, ErrNotFound)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("open process %d: %w", pid, openError(pid, err))
	}
	// Not by a flag of pidfd_open, which kernels before 5.10 refuse.
	unix.SetNonblock(fd, true)
	p := &Process{pid: pid, pidfd: os.NewFile(uintptr(fd), "pidfd:"+strconv.Itoa(pid))}
	if err := p.openFiles(); err != nil {
		p.Close()
		return nil, fmt.Errorf("open process %d: %w", pid, err)
	}
	return p, nil
}

// OpenAt is Open for a process whose start time is known: one that has the
// number but started at another time is not it, and the error wraps
// ErrNotFound. startTicks is what StartTicks returns.
func OpenAt(pid int, startTicks uint64) (*Process, error) {
	p, err := Open(pid)
	if err != nil {
		return nil, err
	}
	if p.start != startTicks {
		p.Close()
		return nil, fmt.Errorf("open process %d: %w: the number now belongs to another process", pid, ErrNotFound)
	}
	return p, nil
}

// openFiles opens the process's files by number. The number may have been
// given to another process since pidfd_open; it was not if the process behind
// the pidfd is still there afterwards.
func (p *Process) openFiles() error {
	dir := "/proc/" + strconv.Itoa(p.pid)
	f, err := os.Open(dir + "/stat")
	if err != nil {
		return p.hiddenOrGone(err)
	}
	p.stat = f
	var buf [1024]byte
	n, err := unix.Pread(int(f.Fd()), buf[:], 0)
	if err != nil {
		return p.hiddenOrGone(err)
	}
	st, err := parseStat(buf[:n])
	if err != nil {
		return err
	}
	p.start = st.start
	if f, err := os.Open(dir + "/io"); err == nil {
		p.io = f
	}
	if !p.present() {
		return ErrNotFound
	}
	return nil
}

// present reports whether the process still has its number: it lives, or it
// is a zombie.
func (p *Process) present() bool {
	err := unix.PidfdSendSignal(int(p.pidfd.Fd()), 0, nil, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}

// hiddenOrGone explains why a file of the process could not be had.
func (p *Process) hiddenOrGone(err error) error {
	gone := errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)
	switch {
	case gone && !p.present():
		return ErrNotFound
	case gone:
		return fmt.Errorf("%w in /proc: it is hidden from this user (mount option hidepid)", ErrNotFound)
	}
	return err
}

// openError turns pidfd_open's error into one that says what to do.
func openError(pid int, err error) error {
	switch {
	case errors.Is(err, unix.ESRCH):
		return ErrNotFound
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT):
		// A thread that does not lead its process (ENOENT on recent
		// kernels), or a process in the middle of dying.
		if leader, ok := leaderOf(pid); ok && leader != pid {
			return fmt.Errorf("%w: %d is a thread of process %d", ErrNotFound, pid, leader)
		}
		return ErrNotFound
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
		return fmt.Errorf("pidfd_open (needs Linux 5.3 and a container profile that allows it): %w", err)
	}
	return fmt.Errorf("pidfd_open: %w", err)
}

// Pid returns the number the process had when it was opened.
func (p *Process) Pid() int { return p.pid }

// StartTicks returns when the process started, in clock ticks (normally
// 1/100 s) since boot: field 22 of /proc/PID/stat. Number and start time
// together name a process until the next boot.
func (p *Process) StartTicks() uint64 { return p.start }

// Close lets go of the process and ends a Wait that is still waiting.
func (p *Process) Close() error {
	p.closed.Store(true)
	var errs []error
	for _, f := range []*os.File{p.pidfd, p.stat, p.io} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
