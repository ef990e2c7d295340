//go:build linux

package host

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// cpus reads which CPUs are online, how many cores they are, and how fast.
type cpus struct {
	sys               string
	online            file
	was               []byte // content of online when described
	logical, physical sample.Ref
	counts            [2]int
	speeds            []speed
}

// speed is the frequency of one CPU.
type speed struct {
	file file
	ref  sample.Ref
}

// maxSpeeds bounds how many frequencies are read: each costs a descriptor and,
// on some kernels, an interrupt of the CPU asked about.
const maxSpeeds = 32

// maxCPU bounds the numbers of a CPU list.
const maxCPU = 1 << 16

func newCPUs(sys string) *cpus {
	return &cpus{sys: sys, online: file{path: filepath.Join(sys, "devices/system/cpu/online"), once: true}}
}

// parseCPUList reads a list such as 0-3,8,10-11.
func parseCPUList(b []byte) (list []int, err error) {
	rest := bytes.TrimSpace(b)
	for len(rest) > 0 {
		first, after, ok := procfile.Uint(rest)
		last := first
		if ok && len(after) > 0 && after[0] == '-' {
			last, after, ok = procfile.Uint(after[1:])
		}
		if !ok || last < first || last >= maxCPU || len(list) > maxCPU {
			return nil, fmt.Errorf("parse CPU list %q: bad range", b)
		}
		for n := first; n <= last; n++ {
			list = append(list, int(n))
		}
		if len(after) > 0 && after[0] != ',' {
			return nil, fmt.Errorf("parse CPU list %q: comma expected", b)
		}
		rest = bytes.TrimPrefix(after, []byte(","))
	}
	return list, nil
}

// readCPUs returns the online CPUs and the number of cores they are; 0 cores
// when the kernel does not tell.
func readCPUs(sys string) (online []int, cores int, err error) {
	b, err := os.ReadFile(filepath.Join(sys, "devices/system/cpu/online"))
	if err != nil {
		return nil, 0, err
	}
	if online, err = parseCPUList(b); err != nil {
		return nil, 0, err
	}
	type core struct{ pkg, id string }
	distinct := make(map[core]bool)
	for _, n := range online {
		dir := filepath.Join(sys, "devices/system/cpu/cpu"+strconv.Itoa(n), "topology")
		pkg, err1 := os.ReadFile(filepath.Join(dir, "physical_package_id"))
		id, err2 := os.ReadFile(filepath.Join(dir, "core_id"))
		if err1 == nil && err2 == nil {
			distinct[core{string(pkg), string(id)}] = true
		}
	}
	return online, len(distinct), nil
}

func (c *cpus) describe(r *registrar) error {
	b, err := c.online.read(&r.buf)
	if err != nil {
		return err
	}
	c.was = bytes.Clone(b)
	online, cores, err := readCPUs(c.sys)
	if err != nil {
		return err
	}
	c.counts = [2]int{len(online), cores}
	c.logical = r.gauge("system.cpu.logical.count")
	if cores > 0 {
		c.physical = r.gauge("system.cpu.physical.count")
	}
	c.closeSpeeds()
	for _, n := range online[:min(len(online), maxSpeeds)] {
		s := speed{file: file{path: c.speedPath(n), once: true}}
		if _, err := s.file.read(&r.buf); err != nil {
			s.file.close()
			continue
		}
		s.ref = r.gauge("system.cpu.frequency", strconv.Itoa(n))
		c.speeds = append(c.speeds, s)
	}
	return nil
}

func (c *cpus) speedPath(n int) string {
	return filepath.Join(c.sys, "devices/system/cpu/cpu"+strconv.Itoa(n), "cpufreq/scaling_cur_freq")
}

func (c *cpus) collect(t *tick) error {
	b, err := c.online.read(&t.buf)
	if err != nil {
		return err
	}
	if !bytes.Equal(b, c.was) {
		return sample.ErrChanged
	}
	t.f.Put(c.logical, float64(c.counts[0]))
	if c.counts[1] > 0 {
		t.f.Put(c.physical, float64(c.counts[1]))
	}
	for i := range c.speeds {
		if b, err := c.speeds[i].file.read(&t.buf); err == nil {
			if khz, _, ok := procfile.Uint(b); ok && khz > 0 {
				t.f.Put(c.speeds[i].ref, float64(khz)*1000)
			}
		}
	}
	return nil
}

func (c *cpus) closeSpeeds() {
	for i := range c.speeds {
		c.speeds[i].file.close()
	}
	c.speeds = c.speeds[:0]
}

func (c *cpus) close() {
	c.online.close()
	c.closeSpeeds()
}

// noFrequency is a reader that only finds out why there are no frequencies.
type noFrequency struct{ path string }

func (n noFrequency) describe(*registrar) error {
	_, err := os.Stat(n.path)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errNothing
}

func (noFrequency) collect(*tick) error { return nil }
func (noFrequency) close()              {}
