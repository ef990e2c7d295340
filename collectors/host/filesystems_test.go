//go:build linux

package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

func newSchema() *sample.Schema { return sample.NewSchema(0) }

func TestFindFollowsLinksAndStopsAtWhatMayBlock(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"data/sets", "mnt/nfs"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"d": "/data", "sets": "data/sets", "n": "/mnt/nfs/deep", "data/up": "../mnt/nfs", "loop": "/loop", "mnt/nfs/trap": "/data"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	mounts := []mount{
		{point: "/", fstype: "overlay", source: "overlay"},
		{point: "/data", fstype: "xfs", source: "/dev/old"},
		{point: "/data", fstype: "ext4", source: "/dev/sdb1"},
		{point: "/mnt/nfs", fstype: "nfs4", source: "filer:/x"},
	}
	c := &filesystems{root: root}
	for path, want := range map[string]string{
		"/": "overlay", "/etc": "overlay", "/database": "overlay", "/data": "/dev/sdb1", "/data/sets/": "/dev/sdb1",
		"/d/sets": "/dev/sdb1", "/sets/../sets": "/dev/sdb1", "/n/a/b": "filer:/x", "/data/up": "filer:/x",
		"/mnt/nfs/trap/x": "filer:/x", // the link below the mount is not read
		"/loop":           "none",
	} {
		m, ok := c.find(mounts, path)
		if !ok {
			m.source = "none"
		}
		if m.source != want {
			t.Errorf("find(%s): got %s, want %s", path, m.source, want)
		}
	}
}

func TestWhichFilesystems(t *testing.T) {
	m := newMachine(t, "numa64")
	table := newMountTable(mountinfoPath(m.cfg.Proc, "self"))
	defer table.close()
	c := &filesystems{mounts: table, dev: m.cfg.Dev, asked: []string{"/ro", "/data/sub", "/scratch"}, calls: calls{statfs: m.statfs, isDir: m.isDir}}
	var points []string
	for _, t := range c.local() {
		points = append(points, t.point+" "+t.mode)
	}
	if got, want := strings.Join(points, ", "), "/ro ro, /data/sub rw, /home dir rw, /dev/shm rw"; got != want {
		t.Errorf("local: got %s, want %s", got, want)
	}
	if b := c.blocking(); len(b) != 1 || b[0].point != "/scratch" || b[0].fstype != "lustre" {
		t.Errorf("blocking: got %+v", b)
	}
}

// Seen to fail with reload taking whatever parseMounts returned.
func TestMountsOfADeadProcessStay(t *testing.T) {
	m := newMachine(t, "vm2")
	table := newMountTable(filepath.Join(m.root, "proc/self/mountinfo"))
	defer table.close()
	before, v := table.get()
	if len(before) < 5 || v == 0 {
		t.Fatalf("fixture: %d mounts at version %d", len(before), v)
	}
	table.changed = func(int) bool { return true }
	for _, content := range []string{"", "garbage\n"} {
		m.write("proc/self/mountinfo", content)
		err := table.refresh()
		if after, v2 := table.get(); len(after) != len(before) || v2 == v || (err == nil) != (content == "") {
			t.Errorf("table now %q: got %d mounts, %v; want the %d of before", content, len(after), err, len(before))
		}
	}
	m.write("proc/self/mountinfo", "24 22 259:1 / /new rw - vfat /dev/nvme0n1p1 rw\n")
	if err := table.refresh(); err != nil {
		t.Error(err)
	}
	if after, _ := table.get(); len(after) != 1 || after[0].point != "/new" {
		t.Errorf("new table: got %+v", after)
	}
}

func TestMountPollSeesNoChangeWithoutOne(t *testing.T) {
	table := newMountTable("/proc/self/mountinfo")
	defer table.close()
	list, v := table.get()
	if len(list) == 0 || list[0].point == "" {
		t.Fatalf("mounts of this process: got %v", list)
	}
	if err := table.refresh(); err != nil {
		t.Error(err)
	}
	if _, v2 := table.get(); v2 > v+1 { // another process may mount something once
		t.Errorf("version went from %d to %d", v, v2)
	}
}

func TestFacts(t *testing.T) {
	m := newMachine(t, "numa64")
	cfg, err := m.cfg.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	var medium *Medium
	for _, s := range sources(cfg, calls{statfs: m.statfs, isDir: m.isDir}) {
		if c, ok := s.Collector.(*Medium); ok {
			medium = c
		}
	}
	defer medium.Close()
	var f sample.Facts
	if err := medium.Probe(&f); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(f.OS, "Linux-"+f.Kernel+"-") || f.Kernel == "" || f.Hostname == "" {
		t.Errorf("system: got OS %q, kernel %q, host %q", f.OS, f.Kernel, f.Hostname)
	}
	if f.BootID != "11111111-2222-4333-8444-555555555555" || !f.BootTime.Equal(time.Unix(1700000000, 0)) {
		t.Errorf("boot: got %q at %v", f.BootID, f.BootTime)
	}
	if f.CPUModel != "Intel(R) Xeon(R) Platinum 8462Y+" || f.CPULogical != 62 || f.CPUPhysical != 32 {
		t.Errorf("CPU: got %q, %d logical, %d physical", f.CPUModel, f.CPULogical, f.CPUPhysical)
	}
	if f.MemoryTotal != 1056690340*1024 || len(f.Disks) != 1 || f.Disks["/"] != (sample.Disk{Total: 4096000, Used: 2457600}) {
		t.Errorf("memory and disks: got %d, %v", f.MemoryTotal, f.Disks)
	}
}

func TestPlatform(t *testing.T) {
	if got := platform("Linux", "6.12.0", "x86_64", "glibc2.36"); got != "Linux-6.12.0-x86_64-with-glibc2.36" {
		t.Errorf("platform: got %q", got)
	}
	if got := platform("Linux", "6.12.0", "x86_64", ""); got != "Linux-6.12.0-x86_64" {
		t.Errorf("platform without a known C library: got %q", got)
	}
	if got := glibcVersion([]byte("\x00GNU C Library (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36.\nCopyright")); got != "2.36" {
		t.Errorf("glibcVersion: got %q", got)
	}
	if got := glibcVersion([]byte("musl libc (x86_64)")); got != "" {
		t.Errorf("glibcVersion of musl: got %q", got)
	}
}
