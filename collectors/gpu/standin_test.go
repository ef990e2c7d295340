//go:build linux && cgo && !nonvml

package gpu

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/gpu/gputest"
)

// standin starts a driver on the stand-in library, with GPUs of fixed values.
func standin(t *testing.T, cfg Config, gpus int, drop ...string) (*harness, *gputest.Library) {
	t.Helper()
	lib := gputest.Build(t, t.TempDir(), drop...)
	lib.GPUs(gpus)
	for i := range gpus {
		lib.State(i, gputest.Fixed)
	}
	cfg.Library = lib.Path
	return run(t, cfg, nil), lib
}

// happened counts the events of a kind whose text holds the words.
func (h *harness) happened(kind sample.EventKind, words string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, e := range h.events {
		if e.Kind == kind && strings.Contains(e.Text, words) {
			n++
		}
	}
	return n
}

func TestEveryValueInBaseUnits(t *testing.T) {
	h, _ := standin(t, Config{}, 2)
	const gib = 1 << 30
	for i, got := range []map[string]float64{h.up("gpu0"), h.up("gpu1")} {
		g := fmt.Sprintf("gpu%d", i)
		check(t, got, "hw.gpu.utilization "+g+" general", 0.50+float64(i)/100)
		check(t, got, "hwx.gpu.memory.io.utilization "+g, 0.25)
		check(t, got, "hw.gpu.memory.usage "+g, 20*gib)
		check(t, got, "hw.gpu.memory.limit "+g, 80*gib)
		check(t, got, "hw.gpu.memory.utilization "+g, 0.25)
		check(t, got, "hwx.gpu.memory.reserved "+g, gib)
		check(t, got, "hwx.gpu.memory.free "+g, 59*gib)
		check(t, got, "hw.power "+g+" gpu gpu instant", 250)
		check(t, got, "hw.power "+g+" gpu gpu average_1s", 240)
		check(t, got, "hw.energy "+g+" gpu", 5000)
		check(t, got, "hwx.gpu.power.limit "+g+" enforced", 500)
		check(t, got, "hwx.gpu.power.utilization "+g, 0.48)
		check(t, got, "hw.temperature "+g+" gpu", 60+float64(i))
		check(t, got, "hw.temperature "+g+" memory", 70)
		check(t, got, "hwx.gpu.clock.frequency "+g+" sm", 1500e6)
		check(t, got, "hwx.gpu.clock.frequency "+g+" memory", 2600e6)
		check(t, got, "hwx.gpu.clock.event_reason "+g+" sw_power_cap", 1)
		check(t, got, "hwx.gpu.clock.event_reason "+g+" gpu_idle", 0)
		check(t, got, "hw.status "+g+" gpu ok", 1)
		check(t, got, "hw.status "+g+" gpu failed", 0)
		absent(t, got, "hw.power "+g+" gpu gpu")
	}
	want := sample.GPU{Name: "SIMULATED GPU (NVML stand-in)", UUID: "GPU-51d00000-0000-4000-8000-000000000001",
		MemoryTotal: 80 * gib, CUDACores: 16896, Architecture: "Hopper", PCIBusID: "00000000:02:00.0"}
	if len(h.facts.GPUs) != 2 || h.facts.GPUs[1] != want {
		t.Errorf("facts: got %+v, want %+v second of two", h.facts.GPUs, want)
	}
	if h.facts.GPUDriver != "580.01" || h.facts.CUDAVersion != "13.0" || h.facts.GPUStatus != "" {
		t.Errorf("facts: got driver %q, CUDA %q, status %q", h.facts.GPUDriver, h.facts.CUDAVersion, h.facts.GPUStatus)
	}
}

