//go:build linux

package pidwatch

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pidfdInfo is the first published form of struct pidfd_info
// (include/uapi/linux/pidfd.h, 64 bytes).
type pidfdInfo struct {
	mask                                           uint64
	cgroupID                                       uint64
	pid, tgid, ppid                                uint32
	ruid, rgid, euid, egid, suid, sgid, fsuid, gid uint32
	exitCode                                       int32
}

// getInfo is _IOWR(PIDFS_IOCTL_MAGIC, 11, struct pidfd_info). The size is part
// of the request; the kernel accepts every size from 64 bytes on.
const getInfo = 3<<30 | unsafe.Sizeof(pidfdInfo{})<<16 | 0xFF<<8 | 11

// collectedStatus asks the kernel for the status that it keeps for a process
// which its parent has collected: Linux 6.15 and later.
func (p *Process) collectedStatus() ExitStatus {
	info := pidfdInfo{mask: unix.PIDFD_INFO_EXIT}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, p.pidfd.Fd(), getInfo, uintptr(unsafe.Pointer(&info)))
	switch {
	case errno != 0:
		return ExitStatus{Source: fmt.Sprintf("the kernel does not tell it (PIDFD_GET_INFO, needs Linux 6.15: %v)", errno)}
	case info.mask&unix.PIDFD_INFO_EXIT == 0 && p.present():
		return ExitStatus{Source: "its parent has not collected it, and we may not trace it"}
	case info.mask&unix.PIDFD_INFO_EXIT == 0:
		return ExitStatus{Source: "the kernel does not keep it (PIDFD_INFO_EXIT, needs Linux 6.15)"}
	}
	return decode(uint32(info.exitCode), "PIDFD_INFO_EXIT")
}

// KnowsEveryStatus reports whether this kernel tells the exit status of any
// process that is watched, whoever collects it: PIDFD_INFO_EXIT came with
// Linux 6.15.
func KnowsEveryStatus() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	var major, minor int
	if n, _ := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); n < 2 {
		return false
	}
	return major > 6 || major == 6 && minor >= 15
}
