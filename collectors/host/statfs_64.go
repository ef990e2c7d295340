//go:build linux && !(386 || arm || mips || mipsle)

package host

import (
	"syscall"
	"unsafe"
)

// rawPath is a path as the kernel takes it, made once: syscall.Statfs would
// make it again on every tick.
type rawPath struct{ b []byte }

func newRawPath(path string) *rawPath { return &rawPath{b: append([]byte(path), 0)} }

// statfs calls statfs(2). It goes through Syscall and not RawSyscall, so that
// the runtime can go on with other goroutines while it blocks.
func statfs(path *rawPath, into *syscall.Statfs_t) error {
	_, _, errno := syscall.Syscall(syscall.SYS_STATFS, uintptr(unsafe.Pointer(&path.b[0])), uintptr(unsafe.Pointer(into)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}
