package gpu

// call names one thing that is asked of a GPU on a tick. Where drivers have
// more than one way to ask it, the ways are tried in order.
type call uint8

const (
	callUtilization call = iota
	callMemory
	callTemperature
	callClockSM
	callClockMemory
	callReasons
	callFields
	callPower
	callEnergy
	callLimit
	callPerformanceState
	callCompute
	callGraphics
	callCount
)

// calls is what a tick does, in this order.
var calls = [callCount]struct {
	name   string // of the NVML function, for people
	gives  string // the metrics that are absent without it
	slow   bool   // asked every 10 s instead of every tick
	cost   int    // driver calls set aside for it
	needed func(*reading) bool
	ways   []func(*reader) code
}{
	callUtilization:      {name: "GetUtilizationRates", gives: "hw.gpu.utilization, hwx.gpu.memory.io.utilization", cost: 1, ways: ways((*reader).utilization)},
	callMemory:           {name: "GetMemoryInfo", gives: "hw.gpu.memory.usage, hw.gpu.memory.limit", cost: 1, ways: ways((*reader).memory, (*reader).memoryV1)},
	callTemperature:      {name: "GetTemperature", gives: "hw.temperature", cost: 1, ways: ways((*reader).temperatureV1, (*reader).temperature)},
	callClockSM:          {name: "GetClockInfo sm", gives: "hwx.gpu.clock.frequency", cost: 1, ways: ways((*reader).clockSM)},
	callClockMemory:      {name: "GetClockInfo memory", gives: "hwx.gpu.clock.frequency", cost: 1, ways: ways((*reader).clockMemory)},
	callReasons:          {name: "GetCurrentClocksEventReasons", gives: "hwx.gpu.clock.event_reason", cost: 1, ways: ways((*reader).eventReasons, (*reader).throttleReasons)},
	callFields:           {name: "GetFieldValues", cost: 1, ways: ways((*reader).fieldValues)},
	callPower:            {name: "GetPowerUsage", gives: "hw.power", cost: 1, needed: without(powerInstant, powerAverage), ways: ways((*reader).power)},
	callEnergy:           {name: "GetTotalEnergyConsumption", gives: "hw.energy", cost: 1, needed: without(energy), ways: ways((*reader).energy)},
	callLimit:            {name: "GetEnforcedPowerLimit", gives: "hwx.gpu.power.limit", slow: true, cost: 1, needed: without(powerLimit), ways: ways((*reader).limit)},
	callPerformanceState: {name: "GetPerformanceState", gives: "hwx.gpu.pstate", slow: true, cost: 1, ways: ways((*reader).performanceState)},
	// go-nvml asks again when its first guess of the list's length was short.
	callCompute:  {name: "GetComputeRunningProcesses", gives: "hwx.gpu.run.member, hwx.process.gpu.memory.usage", slow: true, cost: 2, ways: ways((*reader).computeProcesses)},
	callGraphics: {name: "GetGraphicsRunningProcesses", gives: "hwx.process.gpu.memory.usage", slow: true, cost: 2, ways: ways((*reader).graphicsProcesses)},
}

func ways(w ...func(*reader) code) []func(*reader) code { return w }

// without reports readings that lack all of the values: the call that gives
// them is then needed.
func without(values ...value) func(*reading) bool {
	var mask uint64
	for _, v := range values {
		mask |= 1 << v
	}
	return func(r *reading) bool { return r.has&mask == 0 }
}

func (r *reader) utilization() code {
	gpuPercent, memoryPercent, c := r.dev.Utilization()
	if c == ok {
		r.out.set(utilizationGPU, float64(gpuPercent)/100)
		r.out.set(utilizationMemory, float64(memoryPercent)/100)
	}
	return c
}

func (r *reader) memory() code {
	m, c := r.dev.Memory()
	if c == ok {
		r.out.set(memoryUsed, float64(m.used))
		r.out.set(memoryReserved, float64(m.reserved))
		r.setMemory(m)
	}
	return c
}

