package derive

import (
	"testing"

	"github.com/wandb-agent/wandb-agent/agent/catalog"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// gpuBench evaluates the catalogue's own GPU rows.
type gpuBench struct{ *bench }

// series adds a series of one GPU and returns its reading.
func (b gpuBench) series(run sample.RunID, v float64, metric, gpu string, labels ...string) put {
	b.t.Helper()
	ref, err := catalog.Add(b.schema.Scope(1, run), metric, append([]string{"GPU-" + gpu, gpu}, labels...)...)
	if err != nil {
		b.t.Fatal(err)
	}
	return put{ref, v}
}

func newGPUBench(t *testing.T) gpuBench {
	return gpuBench{&bench{t: t, schema: sample.NewSchema(0), set: New(catalog.WandB, nil)}}
}

// TestGPUKeysOfWandB: units are W&B's, and the keys of gpu.process repeat the
// device's values for the GPUs of the run only.
func TestGPUKeysOfWandB(t *testing.T) {
	b := newGPUBench(t)
	var puts []put
	for i, gpu := range []string{"gpu0", "gpu1"} {
		puts = append(puts,
			b.series("", 0.75, "hw.gpu.utilization", gpu, "general"),
			b.series("", 0.25, "hwx.gpu.memory.io.utilization", gpu),
			b.series("", 1<<30, "hw.gpu.memory.usage", gpu),
			b.series("", 0.5, "hw.gpu.memory.utilization", gpu),
			b.series("", 300, "hw.power", gpu, "gpu", "gpu", "instant"),
			b.series("", 280, "hw.power", gpu, "gpu", "gpu", "average_1s"),
			b.series("", 7, "hw.energy", gpu, "gpu"),
			b.series("", 700, "hwx.gpu.power.limit", gpu, "enforced"),
			b.series("", 0.4, "hwx.gpu.power.utilization", gpu),
			b.series("", 61, "hw.temperature", gpu, "gpu"),
			b.series("", 71, "hw.temperature", gpu, "memory"),
			b.series("", 1980e6, "hwx.gpu.clock.frequency", gpu, "sm"),
			b.series("", 2600e6, "hwx.gpu.clock.frequency", gpu, "memory"),
			b.series("run1", float64(i), "hwx.gpu.run.member", gpu),
		)
		// Series that exist and are never read: another driver's spelling.
		b.series("", 0, "hw.gpu.memory.usage", gpu, "true")
		b.series("", 0, "hw.power", gpu, "gpu", "gpu")
	}
	b.at(1, puts...)
	var want []any
	for _, gpu := range []string{"gpu.0.", "gpu.1."} {
		want = append(want, gpu+"totalEnergyConsumption", 7000.0, gpu+"memoryTemp", 71.0, gpu+"smClock", 1980.0, gpu+"memoryClock", 2600.0)
	}
	for _, gpu := range []string{"gpu.0.", "gpu.1.", "gpu.process.1."} {
		want = append(want, gpu+"gpu", 75.0, gpu+"memory", 25.0, gpu+"memoryAllocatedBytes", float64(1<<30), gpu+"memoryAllocated", 50.0,
			gpu+"powerWatts", 280.0, gpu+"enforcedPowerLimitWatts", 700.0, gpu+"powerPercent", 40.0, gpu+"temp", 61.0)
	}
	b.want("two GPUs, the second of the run", want...)
}

// TestGPUOfTwoRunsIsNobodys: an output that gets several runs cannot tell under
// gpu.process whose GPU it is.
func TestGPUOfTwoRunsIsNobodys(t *testing.T) {
	b := newGPUBench(t)
	b.at(1, b.series("", 61, "hw.temperature", "gpu0", "gpu"),
		b.series("run1", 1, "hwx.gpu.run.member", "gpu0"), b.series("run2", 1, "hwx.gpu.run.member", "gpu0"))
	b.want("two runs", "gpu.0.temp", 61.0)
}

func TestGPUKeysOfAnOldDriver(t *testing.T) {
	b := newGPUBench(t)
	b.series("", 0, "hw.gpu.memory.usage", "gpu0")
	b.series("", 0, "hw.power", "gpu0", "gpu", "gpu", "instant")
	b.series("", 0, "hw.power", "gpu0", "gpu", "gpu", "average_1s")
	b.at(1, b.series("", 9, "hw.gpu.memory.usage", "gpu0", "true"), b.series("", 100, "hw.power", "gpu0", "gpu", "gpu"))
	b.want("fallbacks", "gpu.0.memoryAllocatedBytes", 9.0, "gpu.0.powerWatts", 100.0)
}
