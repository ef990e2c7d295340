package gpu

// library is the part of NVML that the driver's life cycle calls. One
// goroutine at a time calls it, except ByUUID, which workers call too. Any
// method but Close may hang for as long as the kernel driver does.
type library interface {
	// Open loads the library. It fails with errUnavailable when this program
	// never can.
	Open() error
	// Init initialises the library; a machine without GPUs is no failure.
	Init() code
	// Close shuts the library down if Init succeeded, and unloads it. No call
	// may be running. A closed library can be opened again.
	Close()
	DriverVersion() (string, code)
	CUDAVersion() (int, code) // 1000 × major + 10 × minor
	Count() (int, code)
	ByIndex(i int) (device, code)
	ByUUID(uuid string) (device, code)
}

// device is one GPU: one method per driver call. Its methods are called from
// one goroutine at a time.
type device interface {
	UUID() (string, code)
	Name() (string, code)
	PCIBusID() (string, code) // 00000000:1B:00.0
	Architecture() (uint32, code)
	Cores() (uint32, code)
	Utilization() (gpuPercent, memoryPercent uint32, c code)
	Memory() (memory, code)   // since driver R510
	MemoryV1() (memory, code) // used holds reserved too, reserved is 0
	TemperatureV1() (celsius int32, c code)
	Temperature() (celsius uint32, c code)
	Clock(domain uint32) (megahertz uint32, c code)
	EventReasons() (mask uint64, c code)    // since driver R535
	ThrottleReasons() (mask uint64, c code) // the same under its older name
	PerformanceState() (uint32, code)
	PowerUsage() (milliwatts uint32, c code)
	EnforcedPowerLimit() (milliwatts uint32, c code)
	Energy() (millijoules uint64, c code)
	// Fields reads ids in one driver call into out, which has their length.
	Fields(ids []uint32, out []field) code
	ComputeProcesses() ([]process, code)
	GraphicsProcesses() ([]process, code)
}

// memory is device memory in bytes.
type memory struct{ total, reserved, free, used uint64 }

// field is the answer to one field id.
type field struct {
	value float64
	code  code
}

// process is a process that holds a context on a GPU.
type process struct {
	pid  int    // in the initial pid namespace
	used uint64 // bytes of device memory; notAvailable when the driver does not tell
}

const notAvailable = ^uint64(0)
