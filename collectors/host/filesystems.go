//go:build linux

package host

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// localTypes are the filesystems whose statfs answers from memory. Everything
// else is taken for one that may block: NFS, CIFS, Lustre, FUSE and whatever
// comes.
var localTypes = []string{"bcachefs", "btrfs", "devtmpfs", "erofs", "exfat", "ext2", "ext3", "ext4", "f2fs", "hfsplus",
	"iso9660", "jfs", "nilfs2", "ntfs3", "overlay", "ramfs", "reiserfs", "rootfs", "squashfs", "tmpfs", "udf", "ufs", "vfat", "xfs", "zfs"}

// imageTypes are read-only images: always full, so listed only when asked for.
var imageTypes = []string{"erofs", "iso9660", "squashfs", "udf"}

// filesystems chooses what to measure among the mounts of the followed
// process: every local filesystem on a disk once, the paths asked for, and
// /dev/shm.
type filesystems struct {
	mounts *mountTable
	root   string // of the followed process as this process sees it, "" when the same
	dev    string // where devtmpfs is
	asked  []string
	calls  calls
}

// local returns what can be measured without the danger of blocking.
func (c *filesystems) local() []target {
	mounts, _ := c.mounts.get()
	var list []target
	for _, path := range c.asked {
		if m, ok := c.find(mounts, path); ok && isLocal(&m) {
			list = appendTarget(list, c.target(&m, path))
		}
	}
	seen := make(map[devID]bool)
	for i := range mounts {
		m := &mounts[i]
		if onDisk(m) && !seen[m.id] && c.calls.isDir(c.root+m.point) {
			seen[m.id] = true
			if !hasDevice(list, m) {
				list = appendTarget(list, c.target(m, m.point))
			}
		}
	}
	if m, ok := at(mounts, "/dev/shm"); ok && m.fstype == "tmpfs" {
		t := c.target(&m, "/dev/shm")
		t.path = c.root + filepath.Join(c.dev, "shm")
		list = appendTarget(list, t)
	}
	return list
}

// blocking returns the paths asked for on filesystems that may block. It
// itself touches only local ones.
func (c *filesystems) blocking() []target {
	mounts, _ := c.mounts.get()
	var list []target
	for _, path := range c.asked {
		if m, ok := c.find(mounts, path); ok && !isLocal(&m) {
			list = appendTarget(list, c.target(&m, path))
		}
	}
	return list
}

// target is the measurement of path on mount m; the label is the path as it
// was asked for.
func (c *filesystems) target(m *mount, path string) target {
	mode := "rw"
	if m.readonly {
		mode = "ro"
	}
	return target{path: c.root + path, point: label([]byte(path)), device: label([]byte(m.source)), fstype: label([]byte(m.fstype)), mode: mode}
}

// find returns the mount that path is on, symbolic links followed. It stops at
// the first component on a filesystem that may block: nothing below a dead NFS
// mount is touched.
func (c *filesystems) find(mounts []mount, path string) (m mount, ok bool) {
	path = filepath.Clean(path)
	const maxLinks = 40 // as the kernel's own limit
	for range maxLinks {
		link, to := "", ""
		for _, prefix := range prefixes(path) {
			if m, ok = at(mounts, prefix); !ok || !isLocal(&m) {
				return m, ok
			}
			if dest, err := os.Readlink(c.root + prefix); err == nil {
				link, to = prefix, dest
				break
			}
		}
		if link == "" {
			return m, ok
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(link), to)
		}
		path = filepath.Join(to, strings.TrimPrefix(path, link))
	}
	return mount{}, false
}

// prefixes returns /, /a, /a/b for /a/b.
func prefixes(path string) []string {
	list := []string{"/"}
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			list = append(list, path[:i])
		}
	}
	if path != "/" {
		list = append(list, path)
	}
	return list
}

func isLocal(m *mount) bool { return slices.Contains(localTypes, m.fstype) }

// onDisk reports whether a mount that nobody asked for is worth listing.
func onDisk(m *mount) bool {
	return isLocal(m) && !slices.Contains(imageTypes, m.fstype) && (strings.HasPrefix(m.source, "/dev/") || m.fstype == "zfs") && m.fstype != "devtmpfs"
}

// isDir leaves out the single files that container runtimes mount.
func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// hasDevice reports whether the filesystem of m is listed under another mount
// point already: bind mounts and sub-volumes repeat it.
func hasDevice(list []target, m *mount) bool {
	return slices.ContainsFunc(list, func(t target) bool { return t.device == label([]byte(m.source)) })
}

func appendTarget(list []target, t target) []target {
	if slices.ContainsFunc(list, func(o target) bool { return o.point == t.point }) {
		return list
	}
	return append(list, t)
}
