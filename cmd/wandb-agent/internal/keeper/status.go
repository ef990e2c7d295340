package keeper

import (
	"fmt"
	"syscall"
	"time"
)

// Status is how the command ended.
type Status struct {
	Known  bool           `json:"known"`            // false only in a worker that outlived its keeper
	Code   int            `json:"code"`             // 0-255 when it exited by itself
	Signal syscall.Signal `json:"signal,omitempty"` // what killed it, 0 if nothing did
	Core   bool           `json:"core,omitempty"`   // the signal wrote a core dump
	End    time.Time      `json:"end"`              // when that was noticed
}

// ExitCode is the status as a shell's $?: 128+n for signal n, and 1 for a
// status nobody knows.
func (s Status) ExitCode() int {
	switch {
	case !s.Known:
		return 1
	case s.Signal != 0:
		return 128 + int(s.Signal)
	}
	return s.Code
}

// String returns "exit 7", "signal 9 (killed)" or "unknown".
func (s Status) String() string {
	switch {
	case !s.Known:
		return "unknown"
	case s.Signal != 0:
		return fmt.Sprintf("signal %d (%v)", int(s.Signal), s.Signal)
	}
	return fmt.Sprintf("exit %d", s.Code)
}

// siginfo is what waitid(2) tells of a child: siginfo_t with the fields of
// SIGCHLD (sigaction(2)). Its union is aligned like a pointer.
type siginfo struct {
	signo, errno, code int32
	_                  [0]uintptr
	pid                int32
	uid                uint32
	status             int32
	_                  [128]byte
}

// Values of siginfo.code: include/uapi/asm-generic/siginfo.h.
const (
	childExited = 1
	childKilled = 2
	childDumped = 3
)

func statusOf(info *siginfo, end time.Time) Status {
	s := Status{Known: true, End: end}
	switch info.code {
	case childExited:
		s.Code = int(info.status)
	case childKilled, childDumped:
		s.Signal, s.Core = syscall.Signal(info.status), info.code == childDumped
	default:
		s.Known = false
	}
	return s
}

// Result is what Run has to tell beside the command's status.
type Result struct {
	Status   Status
	Started  Started
	Restarts int   // of the worker
	Worker   error // why the worker did not finish the run; nil if it did or there is none
	Log      error // first error of Console or Finish
	LogLost  int64 // console bytes that are not in the log
	Unsent   int64 // bytes that our own stdout or stderr refused (disk full, terminal gone); they are in the log
}
