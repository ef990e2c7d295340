//go:build linux

package host

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"

	"github.com/wandb-agent/wandb-agent/agent"
)

// Sources returns the sources of this machine: host/fast, host/medium, and one
// host/fs/PATH for each path asked for that is on a filesystem which may
// block. It starts nothing; only wrong configuration is an error, what cannot
// be read is absent.
func Sources(cfg Config) ([]agent.Source, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return sources(cfg, realCalls), nil
}

func sources(cfg Config, calls calls) []agent.Source {
	pid := "self"
	if cfg.PID != 0 {
		pid = strconv.Itoa(cfg.PID)
	}
	mounts := newMountTable(mountinfoPath(cfg.Proc, pid))
	choice := &filesystems{mounts: mounts, root: foreignRoot(cfg.Proc, pid), dev: cfg.Dev, asked: cfg.DiskPaths, calls: calls}
	links := new(atomic.Uint64)
	list := []agent.Source{
		{Name: "host/fast", Every: cfg.Every, Collector: newFast(&cfg, mounts, links)},
		{Name: "host/medium", Every: max(cfg.Every, mediumEvery), Collector: newMedium(&cfg, choice, links)},
	}
	blocking := choice.blocking()
	mounts.close() // nothing stays open before the first Describe
	for _, t := range blocking {
		list = append(list, agent.Source{Name: "host/fs" + t.point, Every: max(cfg.Every, slowEvery), Collector: newBlocking(&cfg, t, calls)})
	}
	return list
}

// foreignRoot returns the path below which this process sees the files of a
// process in another mount namespace, and "" when the namespace is the same.
// Where that cannot be told, paths under it fail with the errno that says why.
func foreignRoot(proc, pid string) string {
	if pid == "self" || sameMounts(proc, pid) {
		return ""
	}
	return filepath.Join(proc, pid, "root")
}

// sameMounts compares mount namespaces. Their links may be read only with
// ptrace permission; mountinfo may by everybody, and the ids of mounts in it
// are unique across namespaces.
func sameMounts(proc, pid string) bool {
	theirs, err1 := os.Readlink(filepath.Join(proc, pid, "ns/mnt"))
	ours, err2 := os.Readlink(filepath.Join(proc, "self/ns/mnt"))
	if err1 == nil && err2 == nil {
		return theirs == ours
	}
	list, err1 := os.ReadFile(mountinfoPath(proc, pid))
	own, err2 := os.ReadFile(mountinfoPath(proc, "self"))
	return err1 == nil && err2 == nil && bytes.Equal(list, own)
}

func newFast(cfg *Config, mounts *mountTable, links *atomic.Uint64) *Collector {
	p := func(name string) string { return filepath.Join(cfg.Proc, name) }
	members := []member{
		{reader: newStat(p("stat"), cfg.CPUTotals), about: about{metric: "system.cpu.time, system.cpu.utilization, system.process.count, system.linux.context_switches"}},
		{reader: newMeminfo(p("meminfo")), about: about{metric: "system.memory.*, system.paging.usage"}},
		{reader: newLoadavg(p("loadavg")), about: about{metric: "system.cpu.load_average.*, system.linux.run_queue"}},
		{reader: newUptime(p("uptime")), about: about{metric: "system.uptime"}},
		{reader: newDiskstats(p("diskstats"), cfg.Sys, mounts), about: about{metric: "system.disk.*"}},
		{reader: newNetdev(p("net/dev"), links), about: about{metric: "system.network.*"}},
	}
	for _, resource := range [...]string{"cpu", "memory", "io", "irq"} {
		what := about{metric: "system.linux.psi.time of " + resource, remedy: "boot a kernel with CONFIG_PSI and psi=1"}
		if resource == "irq" {
			what.remedy = "boot Linux 6.1 or later with CONFIG_IRQ_TIME_ACCOUNTING"
		}
		members = append(members, member{reader: newPressure(p("pressure"), resource), about: what})
	}
	return newCollector(cfg.Logger, members...)
}

func newMedium(cfg *Config, choice *filesystems, links *atomic.Uint64) *Medium {
	c := newCollector(cfg.Logger,
		member{reader: newVmstat(filepath.Join(cfg.Proc, "vmstat")), about: about{metric: "system.paging.operations, system.paging.faults, system.linux.oom_kills"}},
		member{reader: newFilenr(filepath.Join(cfg.Proc, "sys/fs/file-nr")), about: about{metric: "system.linux.file_descriptors.*"}},
		member{reader: newCPUs(cfg.Sys), about: about{metric: "system.cpu.logical.count, system.cpu.physical.count"}},
		member{reader: noFrequency{filepath.Join(cfg.Sys, "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")},
			about: about{metric: "system.cpu.frequency", remedy: "none in a virtual machine; else load a cpufreq driver"}},
		member{reader: newLinks(cfg.Sys, links), about: about{metric: "hw.network.up, hw.network.bandwidth.limit"}},
		member{reader: &localfs{choice: choice}, about: about{metric: "system.filesystem.*"}},
	)
	return &Medium{Collector: c, prober: prober{cfg: *cfg, choice: choice}}
}
