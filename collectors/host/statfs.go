//go:build linux

package host

import (
	"errors"
	"io/fs"
	"math"
	"syscall"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// usage is what statfs(2) says of one filesystem.
type usage struct {
	total, free, avail uint64 // bytes; avail is free without the reserve of root
	inodes, inodesFree uint64 // 0, 0 where the filesystem has no fixed number
	readonly           bool
}

// statReadonly is ST_RDONLY of statfs(2).
const statReadonly = 1

func newUsage(s *syscall.Statfs_t) usage {
	unit := uint64(s.Frsize)
	if unit == 0 {
		unit = uint64(s.Bsize)
	}
	return usage{
		total: s.Blocks * unit, free: s.Bfree * unit, avail: s.Bavail * unit,
		inodes: s.Files, inodesFree: s.Ffree, readonly: s.Flags&statReadonly != 0,
	}
}

// target is one filesystem to measure. Two targets are equal when their series
// are.
type target struct {
	path   string // given to statfs
	point  string // label
	device string
	fstype string
	mode   string // ro or rw
}

// calls are the system calls on filesystems, replaced in tests.
type calls struct {
	statfs func(path *rawPath, into *syscall.Statfs_t) error // may block for ever
	isDir  func(path string) bool                            // for local filesystems only
}

// realCalls are those of the kernel.
var realCalls = calls{statfs: statfs, isDir: isDir}

// filesystem is the series of one target. It implements reader.
type filesystem struct {
	target
	raw   *rawPath
	calls calls
	st    syscall.Statfs_t

	usage    [3]sample.Ref // used, free, reserved
	limit    sample.Ref
	util     sample.Ref
	inodes   [2]sample.Ref // used, free
	readonly sample.Ref
	failing  sample.Ref
}

func newFilesystem(t target, calls calls) *filesystem {
	return &filesystem{target: t, raw: newRawPath(t.path), calls: calls}
}

func (s *filesystem) describe(r *registrar) error {
	add := func(metric string, state ...string) sample.Ref {
		return r.gauge(metric, append(state, s.point, s.device, s.fstype, s.mode)...)
	}
	for i, state := range [...]string{"used", "free", "reserved"} {
		s.usage[i] = add("system.filesystem.usage", state)
	}
	s.limit = add("system.filesystem.limit")
	s.util = add("system.filesystem.utilization", "used")
	for i, state := range [...]string{"used", "free"} {
		s.inodes[i] = add("system.filesystem.inodes.usage", state)
	}
	s.readonly = add("system.linux.filesystem.readonly")
	s.failing = add("system.linux.filesystem.device_error")
	return nil
}

// collect asks for the usage and puts it. A failure is a series of its own
// beside being returned.
func (s *filesystem) collect(t *tick) error {
	for {
		err := s.calls.statfs(s.raw, &s.st)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			t.f.Put(s.failing, 1)
			return &fs.PathError{Op: "statfs", Path: s.path, Err: err}
		}
		break
	}
	t.f.Put(s.failing, 0)
	u := newUsage(&s.st)
	s.put(t.f, &u)
	return nil
}

func (s *filesystem) put(f *sample.Frame, u *usage) {
	if u.readonly {
		f.Put(s.readonly, 1)
	} else {
		f.Put(s.readonly, 0)
	}
	if u.total > 0 && u.free <= u.total {
		used := u.total - u.free
		f.Put(s.limit, float64(u.total))
		f.Put(s.usage[0], float64(used))
		f.Put(s.usage[1], float64(u.avail))
		if u.avail <= u.free {
			f.Put(s.usage[2], float64(u.free-u.avail))
		}
		if used+u.avail > 0 {
			f.Put(s.util, float64(used)/float64(used+u.avail))
		}
	}
	// Some network filesystems answer with all bits set for "unlimited".
	if u.inodes > 0 && u.inodes < math.MaxInt64 && u.inodesFree <= u.inodes {
		f.Put(s.inodes[0], float64(u.inodes-u.inodesFree))
		f.Put(s.inodes[1], float64(u.inodesFree))
	}
}

func (s *filesystem) close() {}
