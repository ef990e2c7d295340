//go:build linux

package host

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// Medium is the medium tier. It also knows the static facts of the machine,
// because the fast tier must not wait for any filesystem.
type Medium struct {
	*Collector
	prober
}

// prober reads what does not change from tick to tick.
type prober struct {
	cfg    Config
	choice *filesystems
}

// Probe fills in what is known of system, CPU, memory and disks. What cannot
// be read stays unknown; it returns no error.
func (p prober) Probe(f *sample.Facts) error {
	var u unix.Utsname
	if err := unix.Uname(&u); err == nil {
		f.Kernel = unix.ByteSliceToString(u.Release[:])
		f.Hostname = unix.ByteSliceToString(u.Nodename[:])
		f.OS = platform(unix.ByteSliceToString(u.Sysname[:]), f.Kernel, unix.ByteSliceToString(u.Machine[:]), libcVersion())
	}
	if b, err := os.ReadFile(filepath.Join(p.cfg.Proc, "sys/kernel/random/boot_id")); err == nil {
		f.BootID = string(bytes.TrimSpace(b))
	}
	if b, err := os.ReadFile(filepath.Join(p.cfg.Proc, "stat")); err == nil {
		f.BootTime = bootTime(b)
	}
	if b, err := os.ReadFile(filepath.Join(p.cfg.Proc, "cpuinfo")); err == nil {
		f.CPUModel = cpuModel(b)
	}
	if online, cores, err := readCPUs(p.cfg.Sys); err == nil {
		f.CPULogical, f.CPUPhysical = len(online), cores
	}
	if b, err := os.ReadFile(filepath.Join(p.cfg.Proc, "meminfo")); err == nil {
		keys := newKeyed(':', "MemTotal")
		keys.parse(b)
		kib, _ := keys.get("MemTotal")
		f.MemoryTotal = kib * kibibyte
	}
	p.disks(f)
	return nil
}

// disks adds the local filesystems that were asked for.
func (p prober) disks(f *sample.Facts) {
	for _, t := range p.choice.local() {
		for _, asked := range p.choice.asked {
			if t.point != label([]byte(asked)) {
				continue
			}
			var st syscall.Statfs_t
			if p.choice.calls.statfs(newRawPath(t.path), &st) != nil {
				continue
			}
			u := newUsage(&st)
			if f.Disks == nil {
				f.Disks = make(map[string]sample.Disk)
			}
			f.Disks[asked] = sample.Disk{Total: u.total, Used: u.total - min(u.free, u.total)}
		}
	}
}

// bootTime finds btime in /proc/stat; the zero time when it is not there.
func bootTime(b []byte) time.Time {
	var line []byte
	for len(b) > 0 {
		line, b = procfile.Line(b)
		if rest, ok := bytes.CutPrefix(line, []byte("btime ")); ok {
			if s, _, ok := procfile.Uint(rest); ok && s < 1<<40 {
				return time.Unix(int64(s), 0)
			}
		}
	}
	return time.Time{}
}

// cpuModel finds the name of the CPU in /proc/cpuinfo. Architectures call the
// field differently.
func cpuModel(b []byte) string {
	var line []byte
	for len(b) > 0 {
		line, b = procfile.Line(b)
		key, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		switch string(bytes.TrimSpace(key)) {
		case "model name", "Model Name", "cpu model", "cpu", "uarch":
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

// platform spells the system as Python's platform.platform does:
// Linux-6.12.0-x86_64-with-glibc2.36.
func platform(system, release, machine, libc string) string {
	parts := []string{system, release, machine}
	if libc != "" {
		parts = append(parts, "with-"+libc)
	}
	return strings.ReplaceAll(strings.Join(parts, "-"), " ", "_")
}

// libcPaths are where distributions keep the C library.
var libcPaths = []string{"/lib/*-linux-gnu*/libc.so.6", "/lib64/libc.so.6", "/usr/lib64/libc.so.6", "/usr/lib/libc.so.6", "/lib/libc.so.6"}

// libcVersion returns glibc2.36, or "" where the C library is another.
func libcVersion() string {
	for _, pattern := range libcPaths {
		found, _ := filepath.Glob(pattern)
		for _, path := range found {
			if b, err := os.ReadFile(path); err == nil {
				if v := glibcVersion(b); v != "" {
					return "glibc" + v
				}
			}
		}
	}
	return ""
}

// glibcVersion finds the version in the banner that the library prints when it
// is run: "GNU C Library (...) stable release version 2.36.".
func glibcVersion(b []byte) string {
	const banner, before = "GNU C Library", "release version "
	i := bytes.Index(b, []byte(banner))
	if i < 0 {
		return ""
	}
	b = b[i:min(i+200, len(b))]
	i = bytes.Index(b, []byte(before))
	if i < 0 {
		return ""
	}
	b = b[i+len(before):]
	end := 0
	for end < len(b) && (b[end] == '.' || b[end]-'0' <= 9) {
		end++
	}
	return strings.TrimSuffix(string(b[:end]), ".")
}
