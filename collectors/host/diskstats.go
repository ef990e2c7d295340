//go:build linux

package host

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/internal/counter"
	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// sectorBytes is the sector of /proc/diskstats and of sysfs, whatever the
// device's own is.
const sectorBytes = 512

// How many numbers follow the name: since Linux 2.6, 4.18 (discard) and 5.5
// (flush).
const (
	diskBase    = 11
	diskDiscard = 15
	diskFlush   = 17
)

// diskFields are the cumulative numbers after the name, by column from 0.
var diskFields = []struct {
	column            int
	metric, direction string
	per               float64
	wraps             bool // printed as 32 bits
}{
	{0, "system.disk.operations", "read", 1, false},
	{1, "system.disk.merged", "read", 1, false},
	{2, "system.disk.io", "read", 1.0 / sectorBytes, false},
	{3, "system.disk.operation_time", "read", 1000, true},
	{4, "system.disk.operations", "write", 1, false},
	{5, "system.disk.merged", "write", 1, false},
	{6, "system.disk.io", "write", 1.0 / sectorBytes, false},
	{7, "system.disk.operation_time", "write", 1000, true},
	{9, "system.disk.io_time", "", 1000, true},
	{10, "system.disk.weighted_io_time", "", 1000, true},
	{11, "system.linux.disk.discard.operations", "", 1, false},
	{12, "system.linux.disk.discard.merged", "", 1, false},
	{13, "system.linux.disk.discard.io", "", 1.0 / sectorBytes, false},
	{14, "system.linux.disk.discard.time", "", 1000, true},
	{15, "system.linux.disk.flush.operations", "", 1, false},
	{16, "system.linux.disk.flush.time", "", 1000, true},
}

// columnPending is the one number that is not cumulative.
const columnPending = 8

// diskstats reads /proc/diskstats. Whole disks and mounted partitions have
// series, loop, ram and zram devices never.
type diskstats struct {
	file   file
	sys    string
	mounts *mountTable
	seen   uint64 // version of the mount table that disks was made for
	roster roster
	disks  []disk // by slot
}

// disk is one line of the file.
type disk struct {
	id       devID
	name     string
	wanted   bool // has series
	counters []*counter.Counter
	pending  sample.Ref
	limit    sample.Ref
	size     float64 // bytes; 0 unknown
}

func newDiskstats(path, sys string, mounts *mountTable) *diskstats {
	return &diskstats{file: file{path: path}, sys: sys, mounts: mounts}
}

func (d *diskstats) describe(r *registrar) error {
	b, err := d.file.read(&r.buf)
	if err != nil {
		return err
	}
	mounts, version := d.mounts.get()
	first := d.roster.index == nil
	var names [][]byte
	var disks []disk
	var line []byte
	for len(b) > 0 {
		line, b = procfile.Line(b)
		l, err := parseDisk(line)
		if err != nil {
			return err
		}
		k := disk{id: l.id, name: string(l.name)}
		if k.wanted = d.wants(&k, mounts); k.wanted {
			d.describeDisk(r, &k, l.n, !first && !d.roster.has(l.name))
		}
		names, disks = append(names, bytes.Clone(l.name)), append(disks, k)
	}
	d.disks, d.seen = disks, version
	d.roster.set(names)
	return nil
}

// describeDisk adds the series that a line of n numbers has.
func (d *diskstats) describeDisk(r *registrar, k *disk, n int, isNew bool) {
	name := label([]byte(k.name))
	for _, f := range diskFields {
		if f.column >= n {
			break
		}
		k.counters = append(k.counters, r.counter(counter.Rule{Wrap32: f.wraps}, f.per, isNew, f.metric, name, f.direction))
	}
	k.pending = r.gauge("system.disk.pending_operations", name)
	if k.size = d.size(k.name); k.size > 0 {
		k.limit = r.gauge("system.disk.limit", name)
	}
}

// size returns the bytes of a device from sysfs, 0 when that does not say.
func (d *diskstats) size(name string) float64 {
	b, err := os.ReadFile(filepath.Join(d.sys, "class/block", sysName(name), "size"))
	if err != nil {
		return 0
	}
	sectors, _, _ := procfile.Uint(b)
	return float64(sectors) * sectorBytes
}

// sysName is the name of a device in sysfs, which cannot hold a slash.
func sysName(name string) string { return strings.ReplaceAll(name, "/", "!") }

// wants reports whether a device has series: not in memory or loop, and a
// whole disk or mounted. Where sysfs does not tell disks from partitions all
// have.
func (d *diskstats) wants(k *disk, mounts []mount) bool {
	for _, prefix := range [...]string{"loop", "ram", "zram"} {
		if rest, ok := strings.CutPrefix(k.name, prefix); ok && strings.Trim(rest, "0123456789") == "" {
			return false
		}
	}
	if _, err := os.Stat(filepath.Join(d.sys, "class/block", sysName(k.name), "partition")); err != nil {
		return true
	}
	for i := range mounts {
		if m := &mounts[i]; m.id == k.id || m.source == "/dev/"+k.name {
			return true
		}
	}
	return false
}

func (d *diskstats) collect(t *tick) error {
	if d.mounts.version.Load() != d.seen && d.mountsMatter() {
		return sample.ErrChanged
	}
	b, err := d.file.read(&t.buf)
	if err != nil {
		return err
	}
	d.roster.begin()
	var line []byte
	for pos := 0; len(b) > 0; pos++ {
		line, b = procfile.Line(b)
		_, name, _, _ := diskName(line)
		slot, again := d.roster.match(pos, name)
		if slot < 0 {
			return sample.ErrChanged
		}
		if k := &d.disks[slot]; k.wanted && !again {
			if err := k.put(t, line); err != nil {
				return err
			}
		}
	}
	if !d.roster.complete() {
		return sample.ErrChanged
	}
	return nil
}

// mountsMatter reports whether the mounts changed so that other devices have
// series now.
func (d *diskstats) mountsMatter() bool {
	mounts, version := d.mounts.get()
	d.seen = version
	for i := range d.disks {
		if k := &d.disks[i]; d.wants(k, mounts) != k.wanted {
			return true
		}
	}
	return false
}

func (k *disk) put(t *tick, line []byte) error {
	l, err := parseDisk(line)
	if err != nil {
		return err
	}
	for i, c := range k.counters {
		if column := diskFields[i].column; column < l.n {
			c.Put(t.f, t.schema, t.prev, l.v[column])
		}
	}
	t.f.Put(k.pending, float64(l.v[columnPending]))
	if k.size > 0 {
		t.f.Put(k.limit, k.size)
	}
	return nil
}

func (d *diskstats) close() { d.file.close() }