func (r *reader) memoryV1() code {
	m, c := r.dev.MemoryV1()
	if c == ok {
		r.out.set(memoryUsedV1, float64(m.used))
		r.setMemory(m)
	}
	return c
}

func (r *reader) setMemory(m memory) {
	r.out.set(memoryLimit, float64(m.total))
	r.out.set(memoryFree, float64(m.free))
	if m.total > 0 {
		r.out.set(memoryUtilization, float64(m.used)/float64(m.total))
	}
}

func (r *reader) temperatureV1() code {
	celsius, c := r.dev.TemperatureV1()
	if c == ok {
		r.out.set(temperatureGPU, float64(celsius))
	}
	return c
}

func (r *reader) temperature() code {
	celsius, c := r.dev.Temperature()
	if c == ok {
		r.out.set(temperatureGPU, float64(celsius))
	}
	return c
}

// Clock domains as numbered in nvml.h.
const (
	domainSM     = 1
	domainMemory = 2
)

func (r *reader) clockSM() code     { return r.clock(domainSM, clockSM) }
func (r *reader) clockMemory() code { return r.clock(domainMemory, clockMemory) }

func (r *reader) clock(domain uint32, v value) code {
	megahertz, c := r.dev.Clock(domain)
	if c == ok {
		r.out.set(v, float64(megahertz)*1e6)
	}
	return c
}

func (r *reader) eventReasons() code    { return r.setReasons(r.dev.EventReasons()) }
func (r *reader) throttleReasons() code { return r.setReasons(r.dev.ThrottleReasons()) }

func (r *reader) setReasons(mask uint64, c code) code {
	if c == ok {
		for i := range reasons {
			r.out.set(firstReason+value(i), float64(mask>>i&1))
		}
	}
	return c
}

// fields are the field ids of nvml.h that are read in one call, with the value
// each fills and the factor to its base unit.
var (
	fieldIDs     = [...]uint32{82, 185, 186, 190, 83}
	fieldTargets = [...]struct {
		value value
		scale float64
	}{{temperatureMemory, 1}, {powerAverage, 1e-3}, {powerInstant, 1e-3}, {powerLimit, 1e-3}, {energy, 1e-3}}
)

func (r *reader) fieldValues() code {
	c := r.dev.Fields(fieldIDs[:], r.fields[:])
	if c != ok {
		return c
	}
	for i, f := range r.fields {
		if f.code == ok {
			r.out.set(fieldTargets[i].value, f.value*fieldTargets[i].scale)
		} else if cl := f.code.class(); cl == classLost || cl == classReset || cl == classLibrary {
			return f.code
		}
	}
	return ok
}

func (r *reader) power() code {
	milliwatts, c := r.dev.PowerUsage()
	if c == ok {
		r.out.set(powerUsage, float64(milliwatts)*1e-3)
	}
	return c
}

func (r *reader) energy() code {
	millijoules, c := r.dev.Energy()
	if c == ok {
		r.out.set(energy, float64(millijoules)*1e-3)
	}
	return c
}

func (r *reader) limit() code {
	milliwatts, c := r.dev.EnforcedPowerLimit()
	if c == ok {
		r.out.set(powerLimit, float64(milliwatts)*1e-3)
	}
	return c
}

// unknownState is what the driver answers when it cannot tell.
const unknownState = 32

func (r *reader) performanceState() code {
	state, c := r.dev.PerformanceState()
	if c == ok && state < unknownState {
		r.out.set(performanceState, float64(state))
	}
	return c
}

func (r *reader) computeProcesses() code {
	list, c := r.dev.ComputeProcesses()
	r.compute = processList{list, c == ok}
	return c
}

func (r *reader) graphicsProcesses() code {
	list, c := r.dev.GraphicsProcesses()
	r.graphics = processList{list, c == ok}
	return c
}
