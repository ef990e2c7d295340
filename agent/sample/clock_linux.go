package sample

import (
	"syscall"
	"unsafe"
)

// clockBoottime is CLOCK_BOOTTIME of linux/time.h.
const clockBoottime = 7

// boottime reads CLOCK_BOOTTIME in ns; 0 if the kernel refuses.
func boottime() int64 {
	var ts syscall.Timespec
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockBoottime, uintptr(unsafe.Pointer(&ts)), 0)
	if errno != 0 {
		return 0
	}
	return ts.Nano()
}
