package catalog

import "github.com/wandb-agent/wandb-agent/agent/sample"

var hostDisk = []Metric{
	{Name: "system.disk.io", Unit: "By", Kind: sample.Counter, Status: Development,
		Help:   "Bytes transferred by a block device. Whole disks and mounted partitions have series of their own, so a partition repeats traffic of its disk.",
		Labels: []string{"system.device", "disk.io.direction"},
		Source: "/proc/diskstats fields 6, 10 × 512",
		Views: []View{
			{In: WandB, Key: "disk.{system.device}.in", Where: where("disk.io.direction", "read"), Op: Since, Scale: mib},
			{In: WandB, Key: "disk.{system.device}.out", Where: where("disk.io.direction", "write"), Op: Since, Scale: mib},
		}},
	{Name: "system.disk.operations", Unit: "{operation}", Kind: sample.Counter, Status: Development,
		Help: "Requests completed, after merging.", Labels: []string{"system.device", "disk.io.direction"},
		Source: "/proc/diskstats fields 4, 8"},
	{Name: "system.disk.merged", Unit: "{operation}", Kind: sample.Counter, Status: Development,
		Help: "Requests merged into a neighbour; 0 on devices without a scheduler.", Labels: []string{"system.device", "disk.io.direction"},
		Source: "/proc/diskstats fields 5, 9"},
	{Name: "system.disk.operation_time", Unit: "s", Kind: sample.Counter, Status: Development,
		Help: "Time summed over all requests, so parallel requests count each.", Labels: []string{"system.device", "disk.io.direction"},
		Source: "/proc/diskstats fields 7, 11, ms of 32 bits"},
	{Name: "system.disk.io_time", Unit: "s", Kind: sample.Counter, Status: Development,
		Help: "Time with at least one request under way; says little about saturation of devices that work in parallel.", Labels: []string{"system.device"},
		Source: "/proc/diskstats field 13, ms of 32 bits",
		Views:  []View{{In: WandB, Key: "agent.disk.{system.device}.busy", Op: Rate, Scale: 100}}},
	{Name: "system.disk.weighted_io_time", Unit: "s", Kind: sample.Counter, Status: Ours,
		Help: "Requests under way summed over time: its rate is the mean queue length.", Labels: []string{"system.device"},
		Source: "/proc/diskstats field 14, ms of 32 bits",
		Views:  []View{{In: WandB, Key: "agent.disk.{system.device}.queue", Op: Rate}}},
	{Name: "system.disk.pending_operations", Unit: "{operation}", Kind: sample.UpDown, Status: Ours,
		Help: "Requests under way now.", Labels: []string{"system.device"}, Source: "/proc/diskstats field 12"},
	{Name: "system.linux.disk.discard.operations", Unit: "{operation}", Kind: sample.Counter, Status: Ours,
		Help: "Discard requests completed.", Labels: []string{"system.device"}, Source: "/proc/diskstats field 15 (since Linux 4.18)"},
	{Name: "system.linux.disk.discard.merged", Unit: "{operation}", Kind: sample.Counter, Status: Ours,
		Help: "Discard requests merged into a neighbour.", Labels: []string{"system.device"}, Source: "/proc/diskstats field 16"},
	{Name: "system.linux.disk.discard.io", Unit: "By", Kind: sample.Counter, Status: Ours,
		Help: "Bytes discarded.", Labels: []string{"system.device"}, Source: "/proc/diskstats field 17 × 512"},
	{Name: "system.linux.disk.discard.time", Unit: "s", Kind: sample.Counter, Status: Ours,
		Help: "Time summed over all discard requests.", Labels: []string{"system.device"}, Source: "/proc/diskstats field 18, ms of 32 bits"},
	{Name: "system.linux.disk.flush.operations", Unit: "{operation}", Kind: sample.Counter, Status: Ours,
		Help: "Flush requests completed.", Labels: []string{"system.device"}, Source: "/proc/diskstats field 19 (since Linux 5.5)"},
	{Name: "system.linux.disk.flush.time", Unit: "s", Kind: sample.Counter, Status: Ours,
		Help: "Time summed over all flush requests.", Labels: []string{"system.device"}, Source: "/proc/diskstats field 20, ms of 32 bits"},
	{Name: "system.disk.limit", Unit: "By", Kind: sample.UpDown, Status: Development,
		Help: "Size of the block device.", Labels: []string{"system.device"}, Source: "/sys/class/block/DEVICE/size × 512"},
}

// filesystemLabels follow a state label, where the metric has one.
var filesystemLabels = []string{"system.filesystem.mountpoint", "system.device", "system.filesystem.type", "system.filesystem.mode"}

func withState() []string { return append([]string{"system.filesystem.state"}, filesystemLabels...) }

// shm are the label values of the shared memory filesystem.
func shm(state string) map[string]string {
	return map[string]string{"system.filesystem.mountpoint": "/dev/shm", "system.filesystem.state": state}
}

var hostFilesystem = []Metric{
	{Name: "system.filesystem.usage", Unit: "By", Kind: sample.UpDown, Status: Development,
		Help:   "Bytes of a filesystem by state; the states add up to system.filesystem.limit. free is what ordinary users may take, reserved is kept for root.",
		Labels: withState(),
		Source: "statfs(2): used = blocks−bfree, free = bavail, reserved = bfree−bavail",
		Views: []View{
			{In: WandB, Key: "disk.{system.filesystem.mountpoint}.usageGB", Where: where("system.filesystem.state", "used"), Scale: gib},
			{In: WandB, Key: "agent.shm.usedMB", Where: shm("used"), Scale: mib},
		}},
	{Name: "system.filesystem.limit", Unit: "By", Kind: sample.UpDown, Status: Development,
		Help: "Size of a filesystem; a quota where the filesystem answers with one.", Labels: filesystemLabels, Source: "statfs(2): blocks"},
	{Name: "system.filesystem.utilization", Unit: "1", Kind: sample.Gauge, Status: Development,
		Help:   "Share of a filesystem that is used, as df prints it: the reserve of root counts neither as used nor as free.",
		Labels: withState(),
		Source: "statfs(2): used/(used+bavail)",
		Views: []View{
			{In: WandB, Key: "disk.{system.filesystem.mountpoint}.usagePercent", Where: where("system.filesystem.state", "used"), Scale: 100},
			{In: WandB, Key: "agent.shm.percent", Where: shm("used"), Scale: 100},
		}},
	{Name: "system.filesystem.inodes.usage", Unit: "{inode}", Kind: sample.UpDown, Status: Ours,
		Help:   "Inodes by state; absent on filesystems that have no fixed number.",
		Labels: withState(),
		Source: "statfs(2): used = files−ffree, free = ffree",
		Views: []View{{In: WandB, Key: "agent.disk.{system.filesystem.mountpoint}.inodesPercent", Where: where("system.filesystem.state", "used"),
			Scale: 100, Over: Operand{Metric: "system.filesystem.inodes.usage"}}}},
	{Name: "system.linux.filesystem.readonly", Unit: "1", Kind: sample.Gauge, Status: Ours,
		Help: "1 when the filesystem is mounted read-only, else 0.", Labels: filesystemLabels, Source: "statfs(2): ST_RDONLY"},
	{Name: "system.linux.filesystem.device_error", Unit: "1", Kind: sample.Gauge, Status: Ours,
		Help: "1 when statfs failed, else 0.", Labels: filesystemLabels, Source: "statfs(2): errno"},
}
