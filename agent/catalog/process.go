package catalog

import "github.com/wandb-agent/wandb-agent/agent/sample"

// processMetrics are sums over the followed process and its descendants.
var processMetrics = []Metric{
	{
		Name: "process.cpu.time", Unit: "s", Kind: sample.Counter, Labels: []string{"cpu.mode"}, Status: ReleaseCandidate,
		Help:   "CPU time the followed process tree used since following began, exited and reaped members included; guest time is part of user.",
		Source: "/proc/PID/stat utime, stime, cutime, cstime (fields 14 to 17)",
		Views: []View{
			{In: WandB, Key: "cpu", Peak: true, Op: Rate, Scale: 100, Over: Operand{Metric: "process.linux.cpu.capacity"}},
			{In: WandB, Key: "agent.proc.cpu.percent", Op: Rate, Scale: 100},
			{In: WandB, Key: "agent.proc.cpu.seconds"},
		},
	},
	{
		Name: "process.cpu.utilization", Unit: "1", Kind: sample.Gauge, Labels: []string{"cpu.mode"}, Status: ReleaseCandidate,
		Help:   "CPU time the tree used since the reading before, as a share of the CPUs it may use.",
		Source: "difference of process.cpu.time over elapsed time and process.linux.cpu.capacity",
	},
	{
		Name: "process.linux.cpu.capacity", Unit: "{cpu}", Kind: sample.UpDown,
		Help:   "CPUs the tree may use at once: the lower of the cgroup's quota and the affinity mask, or the physical cores when neither restricts it.",
		Source: "cgroup cpu.max or cpu.cfs_quota_us; /proc/PID/status Cpus_allowed_list; /sys/devices/system/cpu topology",
		Views:  []View{{In: WandB, Key: "agent.proc.cpu.capacity"}},
	},
	{
		Name: "process.memory.usage", Unit: "By", Kind: sample.UpDown, Status: ReleaseCandidate,
		Help:   "Resident memory of the tree; pages shared by several members count once for each.",
		Source: "/proc/PID/statm field 2",
		Views: []View{
			{In: WandB, Key: "proc.memory.rssMB", Peak: true, Scale: 1.0 / (1 << 20)},
			{In: WandB, Key: "proc.memory.percent", Peak: true, Scale: 100, Over: Operand{Metric: "container.linux.memory.limit"}},
			{In: WandB, Key: "proc.memory.percent", Peak: true, Scale: 100, Over: Operand{Metric: "system.memory.limit"}, Rank: 1},
		},
	},
	{
		Name: "process.memory.virtual", Unit: "By", Kind: sample.UpDown, Status: ReleaseCandidate,
		Help:   "Address space of the tree; GPU runtimes reserve terabytes that are never used.",
		Source: "/proc/PID/stat vsize (field 23)",
	},
	{
		Name: "process.thread.count", Unit: "{thread}", Kind: sample.UpDown, Status: ReleaseCandidate,
		Help:   "Threads of the tree.",
		Source: "/proc/PID/stat num_threads (field 20)",
		Views:  []View{{In: WandB, Key: "proc.cpu.threads"}},
	},
	{
		Name: "process.linux.count", Unit: "{process}", Kind: sample.UpDown,
		Help:   "Processes of the tree, exited ones that wait to be reaped included.",
		Source: "number of followed processes",
		Views:  []View{{In: WandB, Key: "agent.proc.count"}},
	},
	{
		Name: "process.disk.io", Unit: "By", Kind: sample.Counter, Labels: []string{"disk.io.direction"}, Status: ReleaseCandidate,
		Help:   "Bytes the tree fetched from and sent to storage since following began, writes cancelled before they reached it taken off; network filesystems are not always counted by the kernel.",
		Source: "/proc/PID/io read_bytes, write_bytes, cancelled_write_bytes",
		Views: []View{
			{In: WandB, Key: "agent.proc.read", Where: map[string]string{"disk.io.direction": "read"}},
			{In: WandB, Key: "agent.proc.write", Where: map[string]string{"disk.io.direction": "write"}},
		},
	},
	{
		Name: "process.paging.faults", Unit: "{fault}", Kind: sample.Counter, Labels: []string{"system.paging.fault.type"}, Status: ReleaseCandidate,
		Help:   "Page faults of the tree since following began; a major one waited for storage.",
		Source: "/proc/PID/stat minflt, cminflt, majflt, cmajflt (fields 10 to 13)",
		Views:  []View{{In: WandB, Key: "agent.proc.majfault", Where: map[string]string{"system.paging.fault.type": "major"}}},
	},
	{
		Name: "process.linux.state", Unit: "{process}", Kind: sample.Gauge, Labels: []string{"process.state"},
		Help:   "Processes of the tree whose leading thread is in the state: R runs, S sleeps, D waits for storage or a driver, Z exited, T stopped, t traced, I idle.",
		Source: "/proc/PID/stat state (field 3)",
		Views:  []View{{In: WandB, Key: "agent.proc.state.{process.state}"}},
	},
}
