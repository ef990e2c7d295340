//go:build linux

package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/internal/pidfd"
	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// Config says whose group to measure. The zero Config is this very process.
type Config struct {
	Proc string // where procfs is mounted; default /proc
	Sys  string // where sysfs is mounted; default /sys
	PID  int    // the followed process; 0 is this process

	Every  time.Duration // fast source; default 1 s
	Medium time.Duration // memory.stat and limits; default 10 s

	Logger *slog.Logger // nil is silent
	Clock  sample.Clock // zero reads CLOCK_BOOTTIME
}

// Cgroup measures the group of one process. Methods are safe for concurrent
// use. It opens no goroutine; Close releases its descriptors.
type Cgroup struct {
	cfg  Config
	dir  string // /proc/PID
	self string // /proc/self

	mu     sync.Mutex // guards all below
	buf    procfile.Buffer
	exit   *pidfd.Handle
	where  []byte // content of /proc/PID/cgroup when last located
	moves  int    // how often the process was found in another group
	groups groups
	limits limits
	facts  sample.Facts
	closed bool
}

// groups are the open files of the controllers, nil where there is none.
type groups struct {
	cpu, memory, pids place

	cpuStat, cpuacct   *procfile.File // cpuacct: v1 only
	memUsage, memStat  *procfile.File
	memPeak, memEvents *procfile.File // memEvents: v1 oom_control
	failcnt            *procfile.File // v1 only
	pidsCount          *procfile.File
}

// Open finds the group of cfg.PID. It fails when there is no such process; a
// process without a group of its own yields sources that put nothing.
func Open(cfg Config) (*Cgroup, error) {
	if cfg.Proc == "" {
		cfg.Proc = "/proc"
	}
	if cfg.Sys == "" {
		cfg.Sys = "/sys"
	}
	if cfg.Every <= 0 {
		cfg.Every = time.Second
	}
	if cfg.Medium <= 0 {
		cfg.Medium = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	link, err := os.Readlink(cfg.Proc + "/self")
	if err != nil {
		return nil, fmt.Errorf("find cgroup of process %d: %w", cfg.PID, err)
	}
	self, _ := strconv.Atoi(link)
	if cfg.PID == 0 {
		cfg.PID = self
	}
	c := &Cgroup{cfg: cfg, dir: cfg.Proc + "/" + strconv.Itoa(cfg.PID), self: cfg.Proc + "/self"}
	if c.exit, err = pidfd.Open(cfg.Proc, cfg.PID, self != os.Getpid()); err != nil {
		return nil, fmt.Errorf("find cgroup of process %d: %w", cfg.PID, err)
	}
	if err := c.relocate(); err != nil {
		return nil, errors.Join(fmt.Errorf("find cgroup of process %d: %w", cfg.PID, err), c.Close())
	}
	return c, nil
}

// CPULimit returns the CPU quota that holds for the process, in CPUs, as of the
// last medium tick; false when there is none.
func (c *Cgroup) CPULimit() (cpus float64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limits.cpu, c.limits.cpu > 0
}

// relocate looks up the group if the process moved since the last call.
func (c *Cgroup) relocate() error {
	b, err := readSmall(c.dir+"/cgroup", &c.buf)
	if err != nil {
		return err
	}
	if bytes.Equal(b, c.where) {
		return nil
	}
	c.where = bytes.Clone(b)
	c.moves++
	mounts, err := readSmall(c.self+"/mountinfo", &c.buf)
	if err != nil {
		return err
	}
	c.groups.close()
	l := locator{sys: c.cfg.Sys, mounts: parseMountinfo(mounts)}
	entries := parseCgroup(c.where)
	c.groups = openGroups(&l, entries)
	c.readFacts(entries)
	c.limits = c.readLimits()
	return nil
}

func openGroups(l *locator, entries []entry) groups {
	var g groups
	if g.cpu = l.find(entries, "cpu", "cpu.stat"); g.cpu.found() {
		g.cpuStat = optional(g.cpu.dir + "/cpu.stat")
	}
	if !g.cpu.v2 {
		if acct := l.find(entries, "cpuacct", "cpuacct.stat"); acct.found() {
			g.cpuacct = optional(acct.dir + "/cpuacct.stat")
		}
	}
	if g.memory = l.find(entries, "memory", "memory.current"); g.memory.found() {
		n := memoryNames(g.memory.v2)
		g.memUsage = optional(g.memory.dir + n.usage)
		g.memStat = optional(g.memory.dir + "/memory.stat")
		g.memPeak = optional(g.memory.dir + n.peak)
		g.memEvents = optional(g.memory.dir + n.events)
		if !g.memory.v2 {
			g.failcnt = optional(g.memory.dir + "/memory.failcnt")
		}
	}
	if g.pids = l.find(entries, "pids", "pids.current"); g.pids.found() {
		g.pidsCount = optional(g.pids.dir + "/pids.current")
	}
	return g
}

// memoryFiles are the names that differ between the versions.
type memoryFiles struct{ usage, limit, peak, events string }

func memoryNames(v2 bool) memoryFiles {
	if v2 {
		return memoryFiles{"/memory.current", "/memory.max", "/memory.peak", "/memory.events"}
	}
	return memoryFiles{"/memory.usage_in_bytes", "/memory.limit_in_bytes", "/memory.max_usage_in_bytes", "/memory.oom_control"}
}

// optional opens a file that not every kernel has.
func optional(path string) *procfile.File {
	f, err := procfile.Open(path)
	if err != nil {
		return nil
	}
	return f
}

func (g *groups) close() {
	for _, f := range []*procfile.File{
		g.cpuStat, g.cpuacct, g.memUsage, g.memStat, g.memPeak, g.memEvents, g.failcnt, g.pidsCount,
	} {
		f.Close()
	}
	*g = groups{}
}

// readFacts collects what the path, the mounts and the allowed part of the
// environment say about the process.
func (c *Cgroup) readFacts(entries []entry) {
	c.facts = sample.Facts{}
	if env, err := os.ReadFile(c.dir + "/environ"); err == nil {
		c.facts.SlurmJob = slurmEnv(env)
		clear(env)
	}
	if b, err := readSmall(c.dir+"/mountinfo", &c.buf); err == nil {
		identifyMounts(parseMountinfo(b)).fill(&c.facts)
	}
	for _, e := range entries {
		identify(e.path).fill(&c.facts)
		if len(e.path) > 1 && (c.facts.Cgroup == "" || e.controllers == "") {
			c.facts.Cgroup = e.path
		}
	}
}

// Probe tells what was found out about the container, pod and job.
func (c *Cgroup) Probe(f *sample.Facts) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.facts.Clone()
	f.Cgroup, f.ContainerID, f.KubePodUID = known.Cgroup, known.ContainerID, known.KubePodUID
	f.SlurmJob = known.SlurmJob
	return nil
}

// Close releases the files. Sources yield nothing afterwards.
func (c *Cgroup) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	c.groups.close()
	return c.exit.Close()
}

// readSmall opens, reads and closes a file.
func readSmall(path string, buf *procfile.Buffer) ([]byte, error) {
	f, err := procfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Read(buf)
}
