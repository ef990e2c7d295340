package gpu

import (
	"log/slog"
	"testing"
	"time"
)

// round is a reader with a clock.
type round struct {
	reader
	fake *fakeDevice
	now  int64
}

func newRound() *round {
	f := newFake()
	return &round{reader: reader{dev: f, log: slog.New(slog.DiscardHandler)}, fake: f, now: int64(time.Hour)}
}

func (r *round) tick() verdict {
	r.now += int64(time.Second)
	return r.read(r.now)
}

func TestReturnCodeOfOneCall(t *testing.T) {
	for _, tt := range []struct {
		answer code
		calls  int // of 21 ticks, with the tick on which it is answered
		errors uint64
		want   verdict
	}{
		{ok, 21, 0, healthy},
		{notSupported, 1, 0, healthy},
		{functionNotFound, 1, 0, healthy},
		{argumentVersion, 1, 0, healthy},
		{deprecated, 1, 0, healthy},
		{noPermission, 1, 1, healthy},
		{operatingSystem, 1, 1, healthy},
		{notFound, 21, 0, healthy},
		{noData, 21, 0, healthy},
		{notReady, 21, 0, healthy},
		{timeout, 21, 0, healthy},
		{999, 5, 5, healthy}, // ticks 1, 2, 4, 8, 16
		{20, 5, 5, healthy},
	} {
		r := newRound()
		r.fake.answers["Utilization"] = tt.answer
		for range 21 {
			if v := r.tick(); v != tt.want {
				t.Errorf("%v: verdict %d, want %d", tt.answer, v, tt.want)
			}
		}
		if n := r.fake.calls["Utilization"]; n != tt.calls {
			t.Errorf("%v: asked %d times in 21 ticks, want %d", tt.answer, n, tt.calls)
		}
		if n := r.errors[callUtilization]; n != tt.errors {
			t.Errorf("%v: %d errors counted, want %d", tt.answer, n, tt.errors)
		}
		if _, there := r.out.get(utilizationGPU); there != (tt.answer == ok) {
			t.Errorf("%v: a value is there: %v", tt.answer, there)
		}
		if _, there := r.out.get(temperatureGPU); !there {
			t.Errorf("%v: the temperature is gone too", tt.answer)
		}
	}
}

func TestReturnCodeOfTheWholeGPU(t *testing.T) {
	for answer, want := range map[code]verdict{
		gpuIsLost: lost, resetRequired: needsReset,
		uninitialized: libraryGone, driverNotLoaded: libraryGone, versionMismatch: libraryGone,
	} {
		r := newRound()
		r.fake.answers["TemperatureV1"] = answer
		if v := r.tick(); v != want || r.cause != answer {
			t.Errorf("%v: verdict %d for %v, want %d", answer, v, r.cause, want)
		}
		if n := r.fake.calls["Clock"]; n != 0 {
			t.Errorf("%v: the tick went on with %d calls", answer, n)
		}
		r = newRound()
		r.fake.fields[2].code = answer
		if v := r.tick(); v != want {
			t.Errorf("%v in a field: verdict %d, want %d", answer, v, want)
		}
	}
}

func TestParkedCallIsAskedAgain(t *testing.T) {
	r := newRound()
	r.fake.answers["Memory"], r.fake.answers["MemoryV1"] = notSupported, notSupported
	r.tick()
	r.tick()
	if n := r.fake.calls["MemoryV1"]; n != 1 {
		t.Errorf("fallback asked %d times, want 1", n)
	}
	r.fake.answers["Memory"] = ok
	r.now += int64(parkFor)
	r.tick()
	if v, there := r.out.get(memoryUsed); !there || v != 50 {
		t.Errorf("after the park: got %v (there: %v), want 50", v, there)
	}
}

func TestInvalidArgumentAfterSuccessMeansStaleHandle(t *testing.T) {
	r := newRound()
	r.fake.answers["Clock"] = invalidArgument
	if v := r.tick(); v != healthy {
		t.Errorf("a call that never worked: verdict %d, want healthy", v)
	}
	r = newRound()
	r.tick()
	r.fake.answers["Clock"] = invalidArgument
	if v := r.tick(); v != staleHandle {
		t.Errorf("a call that worked before: verdict %d, want stale handle", v)
	}
}

func TestAllCallsFailingMeansLost(t *testing.T) {
	r := newRound()
	r.tick()
	r.fake.all(999)
	v, ticks := healthy, 0
	for ; v == healthy && ticks < 300; ticks++ {
		v = r.tick()
	}
	if v != lost || ticks < sickAfter {
		t.Errorf("verdict %d after %d ticks, want lost after some", v, ticks)
	}
	r = newRound()
	r.fake.all(999)
	r.fake.answers["Memory"] = ok
	for range 300 {
		if v := r.tick(); v != healthy {
			t.Fatalf("one call works: verdict %d, want healthy", v)
		}
	}
}

func TestNoFieldNoPowerNoRatio(t *testing.T) {
	r := newRound()
	for i := range r.fake.fields {
		r.fake.fields[i] = field{code: notSupported}
	}
	r.fake.answers["EnforcedPowerLimit"] = notSupported
	r.tick()
	if v, there := r.out.get(powerUsage); !there || v != 1 {
		t.Errorf("power: got %v (there: %v), want 1 W", v, there)
	}
	if _, there := r.out.get(powerUtilization); there {
		t.Error("a share of a limit that is not known")
	}
}

func TestUnknownPerformanceStateIsAbsent(t *testing.T) {
	r := &reader{dev: unknownPState{newFake()}}
	if c := r.performanceState(); c != ok {
		t.Errorf("code: got %v, want ok", c)
	}
	if _, there := r.out.get(performanceState); there {
		t.Error("state 32, unknown, became a value")
	}
}

type unknownPState struct{ *fakeDevice }

func (unknownPState) PerformanceState() (uint32, code) { return 32, ok }

// TestEnergyThatFallsStartsAnew: the driver was loaded again.
func TestEnergyThatFallsStartsAnew(t *testing.T) {
	fake := newFake()
	fake.fields[4].code = notSupported // the energy field
	h := run(t, Config{}, fakeLibrary{[]*fakeDevice{fake}})
	h.up("gpu0")
	ref := h.d.slots[0].refs.values[energy]
	gen := func() uint32 { s, _ := h.schema.Series(ref); return s.Gen }
	for _, step := range []struct {
		joules uint64
		starts uint32
	}{{100, 0}, {200, 0}, {200, 0}, {50, 1}, {60, 0}} {
		before := gen()
		fake.joules = step.joules
		h.tick()
		if got := gen() - before; got != step.starts {
			t.Errorf("energy %d J: %d new starts, want %d", step.joules, got, step.starts)
		}
	}
}

func TestCodesHaveText(t *testing.T) {
	if got := gpuIsLost.Error(); got != "GPU is lost (15)" {
		t.Errorf("got %q", got)
	}
	if got := code(77).Error(); got != "NVML answer (77)" {
		t.Errorf("got %q", got)
	}
}
