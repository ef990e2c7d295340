package catalog

import "github.com/wandb-agent/wandb-agent/agent/sample"

var hostMemory = append([]Metric{
	{Name: "system.memory.limit", Unit: "By", Kind: sample.UpDown, Status: Development,
		Help:   "Memory of the machine that the kernel can use.",
		Source: "/proc/meminfo MemTotal",
		Views: []View{{In: WandB, Key: "memory_percent", Peak: true, Rank: 1, Scale: 100,
			Minus: Operand{Metric: "system.memory.linux.available"}, Over: Operand{Metric: "system.memory.limit"}}}},
	{Name: "system.memory.usage", Unit: "By", Kind: sample.UpDown, Status: Development,
		Help:   "Memory by state; the states add up to system.memory.limit. cached holds the page cache (tmpfs and shared memory too) and reclaimable slab, used is what no other state has.",
		Labels: []string{"system.memory.state"},
		Source: "/proc/meminfo: used = MemTotal−MemFree−Buffers−Cached−SReclaimable, free = MemFree, buffers = Buffers, cached = Cached+SReclaimable"},
	{Name: "system.memory.linux.available", Unit: "By", Kind: sample.UpDown, Status: Development,
		Help:   "The kernel's estimate of what can be allocated without swapping; of the whole machine, also in a container.",
		Source: "/proc/meminfo MemAvailable",
		Views:  []View{{In: WandB, Key: "proc.memory.availableMB", Rank: 1, Scale: mib}}},
	{Name: "system.memory.linux.shared", Unit: "By", Kind: sample.UpDown, Status: Development,
		Help:   "tmpfs, /dev/shm and other shared memory; a part of cached that cannot be reclaimed.",
		Source: "/proc/meminfo Shmem",
		Views:  []View{{In: WandB, Key: "agent.mem.shmemMB", Scale: mib}}},
	{Name: "system.memory.linux.slab.usage", Unit: "By", Kind: sample.UpDown, Status: Development,
		Help:   "Kernel object caches.",
		Labels: []string{"system.memory.linux.slab.state"},
		Source: "/proc/meminfo SReclaimable, SUnreclaim"},
	{Name: "system.memory.linux.hugepages.limit", Unit: "{page}", Kind: sample.UpDown, Status: Development,
		Help: "Huge pages of the default size that are set aside; they are in neither free nor available.", Source: "/proc/meminfo HugePages_Total"},
	{Name: "system.memory.linux.hugepages.usage", Unit: "{page}", Kind: sample.UpDown, Status: Development,
		Help: "Huge pages of the default size by state.", Labels: []string{"system.memory.linux.hugepages.state"},
		Source: "/proc/meminfo: used = HugePages_Total−HugePages_Free, free = HugePages_Free"},
	{Name: "system.memory.linux.hugepages.reserved", Unit: "{page}", Kind: sample.UpDown, Status: Development,
		Help: "Free huge pages promised to somebody.", Source: "/proc/meminfo HugePages_Rsvd"},
	{Name: "system.memory.linux.hugepages.surplus", Unit: "{page}", Kind: sample.UpDown, Status: Development,
		Help: "Huge pages above the persistent pool.", Source: "/proc/meminfo HugePages_Surp"},
	{Name: "system.memory.linux.hugepages.page_size", Unit: "By", Kind: sample.UpDown, Status: Development,
		Help: "Default huge page size.", Source: "/proc/meminfo Hugepagesize"},
	{Name: "system.paging.usage", Unit: "By", Kind: sample.UpDown, Status: Development,
		Help: "Swap space by state, over all swap devices; zram counts as swap.", Labels: []string{"system.paging.state"},
		Source: "/proc/meminfo: used = SwapTotal−SwapFree, free = SwapFree"},
	{Name: "system.paging.utilization", Unit: "1", Kind: sample.Gauge, Status: Development,
		Help: "Share of the swap space by state; absent without swap.", Labels: []string{"system.paging.state"},
		Source: "/proc/meminfo: used = (SwapTotal−SwapFree)/SwapTotal",
		Views:  []View{{In: WandB, Key: "agent.swap.percent", Where: where("system.paging.state", "used"), Scale: 100}}},
	{Name: "system.paging.operations", Unit: "{operation}", Kind: sample.Counter, Status: Development,
		Help: "Pages read from (in) and written to (out) swap since boot.", Labels: []string{"system.paging.direction"},
		Source: "/proc/vmstat pswpin, pswpout",
		Views: []View{
			{In: WandB, Key: "agent.swap.in", Where: where("system.paging.direction", "in"), Op: Rate},
			{In: WandB, Key: "agent.swap.out", Where: where("system.paging.direction", "out"), Op: Rate},
		}},
	{Name: "system.paging.faults", Unit: "{fault}", Kind: sample.Counter, Status: Development,
		Help: "Page faults since boot: major ones waited for a disk, minor ones did not.", Labels: []string{"system.paging.fault.type"},
		Source: "/proc/vmstat: major = pgmajfault, minor = pgfault−pgmajfault",
		Views:  []View{{In: WandB, Key: "agent.majfault", Where: where("system.paging.fault.type", "major"), Op: Rate}}},
	{Name: "system.linux.oom_kills", Unit: "{kill}", Kind: sample.Counter, Status: Ours,
		Help: "Processes killed for lack of memory since boot, on the machine and in any cgroup.", Source: "/proc/vmstat oom_kill",
		Views: []View{{In: WandB, Key: "agent.oom", Op: Since}}},
}, linuxMemory()...)

// linuxMemory are the plain /proc/meminfo fields, one row each.
func linuxMemory() []Metric {
	var rows []Metric
	for _, m := range [...]struct{ name, field, help string }{
		{"anon", "AnonPages", "Memory of processes that is not backed by files."},
		{"mapped", "Mapped", "Page cache that is mapped into processes."},
		{"dirty", "Dirty", "Page cache that waits to be written."},
		{"writeback", "Writeback", "Page cache that is being written."},
		{"page_tables", "PageTables", "Lowest level of the page tables."},
		{"kernel_stack", "KernelStack", "Stacks of threads inside the kernel."},
		{"percpu", "Percpu", "Per-CPU allocations of the kernel."},
		{"mlocked", "Mlocked", "Memory locked by mlock."},
		{"unevictable", "Unevictable", "Memory that cannot be reclaimed; pinned buffers may stand here."},
		{"committed", "Committed_AS", "Memory that was asked for, used or not."},
		{"commit_limit", "CommitLimit", "Most that may be committed under strict overcommit."},
		{"anon_huge", "AnonHugePages", "Transparent huge pages of processes."},
		{"file_huge", "FileHugePages", "Page cache in huge pages."},
		{"shmem_huge", "ShmemHugePages", "Shared memory in huge pages."},
		{"vmalloc_used", "VmallocUsed", "Kernel memory from vmalloc."},
	} {
		rows = append(rows, Metric{Name: "system.memory.linux." + m.name, Unit: "By", Kind: sample.UpDown,
			Status: Ours, Help: m.help, Source: "/proc/meminfo " + m.field})
	}
	return rows
}
