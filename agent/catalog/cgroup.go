package catalog

import "github.com/wandb-agent/wandb-agent/agent/sample"

// cgroupMetrics are of the control group of the followed process. They are
// absent where it sits in the root group: that is the host.
var cgroupMetrics = []Metric{
	{
		Name: "container.cpu.time", Unit: "s", Kind: sample.Counter, Labels: []string{"cpu.mode"}, Status: ReleaseCandidate,
		Help:   "CPU time of the control group since it was made.",
		Source: "v2 cpu.stat user_usec, system_usec; v1 cpuacct.stat user, system",
		Views:  []View{{In: WandB, Key: "agent.cgroup.cpu", Op: Rate, Scale: 100}},
	},
	{
		Name: "container.linux.cpu.periods", Unit: "{period}", Kind: sample.Counter,
		Help:   "Quota periods in which the group wanted to run.",
		Source: "cpu.stat nr_periods",
	},
	{
		Name: "container.linux.cpu.throttled_periods", Unit: "{period}", Kind: sample.Counter,
		Help:   "Quota periods in which the group was stopped for using up its quota.",
		Source: "cpu.stat nr_throttled",
	},
	{
		Name: "container.linux.cpu.throttled_time", Unit: "s", Kind: sample.Counter,
		Help:   "Time the group was stopped for using up its quota, summed over CPUs.",
		Source: "v2 cpu.stat throttled_usec; v1 cpu.stat throttled_time",
		Views:  []View{{In: WandB, Key: "agent.cgroup.throttled", Op: Since}},
	},
	{
		Name: "container.linux.cpu.limit", Unit: "{cpu}", Kind: sample.UpDown,
		Help:   "CPU quota, the tightest of the group and the groups above it; absent without one.",
		Source: "v2 cpu.max; v1 cpu.cfs_quota_us / cpu.cfs_period_us",
	},
	{
		Name: "container.memory.usage", Unit: "By", Kind: sample.UpDown, Status: ReleaseCandidate,
		Help:   "Memory charged to the group, page cache included.",
		Source: "v2 memory.current; v1 memory.usage_in_bytes",
		Views:  []View{{In: WandB, Key: "memory_percent", Peak: true, Scale: 100, Over: Operand{Metric: "container.linux.memory.limit"}}},
	},
	{
		Name: "container.memory.working_set", Unit: "By", Kind: sample.UpDown, Status: ReleaseCandidate,
		Help:   "Memory of the group without page cache that was not used lately: what a kubelet evicts on.",
		Source: "usage minus memory.stat inactive_file (v1 total_inactive_file)",
		Views:  []View{{In: WandB, Key: "agent.cgroup.mem.workingset"}},
	},
	{
		Name: "container.memory.available", Unit: "By", Kind: sample.UpDown, Status: ReleaseCandidate,
		Help:   "What may still be allocated before a limit of the group or of one above it is reached: the smallest limit minus working set; absent without a limit.",
		Source: "memory.max, memory.current, memory.stat of each limited level (v1 memory.limit_in_bytes, memory.usage_in_bytes)",
	},
	{
		Name: "container.memory.rss", Unit: "By", Kind: sample.UpDown, Status: ReleaseCandidate,
		Help:   "Anonymous memory of the group.",
		Source: "memory.stat anon (v1 total_rss)",
	},
	{
		Name: "container.linux.memory.file", Unit: "By", Kind: sample.UpDown,
		Help:   "Page cache of the group, shared memory included.",
		Source: "memory.stat file (v1 total_cache)",
	},
	{
		Name: "container.linux.memory.shmem", Unit: "By", Kind: sample.UpDown,
		Help:   "Shared memory and tmpfs pages of the group, as used by data loaders.",
		Source: "memory.stat shmem (v1 total_shmem)",
	},
	{
		Name: "container.linux.memory.file_mapped", Unit: "By", Kind: sample.UpDown,
		Help:   "Page cache of the group that is mapped.",
		Source: "memory.stat file_mapped (v1 total_mapped_file)",
	},
	{
		Name: "container.linux.memory.sock", Unit: "By", Kind: sample.UpDown,
		Help:   "Network buffers of the group.",
		Source: "memory.stat sock",
	},
	{
		Name: "container.linux.memory.page_tables", Unit: "By", Kind: sample.UpDown,
		Help:   "Page tables of the group.",
		Source: "memory.stat pagetables",
	},
	{
		Name: "container.linux.memory.kernel", Unit: "By", Kind: sample.UpDown,
		Help:   "Kernel memory of the group.",
		Source: "memory.stat kernel",
	},
	{
		Name: "container.linux.memory.limit", Unit: "By", Kind: sample.UpDown,
		Help:   "Memory limit, the tightest of the group and the groups above it; absent without one.",
		Source: "v2 memory.max; v1 memory.limit_in_bytes, memory.stat hierarchical_memory_limit",
		Views: []View{{
			In: WandB, Key: "proc.memory.availableMB", Scale: 1.0 / (1 << 20),
			Minus: Operand{Metric: "container.memory.usage"}, Floor: true,
		}},
	},
	{
		Name: "container.linux.memory.high", Unit: "By", Kind: sample.UpDown,
		Help:   "Mark above which the group is slowed down to reclaim; absent without one.",
		Source: "memory.high",
	},
	{
		Name: "container.linux.memory.peak", Unit: "By", Kind: sample.UpDown,
		Help:   "Highest memory usage of the group since it was made.",
		Source: "v2 memory.peak; v1 memory.max_usage_in_bytes",
	},
	{
		Name: "container.linux.memory.events", Unit: "{event}", Kind: sample.Counter, Labels: []string{"event"},
		Help:   "Memory events of the group: max is an allocation that met the limit, oom_kill a process killed for lack of memory.",
		Source: "v2 memory.events; v1 memory.oom_control oom_kill, memory.failcnt (max)",
		Views:  []View{{In: WandB, Key: "agent.cgroup.oom", Where: map[string]string{"event": "oom_kill"}}},
	},
	{
		Name: "container.linux.pids.count", Unit: "{thread}", Kind: sample.UpDown,
		Help:   "Threads of the group.",
		Source: "pids.current",
		Views:  []View{{In: WandB, Key: "agent.cgroup.pids"}},
	},
	{
		Name: "container.linux.pids.limit", Unit: "{thread}", Kind: sample.UpDown,
		Help:   "Thread limit, the tightest of the group and the groups above it; absent without one.",
		Source: "pids.max",
	},
}
