//go:build linux

// Package pidfd answers one question about a process that need not be our
// child: has it exited? It holds the process by a descriptor, so a number that
// was given to another process changes nothing (pidfd_open(2), Linux 5.3).
//
//	Open ─▶ pidfd_open ──refused, or another pid namespace──▶ kept /proc/PID/stat
//	Exited ◀─ poll(2), timeout 0                                 └─▶ pread: gone?
//
// It is for ticks: it never waits, never allocates, works without pidfds and
// below any proc mount. To wait for the end and to learn the status use
// collectors/host/pidwatch, which needs pidfds and our own pid namespace.
package pidfd

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// Handle holds one process. It is for one goroutine at a time.
type Handle struct {
	fd   int            // -1 where the kernel gave no pidfd
	stat *procfile.File // stands in for the pidfd; nil otherwise
	buf  procfile.Buffer
}

// Open holds the process called pid below the proc mount. Where pidfd_open is
// refused (an old kernel, a seccomp filter) or would speak of another pid
// namespace (foreign), the kept stat file answers instead.
func Open(proc string, pid int, foreign bool) (*Handle, error) {
	if !foreign {
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			return &Handle{fd: fd}, nil
		}
	}
	f, err := procfile.Open(proc + "/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil, fmt.Errorf("hold process %d: %w", pid, err)
	}
	return &Handle{fd: -1, stat: f}, nil
}

// Exited reports whether all threads of the process have exited; reaped or not.
// Without a pidfd only a reaped process counts as exited. It does not block
// and does not allocate.
func (h *Handle) Exited() bool {
	if h.fd < 0 {
		_, err := h.stat.ReadOnce(&h.buf)
		return err != nil
	}
	p := [1]unix.PollFd{{Fd: int32(h.fd), Events: unix.POLLIN}}
	n, err := unix.Poll(p[:], 0)
	return err == nil && n == 1
}

// Close lets go of the process.
func (h *Handle) Close() error {
	if h.fd >= 0 {
		fd := h.fd
		h.fd = -1
		return unix.Close(fd)
	}
	return h.stat.Close()
}
