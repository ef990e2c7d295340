//go:build linux && (386 || arm || mips || mipsle)

package host

import "syscall"

// rawPath is a path; systems of 32 bits have several statfs calls, so the
// choice is left to package syscall, which allocates.
type rawPath struct{ s string }

func newRawPath(path string) *rawPath { return &rawPath{s: path} }

func statfs(path *rawPath, into *syscall.Statfs_t) error { return syscall.Statfs(path.s, into) }
