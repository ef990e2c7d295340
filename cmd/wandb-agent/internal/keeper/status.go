package keeper

import (
	"fmt"
	"os"
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

func statusOf(ps *os.ProcessState, end time.Time) Status {
	s := Status{Known: true, End: end}
	ws, ok := ps.Sys().(syscall.WaitStatus)
	switch {
	case !ok:
		s.Code = ps.ExitCode()
	case ws.Signaled():
		s.Signal, s.Core = ws.Signal(), ws.CoreDump()
	default:
		s.Code = ws.ExitStatus()
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
