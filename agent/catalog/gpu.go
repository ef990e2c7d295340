package catalog

import "github.com/wandb-agent/wandb-agent/agent/sample"

// gpuMetrics are read from NVIDIA's management library. Every series carries
// hw.id, the UUID, and hw.name, gpu0 and so on by the library's order, which
// is PCI order and not CUDA's.
var gpuMetrics = []Metric{
	{
		Name: "hw.gpu.utilization", Unit: "1", Kind: sample.Gauge, Status: Development,
		Help:   "Share of the driver's last sampling period in which a kernel was running; it says nothing of how much of the GPU the kernel used.",
		Labels: gpuLabels("hw.gpu.task"), Source: "nvmlDeviceGetUtilizationRates gpu (%)",
		Views: gpuViews("gpu", View{Scale: 100, Peak: true, Where: map[string]string{"hw.gpu.task": "general"}}),
	},
	{
		Name: "hwx.gpu.memory.io.utilization", Unit: "1", Kind: sample.Gauge,
		Help:   "Share of the driver's last sampling period in which device memory was read or written.",
		Labels: gpuLabels(), Source: "nvmlDeviceGetUtilizationRates memory (%)",
		Views: gpuViews("memory", View{Scale: 100, Peak: true}),
	},
	{
		Name: "hw.gpu.memory.usage", Unit: "By", Kind: sample.UpDown, Status: Development,
		Help:   "Device memory allocated. Marked with hwx.gpu.memory.usage.includes_reserved=true where the driver counts memory it reserves for itself as used.",
		Labels: gpuLabels("hwx.gpu.memory.usage.includes_reserved"), Source: "nvmlDeviceGetMemoryInfo_v2 used, else nvmlDeviceGetMemoryInfo used",
		Views: append(gpuViews("memoryAllocatedBytes", View{Peak: true, Where: map[string]string{"hwx.gpu.memory.usage.includes_reserved": ""}}),
			gpuViews("memoryAllocatedBytes", View{Peak: true, Where: map[string]string{"hwx.gpu.memory.usage.includes_reserved": "true"}, Rank: 1})...),
	},
	{
		Name: "hw.gpu.memory.limit", Unit: "By", Kind: sample.UpDown, Status: Development,
		Help:   "Size of the device memory.",
		Labels: gpuLabels(), Source: "nvmlDeviceGetMemoryInfo_v2 total",
	},
	{
		Name: "hw.gpu.memory.utilization", Unit: "1", Kind: sample.Gauge, Status: Development,
		Help:   "Share of the device memory that is allocated.",
		Labels: gpuLabels(), Source: "nvmlDeviceGetMemoryInfo_v2 used / total",
		Views: gpuViews("memoryAllocated", View{Scale: 100, Peak: true}),
	},
	{
		Name: "hwx.gpu.memory.reserved", Unit: "By", Kind: sample.UpDown,
		Help:   "Device memory that the driver or the firmware keeps for itself.",
		Labels: gpuLabels(), Source: "nvmlDeviceGetMemoryInfo_v2 reserved",
	},
	{
		Name: "hwx.gpu.memory.free", Unit: "By", Kind: sample.UpDown,
		Help:   "Device memory that is not allocated.",
		Labels: gpuLabels(), Source: "nvmlDeviceGetMemoryInfo_v2 free",
	},
	{
		Name: "hw.power", Unit: "W", Kind: sample.Gauge, Status: Development,
		Help:   "Electrical power of the GPU: of the moment, averaged over one second, or, without hwx.power.window, over whatever window an older driver uses.",
		Labels: gpuLabels("hw.type", "hwx.power.scope", "hwx.power.window"),
		Source: "NVML_FI_DEV_POWER_INSTANT, NVML_FI_DEV_POWER_AVERAGE, else nvmlDeviceGetPowerUsage (mW)",
		Views: append(append(
			gpuViews("powerWatts", View{Peak: true, Where: map[string]string{"hwx.power.window": "average_1s"}}),
			gpuViews("powerWatts", View{Peak: true, Where: map[string]string{"hwx.power.window": "instant"}, Rank: 1})...),
			gpuViews("powerWatts", View{Peak: true, Where: map[string]string{"hwx.power.window": ""}, Rank: 2})...),
	},
	{
		Name: "hw.energy", Unit: "J", Kind: sample.Counter, Status: Development,
		Help:   "Energy used by the GPU since its driver was loaded.",
		Labels: gpuLabels("hw.type"), Source: "NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION, else nvmlDeviceGetTotalEnergyConsumption (mJ)",
		Views: []View{{In: WandB, Key: "gpu.{hw.name#}.totalEnergyConsumption", Where: map[string]string{"hw.type": "gpu"}, Scale: 1000}},
	},
	{
		Name: "hwx.gpu.power.limit", Unit: "W", Kind: sample.Gauge,
		Help:   "Power limit of the GPU; enforced is the lowest of all limits that apply.",
		Labels: gpuLabels("hw.limit_type"), Source: "NVML_FI_DEV_POWER_CURRENT_LIMIT, else nvmlDeviceGetEnforcedPowerLimit (mW)",
		Views: gpuViews("enforcedPowerLimitWatts", View{Where: map[string]string{"hw.limit_type": "enforced"}}),
	},
	{
		Name: "hwx.gpu.power.utilization", Unit: "1", Kind: sample.Gauge,
		Help:   "Power as a share of the enforced limit.",
		Labels: gpuLabels(), Source: "power averaged over one second, else of the moment / enforced limit",
		Views: gpuViews("powerPercent", View{Scale: 100, Peak: true}),
	},
	{
		Name: "hw.temperature", Unit: "Cel", Kind: sample.Gauge, Status: Development,
		Help:   "Temperature of the GPU die or of its memory.",
		Labels: gpuLabels("hw.sensor_location"), Source: "nvmlDeviceGetTemperatureV, else nvmlDeviceGetTemperature; memory: NVML_FI_DEV_MEMORY_TEMP",
		Views: append(gpuViews("temp", View{Peak: true, Where: map[string]string{"hw.sensor_location": "gpu"}}),
			View{In: WandB, Key: "gpu.{hw.name#}.memoryTemp", Where: map[string]string{"hw.sensor_location": "memory"}}),
	},
	{
		Name: "hwx.gpu.clock.frequency", Unit: "Hz", Kind: sample.Gauge,
		Help:   "Present clock frequency of a clock domain.",
		Labels: gpuLabels("hwx.gpu.clock.domain"), Source: "nvmlDeviceGetClockInfo (MHz)",
		Views: []View{
			{In: WandB, Key: "gpu.{hw.name#}.smClock", Where: map[string]string{"hwx.gpu.clock.domain": "sm"}, Scale: 1e-6},
			{In: WandB, Key: "gpu.{hw.name#}.memoryClock", Where: map[string]string{"hwx.gpu.clock.domain": "memory"}, Scale: 1e-6},
		},
	},
	{
		Name: "hwx.gpu.clock.event_reason", Unit: "1", Kind: sample.Gauge,
		Help:   "1 while the named reason holds the clocks where they are, else 0.",
		Labels: gpuLabels("hwx.gpu.clock.reason"), Source: "nvmlDeviceGetCurrentClocksEventReasons, else nvmlDeviceGetCurrentClocksThrottleReasons (bits)",
	},
	{
		Name: "hwx.gpu.pstate", Unit: "1", Kind: sample.Gauge,
		Help:   "Performance state: 0 is the fastest, 15 the slowest.",
		Labels: gpuLabels(), Source: "nvmlDeviceGetPerformanceState",
	},
	{
		Name: "hwx.gpu.info", Unit: "1", Kind: sample.Gauge,
		Help:   "Always 1: its labels say what the GPU is.",
		Labels: gpuLabels("hw.model", "hw.vendor", "hw.driver_version", "hwx.gpu.architecture"), Source: "nvmlDeviceGetName and others",
	},
	{
		Name: "hw.status", Unit: "1", Kind: sample.UpDown, Status: Development,
		Help:   "1 for the state the GPU is in, 0 for the others: failed is off the bus, degraded needs a reset.",
		Labels: gpuLabels("hw.type", "hw.state"), Source: "NVML return codes GPU_IS_LOST and RESET_REQUIRED",
	},
	{
		Name: "hwx.gpu.collect.up", Unit: "1", Kind: sample.Gauge,
		Help:   "1 when the GPU answered on this tick, 0 when it is lost, or stuck in a driver call.",
		Labels: gpuLabels(), Source: "the agent",
	},
	{
		Name: "hwx.gpu.collect.duration", Unit: "s", Kind: sample.Gauge,
		Help:   "Time that this tick's driver calls on the GPU took together.",
		Labels: gpuLabels(), Source: "the agent",
	},
	{
		Name: "hwx.gpu.collect.errors", Unit: "{error}", Kind: sample.Counter,
		Help:   "Driver calls that failed, without those the GPU does not support.",
		Labels: gpuLabels("hwx.gpu.call"), Source: "the agent",
	},
	{
		Name: "hwx.process.gpu.memory.usage", Unit: "By", Kind: sample.UpDown,
		Help:   "Device memory used by one process of the run on one GPU.",
		Labels: gpuLabels("process.pid", "hwx.process.kind"), Source: "nvmlDeviceGetComputeRunningProcesses, nvmlDeviceGetGraphicsRunningProcesses",
	},
	{
		Name: "hwx.gpu.run.member", Unit: "1", Kind: sample.Gauge,
		Help:   "1 for a GPU that the run uses, 0 for the others: a process of the run holds a context on it, or, in a container, the container shows it to the run.",
		Labels: gpuLabels(), Source: "process lists, or NVIDIA_VISIBLE_DEVICES and CUDA_VISIBLE_DEVICES",
	},
}

// gpuLabels returns the labels of every GPU series, then more.
func gpuLabels(more ...string) []string { return append([]string{"hw.id", "hw.name"}, more...) }

// gpuViews returns the W&B keys gpu.{i}.name and gpu.process.{i}.name of one
// metric. W&B repeats the value of the whole device under gpu.process while
// the run uses that GPU; dividing by the run's member series, which is 1 then
// and 0 or absent otherwise, leaves the key out for the other GPUs.
func gpuViews(name string, v View) []View {
	v.In = WandB
	v.Key = "gpu.{hw.name#}." + name
	process := v
	process.Key = "gpu.process.{hw.name#}." + name
	process.Over = Operand{Metric: "hwx.gpu.run.member"}
	return []View{v, process}
}
