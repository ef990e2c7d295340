package catalog

import (
	"slices"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// hostMetrics are the rows of the whole machine, read by collectors/host.
var hostMetrics = slices.Concat(hostCPU, hostMemory, hostDisk, hostFilesystem, hostNetwork)

const (
	mib = 1.0 / (1 << 20)
	gib = 1.0 / (1 << 30)
)

// where is shorthand for the label values of a View or an Operand.
func where(label, value string) map[string]string { return map[string]string{label: value} }

var hostCPU = []Metric{
	{Name: "system.cpu.time", Unit: "s", Kind: sample.Counter, Status: Development,
		Help:   "Seconds each logical CPU spent in a mode. The modes of a CPU add up to its whole time: guest is taken out of user and nice, interrupt is hard and soft interrupts together.",
		Labels: []string{"cpu.mode", "cpu.logical_number"},
		Source: "/proc/stat cpuN: user nice system idle iowait irq+softirq steal guest+guest_nice, ticks of 10 ms"},
	{Name: "system.linux.cpu.busy_time", Unit: "s", Kind: sample.Counter, Status: Ours,
		Help:   "Seconds a logical CPU did work: every mode of system.cpu.time but idle, iowait and steal.",
		Labels: []string{"cpu.logical_number"},
		Source: "/proc/stat cpuN: user+nice+system+irq+softirq, guests included",
		Views: []View{
			{In: WandB, Key: "agent.cpu.{cpu.logical_number}.percent", Op: Rate, Scale: 100},
			{In: WandB, Key: "agent.cpu.percent", Peak: true, Op: Rate, Scale: 100, Over: Operand{Metric: "system.cpu.logical.count"}},
		}},
	{Name: "system.cpu.utilization", Unit: "1", Kind: sample.Gauge, Status: Development,
		Help:   "Share of all CPU time of the machine that a mode took between this reading and the one before; the modes add up to 1.",
		Labels: []string{"cpu.mode"},
		Source: "/proc/stat cpu: difference of a mode over the difference of all modes"},
	{Name: "system.cpu.logical.count", Unit: "{cpu}", Kind: sample.UpDown, Status: Development,
		Help:   "Logical CPUs that are online.",
		Source: "/sys/devices/system/cpu/online"},
	{Name: "system.cpu.physical.count", Unit: "{cpu}", Kind: sample.UpDown, Status: Development,
		Help:   "Physical cores with at least one logical CPU online.",
		Source: "/sys/devices/system/cpu/cpuN/topology: distinct pairs of physical_package_id and core_id"},
	{Name: "system.cpu.frequency", Unit: "Hz", Kind: sample.Gauge, Status: Development,
		Help:   "Present frequency of a logical CPU; absent where the kernel has no frequency driver, as in most virtual machines.",
		Labels: []string{"cpu.logical_number"},
		Source: "/sys/devices/system/cpu/cpuN/cpufreq/scaling_cur_freq, kHz; the first 32 online CPUs",
		Views:  []View{{In: WandB, Key: "agent.cpu.{cpu.logical_number}.mhz", Scale: 1e-6}}},
	{Name: "system.cpu.load_average.1m", Unit: "{thread}", Kind: sample.Gauge, Status: Ours,
		Help:   "Threads running, waiting for a CPU or in uninterruptible sleep, averaged over 1 minute; of the whole machine, also in a container.",
		Source: "/proc/loadavg field 1",
		Views:  []View{{In: WandB, Key: "agent.load1"}}},
	{Name: "system.cpu.load_average.5m", Unit: "{thread}", Kind: sample.Gauge, Status: Ours,
		Help: "As the 1 minute average, over 5 minutes.", Source: "/proc/loadavg field 2"},
	{Name: "system.cpu.load_average.15m", Unit: "{thread}", Kind: sample.Gauge, Status: Ours,
		Help: "As the 1 minute average, over 15 minutes.", Source: "/proc/loadavg field 3"},
	{Name: "system.linux.run_queue", Unit: "{thread}", Kind: sample.Gauge, Status: Ours,
		Help:   "Threads that are runnable (running; the reader itself is one of them) and that exist (total).",
		Labels: []string{"state"},
		Source: "/proc/loadavg field 4"},
	{Name: "system.process.count", Unit: "{process}", Kind: sample.UpDown, Status: Development,
		Help:   "Threads that are runnable (running) and that wait for I/O (blocked).",
		Labels: []string{"process.state"},
		Source: "/proc/stat procs_running, procs_blocked"},
	{Name: "system.process.created", Unit: "{process}", Kind: sample.Counter, Status: Development,
		Help:   "Processes and threads created since boot.",
		Source: "/proc/stat processes"},
	{Name: "system.linux.context_switches", Unit: "{context_switch}", Kind: sample.Counter, Status: Ours,
		Help:   "Context switches of all CPUs since boot.",
		Source: "/proc/stat ctxt",
		Views:  []View{{In: WandB, Key: "agent.ctxt", Op: Rate}}},
	{Name: "system.uptime", Unit: "s", Kind: sample.Gauge, Status: Development,
		Help:   "Seconds since boot, suspend included.",
		Source: "/proc/uptime field 1"},
	{Name: "system.linux.psi.time", Unit: "s", Kind: sample.Counter, Status: Ours,
		Help:   "Seconds in which at least one task (some) or all tasks at once (full) waited for the resource.",
		Labels: []string{"resource", "kind"},
		Source: "/proc/pressure/{cpu,memory,io,irq} total, µs",
		Views:  []View{{In: WandB, Key: "agent.psi.{resource}.{kind}", Op: Rate, Scale: 100}}},
	{Name: "system.linux.file_descriptors.allocated", Unit: "{file}", Kind: sample.UpDown, Status: Ours,
		Help: "Open file handles of the whole machine.", Source: "/proc/sys/fs/file-nr field 1"},
	{Name: "system.linux.file_descriptors.limit", Unit: "{file}", Kind: sample.UpDown, Status: Ours,
		Help: "Most file handles the kernel will allocate; absent when there is no limit.", Source: "/proc/sys/fs/file-nr field 3"},
}