func TestOldDriverFallsBack(t *testing.T) {
	h, _ := standin(t, Config{}, 1, gputest.OldDriver...)
	got := h.until("slow calls too", func(got map[string]float64) bool { _, found := got["hwx.gpu.power.limit gpu0 enforced"]; return found })
	check(t, got, "hw.gpu.memory.usage gpu0 true", 21<<30)
	absent(t, got, "hw.gpu.memory.usage gpu0")
	absent(t, got, "hwx.gpu.memory.reserved gpu0")
	check(t, got, "hw.temperature gpu0 gpu", 60)
	absent(t, got, "hw.temperature gpu0 memory")
	check(t, got, "hw.power gpu0 gpu gpu", 240)
	check(t, got, "hw.energy gpu0 gpu", 5000)
	check(t, got, "hwx.gpu.power.utilization gpu0", 0.48)
	check(t, got, "hwx.gpu.clock.event_reason gpu0 sw_power_cap", 1)
}

// TestCallsPerTick is the cost test: the stand-in counts the calls.
func TestCallsPerTick(t *testing.T) {
	for name, drop := range map[string][]string{"new": nil, "old": gputest.OldDriver} {
		t.Run(name, func(t *testing.T) {
			h, lib := standin(t, Config{}, 2, drop...)
			lib.Processes(0, gputest.Process{PID: 10, UsedBytes: 1}, gputest.Process{PID: 11, UsedBytes: 1},
				gputest.Process{PID: 12, Graphics: true}, gputest.Process{PID: 13, Graphics: true})
			h.up("gpu0")
			var most, sum uint64
			const ticks = 60
			for range ticks {
				before := lib.Calls(0)
				h.tick()
				n := lib.Calls(0) - before
				most, sum = max(most, n), sum+n
			}
			if most > maxCallsPerTick || sum < 6*ticks {
				t.Errorf("driver calls per GPU: most in a tick %d, in all %d over %d ticks, want at most %d a tick",
					most, sum, ticks, maxCallsPerTick)
			}
			t.Logf("driver calls per GPU and tick: most %d, mean %.2f", most, float64(sum)/ticks)
		})
	}
}

func TestMissingFunctionIsAMissingNumber(t *testing.T) {
	h, lib := standin(t, Config{}, 1, "nvmlDeviceGetUtilizationRates")
	lib.Answer(0, "DeviceGetClockInfo", uint32(noPermission))
	got := h.up("gpu0")
	absent(t, got, "hw.gpu.utilization gpu0 general")
	absent(t, got, "hwx.gpu.clock.frequency gpu0 sm")
	check(t, got, "hw.temperature gpu0 gpu", 60)
	for range 20 {
		h.tick()
	}
	if n := strings.Count(h.logs.String(), "closed to this user"); n != 2 {
		t.Errorf("refused calls logged %d times, want once for each of the two:\n%s", n, h.logs)
	}
	lib.Answer(0, "DeviceGetClockInfo", 0)
	h.clock.Add(int64(parkFor))
	check(t, h.tick(), "hwx.gpu.clock.frequency gpu0 sm", 1500e6)
}

// TestHangingCallDelaysNobody lets every call on gpu0 hang: gpu1 goes on at
// once, gpu0 is declared stuck, nothing grows, and gpu0 returns.
func TestHangingCallDelaysNobody(t *testing.T) {
	const late = 500 * time.Millisecond
	h, lib := standin(t, Config{Late: late, Stuck: 5 * time.Second}, 2)
	h.up("gpu0")
	h.up("gpu1")
	lib.Delay(0, "DeviceGetUtilizationRates", time.Hour)
	h.until("gpu0 late", func(got map[string]float64) bool { _, there := got["hwx.gpu.collect.up gpu0"]; return !there })
	goroutines, start := runtime.NumGoroutine(), time.Now()
	const ticks = 1000
	answered := 0
	for i := range ticks {
		got := h.tick()
		answered += int(got["hwx.gpu.collect.up gpu1"])
		absent(t, got, "hw.temperature gpu0 gpu")
		if up, there := got["hwx.gpu.collect.up gpu0"]; i > 10 && (!there || up != 0) {
			t.Fatalf("tick %d: up of the stuck GPU is %v (there: %v), want 0", i, up, there)
		}
	}
	if elapsed := time.Since(start); elapsed > 100*late {
		t.Errorf("%d ticks took %v: they wait for the stuck GPU", ticks, elapsed)
	}
	if answered < ticks*9/10 {
		t.Errorf("gpu1 answered on %d of %d ticks", answered, ticks)
	}
	if n := settled(goroutines); n > goroutines {
		t.Errorf("goroutines went from %d to %d", goroutines, n)
	}
	if n := h.happened(sample.EventCollector, "gpu0"); n != 1 {
		t.Errorf("%d events about the stuck call, want 1", n)
	}
	lib.Delay(0, "DeviceGetUtilizationRates", 0)
	check(t, h.up("gpu0"), "hw.temperature gpu0 gpu", 60)
}

