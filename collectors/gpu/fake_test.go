package gpu

import "testing"

// fakeDevice is a GPU in Go: it answers with plain numbers, or with the code
// set for a call.
type fakeDevice struct {
	answers map[string]code // by method name
	calls   map[string]int
	joules  uint64
	fields  [len(fieldIDs)]field
	list    []process
}

func newFake() *fakeDevice {
	f := &fakeDevice{answers: map[string]code{}, calls: map[string]int{}}
	for i := range f.fields {
		f.fields[i] = field{value: 1000}
	}
	return f
}

func (f *fakeDevice) did(name string) code {
	f.calls[name]++
	return f.answers[name]
}

func (f *fakeDevice) all(c code) {
	for _, name := range []string{"Utilization", "Memory", "MemoryV1", "TemperatureV1", "Temperature", "Clock",
		"EventReasons", "ThrottleReasons", "PerformanceState", "PowerUsage", "EnforcedPowerLimit", "Energy",
		"Fields", "ComputeProcesses", "GraphicsProcesses"} {
		f.answers[name] = c
	}
}

func (f *fakeDevice) UUID() (string, code)                { return "GPU-fake", f.did("UUID") }
func (f *fakeDevice) Name() (string, code)                { return "Fake", f.did("Name") }
func (f *fakeDevice) PCIBusID() (string, code)            { return "00000000:01:00.0", f.did("PCIBusID") }
func (f *fakeDevice) Architecture() (uint32, code)        { return 9, f.did("Architecture") }
func (f *fakeDevice) Cores() (uint32, code)               { return 1, f.did("Cores") }
func (f *fakeDevice) Utilization() (uint32, uint32, code) { return 50, 25, f.did("Utilization") }
func (f *fakeDevice) Memory() (memory, code)              { return memory{100, 10, 40, 50}, f.did("Memory") }
func (f *fakeDevice) MemoryV1() (memory, code)            { return memory{100, 0, 40, 60}, f.did("MemoryV1") }
func (f *fakeDevice) TemperatureV1() (int32, code)        { return 60, f.did("TemperatureV1") }
func (f *fakeDevice) Temperature() (uint32, code)         { return 60, f.did("Temperature") }
func (f *fakeDevice) Clock(uint32) (uint32, code)         { return 1000, f.did("Clock") }
func (f *fakeDevice) EventReasons() (uint64, code)        { return 4, f.did("EventReasons") }
func (f *fakeDevice) ThrottleReasons() (uint64, code)     { return 4, f.did("ThrottleReasons") }
func (f *fakeDevice) PerformanceState() (uint32, code)    { return 0, f.did("PerformanceState") }
func (f *fakeDevice) PowerUsage() (uint32, code)          { return 1000, f.did("PowerUsage") }
func (f *fakeDevice) EnforcedPowerLimit() (uint32, code)  { return 2000, f.did("EnforcedPowerLimit") }
func (f *fakeDevice) Energy() (uint64, code)              { return f.joules * 1000, f.did("Energy") }
func (f *fakeDevice) Fields(_ []uint32, out []field) code {
	copy(out, f.fields[:])
	return f.did("Fields")
}
func (f *fakeDevice) ComputeProcesses() ([]process, code) { return f.list, f.did("ComputeProcesses") }
func (f *fakeDevice) GraphicsProcesses() ([]process, code) {
	return nil, f.did("GraphicsProcesses")
}

// fakeLibrary is a library of fake devices; it is always there.
type fakeLibrary struct{ devices []*fakeDevice }

func (fakeLibrary) Open() error                    { return nil }
func (fakeLibrary) Init() code                     { return ok }
func (fakeLibrary) Close()                         {}
func (fakeLibrary) DriverVersion() (string, code)  { return "1.0", ok }
func (fakeLibrary) CUDAVersion() (int, code)       { return 12040, ok }
func (l fakeLibrary) Count() (int, code)           { return len(l.devices), ok }
func (l fakeLibrary) ByIndex(i int) (device, code) { return l.devices[i], ok }
func (l fakeLibrary) ByUUID(string) (device, code) { return l.devices[0], ok }

// TestTickDoesNotAllocate counts what the collector itself allocates; go-nvml
// adds one small object per call, see TestTickAllocationsThroughNVML.
func TestTickDoesNotAllocate(t *testing.T) {
	skipUnderRace(t)
	h := run(t, Config{}, fakeLibrary{[]*fakeDevice{newFake()}})
	h.up("gpu0")
	if n := h.allocations(); n != 0 {
		t.Errorf("a tick allocates %v times, want 0", n)
	}
}

// allocations is the mean number of allocations of a tick, in all goroutines.
func (h *harness) allocations() float64 {
	h.t.Helper()
	return testing.AllocsPerRun(100, func() {
		h.clock.Add(1e9)
		h.frame.Reset()
		if err := h.d.Collect(h.t.Context(), &h.frame); err != nil {
			h.t.Fatal(err)
		}
	})
}
