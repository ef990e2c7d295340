//go:build linux && cgo && !nonvml

package gpu

import (
	"encoding/binary"
	"math"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/wandb-agent/wandb-agent/collectors/gpu/internal/gate"
)

// Unavailable says why this program cannot read NVIDIA GPUs on any machine,
// or "" when it can.
func Unavailable() string { return "" }

func newLibrary(path string) library { return &nvmlLibrary{path: path} }

// nvmlLibrary is NVML through go-nvml and the gate.
type nvmlLibrary struct {
	path        string
	nvml        nvml.Interface
	holds       int // how often go-nvml took hold of the library
	initialised bool
}

// initNoGPUs is NVML_INIT_FLAG_NO_GPUS: a machine without GPUs is no failure.
const initNoGPUs = 1

func (l *nvmlLibrary) Open() error {
	if err := gate.Open(l.path); err != nil {
		return err
	}
	l.nvml = nvml.New(nvml.WithLibraryPath(l.path))
	return nil
}

func (l *nvmlLibrary) Init() code {
	answer := l.nvml.InitWithFlags(initNoGPUs)
	l.holds++
	if answer == nvml.ERROR_FUNCTION_NOT_FOUND {
		answer = l.nvml.Init()
		l.holds++
	}
	l.initialised = answer == nvml.SUCCESS
	return code(answer)
}

func (l *nvmlLibrary) Close() {
	if l.initialised && l.nvml.Shutdown() == nvml.SUCCESS {
		l.holds--
	}
	l.initialised = false
	gate.Close(func() {
		for ; l.holds > 0; l.holds-- {
			l.nvml.Shutdown()
		}
	})
}

func (l *nvmlLibrary) DriverVersion() (string, code) {
	v, c := l.nvml.SystemGetDriverVersion()
	return v, code(c)
}

func (l *nvmlLibrary) CUDAVersion() (int, code) {
	v, c := l.nvml.SystemGetCudaDriverVersion()
	return v, code(c)
}

func (l *nvmlLibrary) Count() (int, code) {
	n, c := l.nvml.DeviceGetCount()
	return n, code(c)
}

func (l *nvmlLibrary) ByIndex(i int) (device, code) {
	d, c := l.nvml.DeviceGetHandleByIndex(i)
	return &nvmlDevice{dev: d}, code(c)
}

func (l *nvmlLibrary) ByUUID(uuid string) (device, code) {
	d, c := l.nvml.DeviceGetHandleByUUID(uuid)
	return &nvmlDevice{dev: d}, code(c)
}

// nvmlDevice is a device handle with the buffer of its field values.
type nvmlDevice struct {
	dev    nvml.Device
	fields []nvml.FieldValue
}

func (d *nvmlDevice) UUID() (string, code) {
	v, c := d.dev.GetUUID()
	return v, code(c)
}

func (d *nvmlDevice) Name() (string, code) {
	v, c := d.dev.GetName()
	return v, code(c)
}

func (d *nvmlDevice) PCIBusID() (string, code) {
	info, c := d.dev.GetPciInfo()
	var id []byte
	for _, char := range info.BusId { // signed on amd64, unsigned on arm64
		if char == 0 {
			break
		}
		id = append(id, byte(char))
	}
	return string(id), code(c)
}

func (d *nvmlDevice) Architecture() (uint32, code) {
	v, c := d.dev.GetArchitecture()
	return uint32(v), code(c)
}

func (d *nvmlDevice) Cores() (uint32, code) {
	v, c := d.dev.GetNumGpuCores()
	return uint32(v), code(c)
}

func (d *nvmlDevice) Utilization() (gpuPercent, memoryPercent uint32, c code) {
	u, r := d.dev.GetUtilizationRates()
	return u.Gpu, u.Memory, code(r)
}

func (d *nvmlDevice) Memory() (memory, code) {
	m, c := d.dev.GetMemoryInfo_v2()
	return memory{m.Total, m.Reserved, m.Free, m.Used}, code(c)
}

func (d *nvmlDevice) MemoryV1() (memory, code) {
	m, c := d.dev.GetMemoryInfo()
	return memory{total: m.Total, free: m.Free, used: m.Used}, code(c)
}