// TestHangingStartDelaysTheFirstTickOnly: a library that does not come up must
// not hold up every tick.
func TestHangingStartDelaysTheFirstTickOnly(t *testing.T) {
	lib := gputest.Build(t, t.TempDir())
	lib.Delay(gputest.System, "Init", time.Hour)
	h := run(t, Config{Library: lib.Path}, nil)
	start := time.Now()
	const ticks = 200
	for range ticks {
		if got := h.tick(); len(got) != 0 {
			t.Fatalf("values before the library is up: %v", got)
		}
	}
	if elapsed := time.Since(start); elapsed > ticks/4*startWait {
		t.Errorf("%d ticks took %v: each waits for the library", ticks, elapsed)
	}
	if s := h.d.Status(); s.State != Initialising || s.Reason == "" {
		t.Errorf("status: got %+v, want initialising with a reason", s)
	}
	lib.Delay(gputest.System, "Init", 0)
	h.up("gpu0")
}

// TestFirstTickWaitsForAGPUThatWakes: without persistence mode the first call
// powers the GPU up, which takes longer than a tick is worth later.
func TestFirstTickWaitsForAGPUThatWakes(t *testing.T) {
	h, lib := standin(t, Config{Late: time.Millisecond}, 1)
	lib.Delay(0, "DeviceGetUtilizationRates", time.Hour)
	<-h.d.opened
	start := time.Now()
	absent(t, h.tick(), "hw.gpu.utilization gpu0 general")
	if waited := time.Since(start); waited < startWait*9/10 {
		t.Errorf("the first tick waited %v for a GPU that does not answer, want %v", waited, startWait)
	}
	lib.Delay(0, "DeviceGetUtilizationRates", 0)
	h.up("gpu0")
}

func TestMoreThanTwoStuckStopsCollection(t *testing.T) {
	h, lib := standin(t, Config{Late: 100 * time.Millisecond}, 4)
	h.up("gpu3")
	for i := range 3 {
		lib.Delay(i, "DeviceGetMemoryInfo_v2", time.Hour)
	}
	h.until("collection stopped", func(map[string]float64) bool { return h.d.stopped })
	before := lib.Calls(3)
	for range 20 {
		h.tick()
	}
	if n := lib.Calls(3) - before; n != 0 {
		t.Errorf("the healthy GPU got %d calls from a stopped collector, want 0", n)
	}
	for i := range 3 {
		lib.Delay(i, "DeviceGetMemoryInfo_v2", 0)
	}
	h.up("gpu3")
}

