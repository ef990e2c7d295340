package gpu

import (
	"github.com/wandb-agent/wandb-agent/agent/catalog"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// value names one number of a GPU's reading, and so one series per GPU.
type value uint8

const (
	utilizationGPU value = iota
	utilizationMemory
	memoryUsed
	memoryUsedV1
	memoryLimit
	memoryUtilization
	memoryReserved
	memoryFree
	powerInstant
	powerAverage
	powerUsage
	energy
	powerLimit
	powerUtilization
	temperatureGPU
	temperatureMemory
	clockSM
	clockMemory
	performanceState
	firstReason // and those after it, one per entry of reasons
)

// reasons are the clock event reasons in order of their bits.
var reasons = [...]string{
	"gpu_idle", "applications_clocks", "sw_power_cap", "hw_slowdown", "sync_boost",
	"sw_thermal_slowdown", "hw_thermal_slowdown", "hw_power_brake", "display_clock",
}

const valueCount = int(firstReason) + len(reasons)

// metrics says which row of the catalogue each value belongs to, with the
// label values after hw.id and hw.name.
var metrics = [firstReason]struct {
	name   string
	labels []string
}{
	utilizationGPU:    {"hw.gpu.utilization", []string{"general"}},
	utilizationMemory: {"hwx.gpu.memory.io.utilization", nil},
	memoryUsed:        {"hw.gpu.memory.usage", nil},
	memoryUsedV1:      {"hw.gpu.memory.usage", []string{"true"}},
	memoryLimit:       {"hw.gpu.memory.limit", nil},
	memoryUtilization: {"hw.gpu.memory.utilization", nil},
	memoryReserved:    {"hwx.gpu.memory.reserved", nil},
	memoryFree:        {"hwx.gpu.memory.free", nil},
	powerInstant:      {"hw.power", []string{"gpu", "gpu", "instant"}},
	powerAverage:      {"hw.power", []string{"gpu", "gpu", "average_1s"}},
	powerUsage:        {"hw.power", []string{"gpu", "gpu"}},
	energy:            {"hw.energy", []string{"gpu"}},
	powerLimit:        {"hwx.gpu.power.limit", []string{"enforced"}},
	powerUtilization:  {"hwx.gpu.power.utilization", nil},
	temperatureGPU:    {"hw.temperature", []string{"gpu"}},
	temperatureMemory: {"hw.temperature", []string{"memory"}},
	clockSM:           {"hwx.gpu.clock.frequency", []string{"sm"}},
	clockMemory:       {"hwx.gpu.clock.frequency", []string{"memory"}},
	performanceState:  {"hwx.gpu.pstate", nil},
}

// reading is what one tick read from one GPU, in base units.
type reading struct {
	has  uint64 // bit v: value v was read
	vals [valueCount]float64
}

func (r *reading) set(v value, x float64) {
	r.has |= 1 << v
	r.vals[v] = x
}

// get returns a value; false when it was not read.
func (r *reading) get(v value) (float64, bool) { return r.vals[v], r.has&(1<<v) != 0 }

// put adds the values that were read to the frame.
func (r *reading) put(f *sample.Frame, refs *[valueCount]sample.Ref) {
	for v := range r.vals {
		if r.has&(1<<v) != 0 {
			f.Put(refs[v], r.vals[v])
		}
	}
}

// describeValues adds the series of one GPU's values.
func describeValues(s *sample.Schema, refs *[valueCount]sample.Ref, uuid, name string) error {
	for v := range refs {
		metric, labels := "hwx.gpu.clock.event_reason", []string(nil)
		if v < int(firstReason) {
			metric, labels = metrics[v].name, metrics[v].labels
		} else {
			labels = []string{reasons[v-int(firstReason)]}
		}
		ref, err := catalog.Add(s, metric, append([]string{uuid, name}, labels...)...)
		if err != nil {
			return err
		}
		refs[v] = ref
	}
	return nil
}
