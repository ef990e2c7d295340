package cgroup

import (
	"bytes"
	"os"
	"path"
	"strings"

	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// entry is one line of /proc/PID/cgroup (cgroups(7)).
type entry struct {
	controllers string // comma-separated; "" is the v2 hierarchy
	path        string
}

// parseCgroup reads /proc/PID/cgroup. A path may hold colons.
func parseCgroup(b []byte) []entry {
	var list []entry
	for len(b) > 0 {
		var line []byte
		line, b = procfile.Line(b)
		_, rest, ok := bytes.Cut(line, []byte{':'})
		controllers, p, ok2 := bytes.Cut(rest, []byte{':'})
		if ok && ok2 && len(p) > 0 && p[0] == '/' {
			list = append(list, entry{string(controllers), strings.TrimSuffix(string(p), " (deleted)")})
		}
	}
	return list
}

// mount is one line of mountinfo (proc_pid_mountinfo(5)).
type mount struct {
	root, point, fstype, options string
}

// parseMountinfo reads a mountinfo file; lines it does not understand are left
// out.
func parseMountinfo(b []byte) []mount {
	var list []mount
	for len(b) > 0 {
		var line []byte
		line, b = procfile.Line(b)
		head, tail, ok := bytes.Cut(line, []byte(" - "))
		if !ok {
			continue
		}
		root, head := procfile.Field(procfile.Skip(head, 3))
		point, _ := procfile.Field(head)
		fstype, tail := procfile.Field(tail)
		options, _ := procfile.Field(procfile.Skip(tail, 1))
		if len(point) > 0 && len(fstype) > 0 {
			list = append(list, mount{unescape(root), unescape(point), string(fstype), string(options)})
		}
	}
	return list
}

// unescape undoes the octal escapes of mountinfo: \040 is a blank.
func unescape(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b)
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+3 < len(b) && octal(b[i+1]) && octal(b[i+2]) && octal(b[i+3]) {
			out = append(out, (b[i+1]-'0')<<6|(b[i+2]-'0')<<3|(b[i+3]-'0'))
			i += 3
			continue
		}
		out = append(out, b[i])
	}
	return string(out)
}

func octal(c byte) bool { return c >= '0' && c <= '7' }

// place is a group's directory in one hierarchy.
type place struct {
	dir string // of the group
	top string // where the hierarchy is mounted: the highest group we can see
	v2  bool
}

// found reports whether the place exists and is not the root group.
func (p place) found() bool { return p.dir != "" }

// levels returns the directories of the group and of all above it, leaf first.
func (p place) levels() []string {
	if !p.found() {
		return nil
	}
	var list []string
	for dir := p.dir; len(dir) >= len(p.top); dir = path.Dir(dir) {
		list = append(list, dir)
		if dir == p.top {
			break
		}
	}
	return list
}

// locator turns lines of /proc/PID/cgroup into directories.
type locator struct {
	sys    string
	mounts []mount
}

// find returns where the named controller accounts for a process with the given
// entries: its v1 hierarchy if it has one, else the v2 hierarchy if the
// controller has a file there. The root group is not found.
func (l *locator) find(entries []entry, controller, v2File string) place {
	for _, e := range entries {
		if hasWord(e.controllers, controller) {
			p := l.resolve(e, "cgroup", controller)
			if p.found() && exists(p.dir+"/release_agent") {
				return place{} // only the root group of v1 has this file
			}
			return p
		}
	}
	for _, e := range entries {
		if e.controllers != "" {
			continue
		}
		p := l.resolve(e, "cgroup2", "")
		p.v2 = true
		if p.found() && exists(p.dir+"/cgroup.events") && exists(p.dir+"/"+v2File) {
			return p // the root group of v2 has no cgroup.events
		}
	}
	return place{}
}

// resolve maps an entry to a directory below the first mount that shows it.
func (l *locator) resolve(e entry, fstype, controller string) place {
	for _, m := range l.mounts {
		if m.fstype != fstype || (controller != "" && !hasWord(m.options, controller)) {
			continue
		}
		rel, ok := below(e.path, m.root)
		if !ok {
			continue
		}
		top := l.rebase(m.point)
		if dir := path.Join(top, rel); exists(dir) {
			return place{dir: dir, top: top}
		}
	}
	return place{}
}

// rebase moves a mount point below /sys to where sysfs really is.
func (l *locator) rebase(point string) string {
	if rest, ok := strings.CutPrefix(point, "/sys/"); ok {
		return path.Join(l.sys, rest)
	}
	return path.Clean(point)
}

// below returns p relative to root. A path that leads out of what the mount
// shows (a group outside our cgroup namespace) is not below.
func below(p, root string) (string, bool) {
	rel := p
	if root != "/" {
		if !strings.HasPrefix(p, root) || (len(p) > len(root) && p[len(root)] != '/') {
			return "", false
		}
		rel = p[len(root):]
	}
	return rel, !hasDotDot(rel)
}

func hasDotDot(p string) bool {
	for seg := range strings.SplitSeq(p, "/") {
		if seg == ".." {
			return true
		}
	}
	return false
}

func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