func TestLostGPUComesBack(t *testing.T) {
	h, lib := standin(t, Config{}, 2)
	h.up("gpu0")
	lib.State(0, gputest.Lost)
	got := h.until("gpu0 failed", func(got map[string]float64) bool { return got["hw.status gpu0 gpu failed"] == 1 })
	check(t, got, "hwx.gpu.collect.up gpu0", 0)
	check(t, got, "hw.temperature gpu1 gpu", 61)
	absent(t, got, "hw.temperature gpu0 gpu")
	if n := h.happened(sample.EventDeviceLost, "gpu0"); n != 1 {
		t.Errorf("%d events about the lost GPU, want 1", n)
	}
	before := lib.Calls(0) + lib.Count(gputest.System, "DeviceGetHandleByUUID")
	for range 30 {
		h.tick()
	}
	if n := lib.Calls(0) + lib.Count(gputest.System, "DeviceGetHandleByUUID") - before; n > 1 {
		t.Errorf("a lost GPU got %d calls in 30 s, want at most one look", n)
	}
	lib.State(0, gputest.Fixed)
	h.clock.Add(int64(probeEvery))
	check(t, h.up("gpu0"), "hw.temperature gpu0 gpu", 60)
	if n := h.happened(sample.EventDeviceBack, "gpu0"); n != 1 {
		t.Errorf("%d events about the GPU's return, want 1", n)
	}
}

func TestNoDriver(t *testing.T) {
	h := run(t, Config{Library: filepath.Join(t.TempDir(), "libnvidia-ml.so.1")}, nil)
	for range 5 {
		if got := h.tick(); len(got) != 0 {
			t.Errorf("values without a driver: %v", got)
		}
		time.Sleep(2 * fastPace.look)
	}
	if n := strings.Count(h.logs.String(), "\n"); n != 1 || !strings.Contains(h.logs.String(), "level=INFO") {
		t.Errorf("log without a driver, want one info line:\n%s", h.logs)
	}
	if s := h.d.Status(); s.State != Absent || h.facts.GPUStatus != s.Reason || s.Reason == "" {
		t.Errorf("status %+v, facts say %q", s, h.facts.GPUStatus)
	}
}

// TestLibraryWithoutKernelDriver: many container images are like that.
func TestLibraryWithoutKernelDriver(t *testing.T) {
	lib := gputest.Build(t, t.TempDir())
	lib.Answer(gputest.System, "Init", uint32(driverNotLoaded))
	h := run(t, Config{Library: lib.Path}, nil)
	h.until("tried thrice", func(map[string]float64) bool { return lib.Count(gputest.System, "Init") > 2 })
	if n := strings.Count(h.logs.String(), "\n"); n != 1 || !strings.Contains(h.logs.String(), "level=INFO") {
		t.Errorf("want one info line:\n%s", h.logs)
	}
	if got := h.d.Explain(); len(got) != 1 || !strings.Contains(got[0].Reason, "driver not loaded") || got[0].Remedy == "" {
		t.Errorf("Explain: got %+v", got)
	}
}

func TestDriverAppearsLater(t *testing.T) {
	dir := t.TempDir()
	h := run(t, Config{Library: filepath.Join(dir, "libnvidia-ml.so.1")}, nil)
	h.tick()
	gputest.Build(t, dir)
	h.up("gpu1")
}

// TestDriverReplacedWhileRunning is an upgrade: the old library answers that
// it does not match the kernel any more, and the file is another.
func TestDriverReplacedWhileRunning(t *testing.T) {
	h, lib := standin(t, Config{}, 2)
	h.up("gpu1")
	for i := range 2 {
		lib.Answer(i, "DeviceGetUtilizationRates", uint32(versionMismatch))
	}
	lib.Answer(gputest.System, "Init", uint32(versionMismatch))
	h.until("library lost", func(got map[string]float64) bool { return h.d.Status().State == Lost })
	got := h.tick()
	check(t, got, "hwx.gpu.collect.up gpu0", 0)
	absent(t, got, "hw.temperature gpu0 gpu")

	gputest.Compile(t, lib.Path, "-DSTANDIN_DRIVER_MINOR=2")
	for i := range 2 {
		lib.Answer(i, "DeviceGetUtilizationRates", 0)
	}
	lib.Answer(gputest.System, "Init", 0)
	got = h.until("both are read again", func(got map[string]float64) bool {
		return got["hwx.gpu.collect.up gpu0"] == 1 && got["hwx.gpu.collect.up gpu1"] == 1 &&
			h.facts.GPUDriver == "580.02" && h.happened(sample.EventCollector, "answers again") == 1
	})
	// The first GPU that meets the mismatch takes the library away from both.
	if n := got["hwx.gpu.collect.errors gpu0 GetUtilizationRates"] + got["hwx.gpu.collect.errors gpu1 GetUtilizationRates"]; n < 1 {
		t.Errorf("errors counted: %v after the upgrade, want the one before it", n)
	}
	if h.happened(sample.EventCollector, "version mismatch") == 0 || len(h.facts.GPUs) != 2 {
		t.Errorf("after the upgrade: events %+v and %d GPUs, want one of the failure, and 2", h.events, len(h.facts.GPUs))
	}
}

