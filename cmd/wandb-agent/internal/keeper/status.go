package keeper

import (
	"syscall"

	"github.com/wandb-agent/wandb-agent/collectors/host/pidwatch"
)

// Status is how the command ended. It is not known only to a worker that
// outlived its keeper.
type Status = pidwatch.ExitStatus

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

func statusOf(info *siginfo) Status {
	s := Status{Known: true, Source: "waitid(2)"}
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
	Restarts int      // of the worker
	Said     []string // lines of the worker for the user
	Worker   error    // why the worker did not finish the run; nil if it did or there is none
	Log      error    // first error of Console or Finish
	LogLost  int64    // console bytes that are not in the log
	Unsent   int64    // bytes that our own stdout or stderr refused (disk full, terminal gone); they are in the log
}