func (d *nvmlDevice) TemperatureV1() (int32, code) {
	t, c := d.dev.GetTemperatureV().V1()
	return t.Temperature, code(c)
}

func (d *nvmlDevice) Temperature() (uint32, code) {
	t, c := d.dev.GetTemperature(nvml.TEMPERATURE_GPU)
	return t, code(c)
}

func (d *nvmlDevice) Clock(domain uint32) (uint32, code) {
	v, c := d.dev.GetClockInfo(nvml.ClockType(domain))
	return v, code(c)
}

func (d *nvmlDevice) EventReasons() (uint64, code) {
	v, c := d.dev.GetCurrentClocksEventReasons()
	return v, code(c)
}

func (d *nvmlDevice) ThrottleReasons() (uint64, code) {
	v, c := d.dev.GetCurrentClocksThrottleReasons()
	return v, code(c)
}

func (d *nvmlDevice) PerformanceState() (uint32, code) {
	v, c := d.dev.GetPerformanceState()
	return uint32(v), code(c)
}

func (d *nvmlDevice) PowerUsage() (uint32, code) {
	v, c := d.dev.GetPowerUsage()
	return v, code(c)
}

func (d *nvmlDevice) EnforcedPowerLimit() (uint32, code) {
	v, c := d.dev.GetEnforcedPowerLimit()
	return v, code(c)
}

func (d *nvmlDevice) Energy() (uint64, code) {
	v, c := d.dev.GetTotalEnergyConsumption()
	return v, code(c)
}

// Fields fills the buffer anew each time, with fields that have no data: a
// driver leaves what it does not answer as it was. go-nvml cannot be given an
// empty slice.
func (d *nvmlDevice) Fields(ids []uint32, out []field) code {
	if len(ids) == 0 {
		return ok
	}
	if len(d.fields) != len(ids) {
		d.fields = make([]nvml.FieldValue, len(ids))
	}
	for i, id := range ids {
		d.fields[i] = nvml.FieldValue{FieldId: id, NvmlReturn: uint32(noData)}
	}
	if c := d.dev.GetFieldValues(d.fields); c != nvml.SUCCESS {
		return code(c)
	}
	for i := range d.fields {
		out[i] = decodeField(&d.fields[i])
	}
	return ok
}

// decodeField reads the value by the type that the driver says it has.
func decodeField(f *nvml.FieldValue) field {
	out := field{code: code(f.NvmlReturn)}
	if out.code != ok {
		return out
	}
	bits := binary.NativeEndian.Uint64(f.Value[:])
	low := binary.NativeEndian.Uint32(f.Value[:])
	switch nvml.ValueType(f.ValueType) {
	case nvml.VALUE_TYPE_DOUBLE:
		out.value = math.Float64frombits(bits)
	case nvml.VALUE_TYPE_UNSIGNED_INT:
		out.value = float64(low)
	case nvml.VALUE_TYPE_UNSIGNED_LONG, nvml.VALUE_TYPE_UNSIGNED_LONG_LONG:
		out.value = float64(bits)
	case nvml.VALUE_TYPE_SIGNED_LONG_LONG:
		out.value = float64(int64(bits))
	case nvml.VALUE_TYPE_SIGNED_INT:
		out.value = float64(int32(low))
	case nvml.VALUE_TYPE_UNSIGNED_SHORT:
		out.value = float64(binary.NativeEndian.Uint16(f.Value[:]))
	default:
		out.code = argumentVersion
	}
	return out
}

func (d *nvmlDevice) ComputeProcesses() ([]process, code) {
	list, c := d.dev.GetComputeRunningProcesses()
	return processes(list), code(c)
}

func (d *nvmlDevice) GraphicsProcesses() ([]process, code) {
	list, c := d.dev.GetGraphicsRunningProcesses()
	return processes(list), code(c)
}

func processes(list []nvml.ProcessInfo) []process {
	out := make([]process, len(list))
	for i, p := range list {
		out[i] = process{pid: int(p.Pid), used: p.UsedGpuMemory}
	}
	return out
}