// TestSilentGPUKeepsNumbers starts with gpu0 off the bus: gpu1 is still gpu1,
// and gpu0 is found when it answers.
func TestSilentGPUKeepsNumbers(t *testing.T) {
	lib := gputest.Build(t, t.TempDir())
	lib.State(0, gputest.Lost)
	lib.State(1, gputest.Fixed)
	h := run(t, Config{Library: lib.Path}, nil)
	got := h.up("gpu1")
	check(t, got, "hw.temperature gpu1 gpu", 61)
	absent(t, got, "hwx.gpu.collect.up gpu0")
	if !strings.Contains(h.facts.GPUStatus, "GPU 0: GPU is lost") {
		t.Errorf("GPUStatus: got %q", h.facts.GPUStatus)
	}
	goroutines := runtime.NumGoroutine()
	for range 10 {
		time.Sleep(fastPace.look)
		h.tick()
	}
	if n := settled(goroutines); n > goroutines {
		t.Errorf("goroutines went from %d to %d while looking for gpu0: want one worker a GPU", goroutines, n)
	}
	lib.State(0, gputest.Fixed)
	check(t, h.up("gpu0"), "hw.temperature gpu0 gpu", 60)
}

// TestRunEndsWhileACallHangs: the end does not wait for ever.
func TestRunEndsWhileACallHangs(t *testing.T) {
	lib := gputest.Build(t, t.TempDir())
	d := New(Config{Library: lib.Path, Late: 10 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); d.Run(ctx, func(sample.Event) {}) }()
	lib.Delay(0, "DeviceGetTemperatureV", time.Hour)
	var f sample.Frame
	schema := sample.NewSchema(0)
	for start := time.Now(); lib.Count(0, "DeviceGetTemperatureV") == 0; {
		if err := d.Collect(ctx, &f); err == sample.ErrChanged {
			d.Describe(schema)
		}
		if time.Since(start) > deadline {
			t.Fatal("the hanging call was never made")
		}
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(deadline):
		t.Error("Run did not return while a call hung")
	}
	lib.Delay(0, "DeviceGetTemperatureV", 0) // so that the gate closes for the next test
	for start := time.Now(); lib.Count(gputest.System, "Shutdown") == 0 && time.Since(start) < deadline; {
		time.Sleep(time.Millisecond)
	}
}

func TestStandInStructuresMatchGo(t *testing.T) {
	sizes := map[string]uintptr{
		"Utilization": unsafe.Sizeof(nvml.Utilization{}), "Memory": unsafe.Sizeof(nvml.Memory{}),
		"Memory_v2": unsafe.Sizeof(nvml.Memory_v2{}), "Temperature": unsafe.Sizeof(nvml.Temperature{}),
		"ProcessInfo_v1": unsafe.Sizeof(nvml.ProcessInfo_v1{}), "ProcessInfo": unsafe.Sizeof(nvml.ProcessInfo{}),
		"FieldValue": unsafe.Sizeof(nvml.FieldValue{}), "PciInfo": unsafe.Sizeof(nvml.PciInfo{}),
	}
	got := make(map[string]uintptr)
	for line := range strings.Lines(gputest.Sizes(t)) {
		var name string
		var size uintptr
		if _, err := fmt.Sscan(line, &name, &size); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got[name] = size
	}
	for name, want := range sizes {
		if got[name] != want {
			t.Errorf("%s: %d bytes in C, %d in Go", name, got[name], want)
		}
	}
	info, err := os.Stat(filepath.Join(filepath.Dir(gputest.Build(t, t.TempDir()).Path), "standin.ctl"))
	if err != nil || uintptr(info.Size()) != got["control"] {
		t.Errorf("control file: %v bytes in Go, %d in C (%v)", info.Size(), got["control"], err)
	}
}

