//go:build linux

package host

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// mount is one line of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
type mount struct {
	id       devID
	point    string // mount point as the process sees it
	fstype   string
	source   string // device, or what the filesystem calls it
	readonly bool   // of the mount or of the filesystem
}

// parseMount reads a line:
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
func parseMount(line []byte) (m mount, err error) {
	ahead, behind, found := bytes.Cut(line, []byte(" - "))
	rest := procfile.Skip(ahead, 2)
	var ok1, ok2 bool
	m.id.major, rest, ok1 = procfile.Uint(rest)
	if ok1 && len(rest) > 0 && rest[0] == ':' {
		m.id.minor, rest, ok2 = procfile.Uint(rest[1:])
	}
	point, rest := procfile.Field(procfile.Skip(rest, 1))
	options, _ := procfile.Field(rest)
	fstype, behind := procfile.Field(behind)
	source, behind := procfile.Field(behind)
	super, _ := procfile.Field(behind)
	if !found || !ok2 || len(point) == 0 || len(fstype) == 0 {
		return m, fmt.Errorf("parse mountinfo line %q: no mount", line)
	}
	m.point, m.fstype, m.source = unescape(point), unescape(fstype), unescape(source)
	m.readonly = hasOption(options, "ro") || hasOption(super, "ro")
	return m, nil
}

// parseMounts reads the file; lines it cannot read are left out and the first
// of their errors returned.
func parseMounts(b []byte) (mounts []mount, err error) {
	var line []byte
	for len(b) > 0 {
		line, b = procfile.Line(b)
		m, bad := parseMount(line)
		if bad == nil {
			mounts = append(mounts, m)
		} else if err == nil {
			err = bad
		}
	}
	return mounts, err
}

// unescape undoes the octal escapes of space, tab, newline, backslash and #.
func unescape(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b)
	}
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		if b[0] == '\\' && len(b) >= 4 && octal(b[1]) && octal(b[2]) && octal(b[3]) && b[1] <= '3' {
			out = append(out, (b[1]-'0')<<6|(b[2]-'0')<<3|(b[3]-'0'))
			b = b[4:]
			continue
		}
		out, b = append(out, b[0]), b[1:]
	}
	return string(out)
}

func octal(c byte) bool { return c >= '0' && c <= '7' }

func hasOption(list []byte, option string) bool {
	for o := range bytes.SplitSeq(list, []byte(",")) {
		if string(o) == option {
			return true
		}
	}
	return false
}

// at returns the mount that holds path, which is absolute and clean: of those
// on the longest mount point the newest one.
func at(mounts []mount, path string) (m mount, ok bool) {
	for _, c := range mounts {
		if (!ok || len(c.point) >= len(m.point)) && within(path, c.point) {
			m, ok = c, true
		}
	}
	return m, ok
}

func within(path, dir string) bool {
	return dir == "/" || path == dir || strings.HasPrefix(path, dir+"/")
}

// mountTable is the mounts of one process, shared by the tiers. It is read
// again only when the kernel says that it changed.
type mountTable struct {
	version atomic.Uint64 // grows with every change of mounts; 0 before the first reading
	changed func(fd int) bool

	mu     sync.Mutex // guards all below
	file   file
	buf    procfile.Buffer
	mounts []mount // replaced as a whole, never changed
	err    error   // of the newest reading
}

func newMountTable(path string) *mountTable {
	return &mountTable{file: file{path: path}, changed: mountsChanged}
}

// get returns the mounts with their version. The slice is shared: callers do
// not change it.
func (t *mountTable) get() ([]mount, uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.version.Load() == 0 {
		t.reload()
	}
	return t.mounts, t.version.Load()
}

// refresh reads the table again if it changed and returns the error of the
// newest reading.
func (t *mountTable) refresh() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file.f == nil || t.changed(t.file.f.Fd()) {
		t.reload()
	}
	return t.err
}

// reload reads the table. What was read before stays when there is nothing to
// read any more, because the process is gone.
func (t *mountTable) reload() {
	var list []mount
	b, err := t.file.read(&t.buf)
	if err == nil {
		list, err = parseMounts(b)
	}
	if len(list) > 0 {
		t.mounts = list
	}
	t.err = err
	t.version.Add(1)
}

func (t *mountTable) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.file.close()
}

// mountsChanged asks the kernel whether the mounts behind an open mountinfo
// changed since the last time; asking takes the news away.
func mountsChanged(fd int) bool {
	fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}
	n, err := unix.Poll(fds[:], 0)
	return err == nil && n > 0 && fds[0].Revents&(unix.POLLPRI|unix.POLLERR) != 0
}

// mountinfoPath returns the file for a process, or for this one when pid is 0.
func mountinfoPath(proc, pid string) string { return filepath.Join(proc, pid, "mountinfo") }
