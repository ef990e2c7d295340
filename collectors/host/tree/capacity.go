//go:build linux

package tree

import (
	"os"
	"strconv"

	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// capacity is how many CPUs the root may use at once.
type capacity struct {
	opened   bool
	physical int     // cores; 0 unknown
	allowed  int     // CPUs in the affinity mask that are online; 0 unknown
	logical  int     // online CPUs; 0 unknown
	cpus     float64 // the result; 0 unknown
}

func (c *capacity) open(t *Tree) {
	online, err := os.ReadFile(t.cfg.Sys + "/devices/system/cpu/online")
	if err == nil {
		if set, ok := parseCPUList(online); ok {
			c.logical = len(set)
			c.physical = physicalCores(t.cfg.Sys, set)
		}
	}
	c.opened = true
	c.refresh(t)
}

// refresh looks at the affinity mask and the quota again: both may change.
func (c *capacity) refresh(t *Tree) {
	c.readAffinity(t)
	c.cpus = float64(c.physical)
	if c.physical == 0 {
		c.cpus = float64(c.logical)
	}
	limited := false
	if c.allowed > 0 && c.allowed < c.logical {
		c.cpus, limited = float64(c.allowed), true
	}
	if t.cfg.CPULimit == nil {
		return
	}
	if quota, ok := t.cfg.CPULimit(); ok && quota > 0 && (!limited || quota < c.cpus) {
		c.cpus = quota
	}
}

// readAffinity counts the online CPUs in Cpus_allowed_list of the root.
func (c *capacity) readAffinity(t *Tree) {
	f, err := procfile.Open(t.cfg.Proc + "/" + strconv.Itoa(t.rootPID) + "/status")
	if err != nil {
		return
	}
	defer f.Close()
	b, err := f.Read(&t.buf)
	if err != nil {
		return
	}
	list, ok := statusLine(b, "Cpus_allowed_list")
	if !ok {
		return
	}
	allowed, ok := parseCPUList(list)
	online, err := os.ReadFile(t.cfg.Sys + "/devices/system/cpu/online")
	if !ok || err != nil {
		return
	}
	set, _ := parseCPUList(online)
	c.logical, c.allowed = len(set), 0
	for cpu := range allowed {
		if _, on := set[cpu]; on {
			c.allowed++
		}
	}
}

// physicalCores counts the pairs of package and core of the given CPUs; 0 where
// the topology is hidden.
func physicalCores(sys string, cpus map[int]struct{}) int {
	cores := make(map[string]struct{})
	for cpu := range cpus {
		dir := sys + "/devices/system/cpu/cpu" + strconv.Itoa(cpu) + "/topology/"
		core, err := os.ReadFile(dir + "core_id")
		if err != nil {
			return 0
		}
		pkg, err := os.ReadFile(dir + "physical_package_id")
		if err != nil {
			return 0
		}
		cores[string(pkg)+string(core)] = struct{}{}
	}
	return len(cores)
}

// maxCPU bounds a CPU number: the kernel's own limit, NR_CPUS, is 8192.
const maxCPU = 1 << 14

// parseCPUList reads a list such as 0-3,8 (cpuset(7), list format).
func parseCPUList(b []byte) (map[int]struct{}, bool) {
	set := make(map[int]struct{})
	for len(b) > 0 && b[0] != '\n' {
		lo, rest, ok := procfile.Uint(b)
		hi := lo
		if ok && len(rest) > 0 && rest[0] == '-' {
			hi, rest, ok = procfile.Uint(rest[1:])
		}
		if !ok || hi < lo || hi >= maxCPU {
			return nil, false
		}
		for cpu := lo; cpu <= hi; cpu++ {
			set[int(cpu)] = struct{}{}
		}
		if b = rest; len(b) > 0 && b[0] == ',' {
			b = b[1:]
		} else if len(b) > 0 && b[0] != '\n' {
			return nil, false
		}
	}
	return set, true
}