func TestFieldsOfNoIDsAskNothing(t *testing.T) {
	if c := (&nvmlDevice{}).Fields(nil, nil); c != ok {
		t.Errorf("no ids: got %v", c)
	}
}

// forgetful answers the first batch of fields and leaves the second untouched.
type forgetful struct {
	nvml.Device
	calls int
}

func (f *forgetful) GetFieldValues(values []nvml.FieldValue) nvml.Return {
	if f.calls++; f.calls == 1 {
		for i := range values {
			values[i].NvmlReturn, values[i].Value = 0, [8]byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}
		}
	}
	return nvml.SUCCESS
}

func TestFieldThatIsNotAnsweredIsAbsent(t *testing.T) {
	d := &nvmlDevice{dev: &forgetful{}}
	out := make([]field, 1)
	d.Fields([]uint32{82}, out)
	if out[0] != (field{value: 1, code: ok}) {
		t.Errorf("answered: got %+v", out[0])
	}
	d.Fields([]uint32{82}, out)
	if out[0].code == ok {
		t.Errorf("not answered: got %+v, want no value", out[0])
	}
}

func TestDecodeFieldByItsType(t *testing.T) {
	for _, tt := range []struct {
		kind nvml.ValueType
		raw  [8]byte
		want float64
	}{
		{nvml.VALUE_TYPE_UNSIGNED_INT, [8]byte{1, 0, 0, 0, 9, 9, 9, 9}, 1},
		{nvml.VALUE_TYPE_SIGNED_INT, [8]byte{255, 255, 255, 255, 9}, -1},
		{nvml.VALUE_TYPE_UNSIGNED_LONG_LONG, [8]byte{0, 0, 0, 0, 1}, 1 << 32},
		{nvml.VALUE_TYPE_SIGNED_LONG_LONG, [8]byte{255, 255, 255, 255, 255, 255, 255, 255}, -1},
		{nvml.VALUE_TYPE_UNSIGNED_SHORT, [8]byte{7, 0, 9}, 7},
		{nvml.VALUE_TYPE_DOUBLE, [8]byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}, 1},
	} {
		if got := decodeField(&nvml.FieldValue{ValueType: uint32(tt.kind), Value: tt.raw}); got.value != tt.want || got.code != ok {
			t.Errorf("type %d of % x: got %+v, want %v", tt.kind, tt.raw, got, tt.want)
		}
	}
	if got := decodeField(&nvml.FieldValue{ValueType: 99}); got.code == ok {
		t.Error("a type that no header has: got a value")
	}
}

// TestTickAllocationsThroughNVML: go-nvml makes one small object for each call
// that fills a variable; the batch of fields makes none.
func TestTickAllocationsThroughNVML(t *testing.T) {
	skipUnderRace(t)
	h, _ := standin(t, Config{}, 1)
	h.up("gpu0")
	const perTick = 6 // utilization, memory, temperature, two clocks, reasons
	n := h.allocations()
	if n > perTick+2 {
		t.Errorf("a tick allocates %v times, want about %d", n, perTick)
	}
	t.Logf("allocations of a tick of one GPU through go-nvml: %v", n)
}

// settled counts goroutines, and waits a while for those above want: one of
// the runtime's own may be passing.
func settled(want int) int {
	n := runtime.NumGoroutine()
	for wait := time.Millisecond; n > want && wait < 5*time.Second; wait *= 2 {
		time.Sleep(wait)
		n = runtime.NumGoroutine()
	}
	return n
}
