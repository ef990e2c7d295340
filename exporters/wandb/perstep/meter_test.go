package perstep

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

const (
	ms     = int64(time.Millisecond)
	second = int64(time.Second)
	begin  = 1000 * second
)

// lab feeds a meter with a GPU whose power and use are functions of time.
type lab struct {
	t      *testing.T
	meter  *Meter
	schema *sample.Schema
	use    sample.Ref
	watts  sample.Ref
	energy sample.Ref
	sent   sample.Ref
	items  []runlog.Item
}

func newLab(t *testing.T, metrics ...string) *lab {
	l := &lab{t: t, schema: sample.NewSchema(0), meter: New(Config{Metrics: metrics})}
	add := func(kind sample.Kind, name string, labels ...string) sample.Ref {
		d := sample.Desc{Name: name, Kind: kind}
		for i := 0; i < len(labels); i += 2 {
			d.Labels = append(d.Labels, sample.Label{Name: labels[i], Value: labels[i+1]})
		}
		ref, err := l.schema.Add(d)
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	l.use = add(sample.Gauge, "hw.gpu.utilization", "hw.name", "gpu0", "hw.gpu.task", "general")
	l.watts = add(sample.Gauge, "hw.power", "hw.name", "gpu0", "hw.type", "gpu", "hwx.power.window", "instant")
	l.energy = add(sample.Counter, "hw.energy", "hw.name", "gpu0", "hw.type", "gpu")
	l.sent = add(sample.Counter, "system.network.io", "network.io.direction", "transmit", "network.interface.name", "eth0")
	return l
}

// sample hands readings in.
func (l *lab) sample(at int64, readings map[sample.Ref]float64) {
	f := sample.Frame{Source: 1, Step: sample.NoStep, Time: at}
	for ref, v := range readings {
		f.Put(ref, v)
	}
	if err := l.meter.Export(context.Background(), &sample.Batch{Schema: l.schema, Facts: &sample.Facts{}, Frames: []sample.Frame{f}}); err != nil {
		l.t.Fatal(err)
	}
}

// step ends a step.
func (l *lab) step(at int64) map[string]float64 {
	l.meter.Mark(at)
	l.items = l.meter.Append(l.items[:0])
	got := map[string]float64{}
	for _, it := range l.items {
		got[it.Key.Path()[0]] = it.F
	}
	return got
}

// joulesAt is the integral of a power that changes every three seconds.
func joulesAt(at int64) float64 {
	t := float64(at-begin) / 1e9
	whole := math.Floor(t / 6)
	rest := t - 6*whole
	return whole*(3*low+3*high) + min(rest, 3)*low + max(rest-3, 0)*high
}

const low, high = 100.0, 300.0 // W

// TestJoulesOfAnyStep runs steps of different lengths against samples of 1 s that
// arrive 50 ms late. Each step is right within the bound of the package
// comment, and the sum does not drift.
func TestJoulesOfAnyStep(t *testing.T) {
	for _, length := range []int64{10 * ms, 300 * ms, second, 2500 * ms, 10 * 60 * second} {
		t.Run(time.Duration(length).String(), func(t *testing.T) {
			l := newLab(t)
			l.meter.Mark(begin)
			steps := max(int64(40*second)/length, 3)
			var sum, worst float64
			first, next := int64(0), begin
			for i := int64(1); i <= steps; i++ {
				end := begin + i*length
				for next+50*ms <= end {
					l.sample(next, map[sample.Ref]float64{l.energy: 5e6 + joulesAt(next)})
					next += second
				}
				got, ok := l.step(end)[JoulesKey]
				if !ok {
					if sum > 0 || end > begin+second+50*ms {
						t.Fatalf("step %d has no joules", i)
					}
					continue
				}
				if first == 0 {
					first = max(end-length, begin)
				}
				sum += got
				off := math.Abs(got - (joulesAt(end) - joulesAt(end-length)))
				worst = max(worst, off)
				if got < 0 {
					t.Errorf("step %d has %v J", i, got)
				}
				// A step is off by what a rate may be off, twice: its own and what it makes up for.
				if bound := 2 * (high - low) * min(float64(length)/1e9, 1.1); off > bound {
					t.Errorf("step %d is off by %.2f J, want at most %.2f", i, off, bound)
				}
				if drift := math.Abs(sum - (joulesAt(end) - joulesAt(first))); drift > 2*(high-low)*1.1 {
					t.Fatalf("after step %d the sum is off by %.1f J", i, drift)
				}
			}
			t.Logf("%d steps, %.1f J, the worst step is off by %.2f J", steps, sum, worst)
		})
	}
}

// TestJoulesOfPowerAlone is a GPU that does not count its energy.
func TestJoulesOfPowerAlone(t *testing.T) {
	l := newLab(t)
	for i := range int64(11) {
		l.sample(begin+i*second, map[sample.Ref]float64{l.watts: 200})
	}
	if got := l.step(begin + 10*second)[JoulesKey]; math.Abs(got-2000) > 1e-6 {
		t.Errorf("10 s of 200 W: %v J", got)
	}
	for i := range 100 {
		if got := l.step(begin + 10*second + int64(i+1)*10*ms)[JoulesKey]; math.Abs(got-2) > 1e-6 {
			t.Fatalf("10 ms of 200 W: %v J", got)
		}
	}
}

// TestGaugeOfAnyStep checks mean and max of a use that is 10, and 90 in the
// fifth second.
func TestGaugeOfAnyStep(t *testing.T) {
	const mean, top = Prefix + "gpu.0.gpu.mean", Prefix + "gpu.0.gpu.max"
	l := newLab(t, "gpu.*.gpu")
	if got := l.step(begin); len(got) != 0 {
		t.Errorf("before any sample: %v", got)
	}
	for i := range int64(601) {
		use := 0.1
		if i == 5 {
			use = 0.9
		}
		l.sample(begin+i*second, map[sample.Ref]float64{l.use: use})
	}
	got := l.step(begin + 600*second)
	if want := (599*10 + 90) / 600.0; math.Abs(got[mean]-want) > 1e-9 || math.Abs(got[top]-90) > 1e-9 {
		t.Errorf("10 min: %v, want mean %v and max 90", got, want)
	}
	for i := range int64(150) { // short steps have the reading of their time
		got := l.step(begin + 600*second + (i+1)*10*ms)
		if math.Abs(got[mean]-10) > 1e-9 || math.Abs(got[top]-10) > 1e-9 {
			t.Fatalf("10 ms: %v", got)
		}
	}
	if got := l.step(begin + 600*second + 1500*ms); math.Abs(got[mean]-10) > 1e-9 {
		t.Errorf("a step of no length: %v", got)
	}
	l.step(begin + 700*second)
	if got := l.step(begin + 700*second + 10*ms); len(got) != 0 {
		t.Errorf("nothing was read for 100 s, and a step has %v", got)
	}
}

// TestTotalIsAnIncrease gives a counter's growth, also after it began anew.
func TestTotalIsAnIncrease(t *testing.T) {
	const key = Prefix + "network.sent.increase"
	l := newLab(t, "network.sent")
	for i := range int64(11) {
		l.sample(begin+i*second, map[sample.Ref]float64{l.sent: 1e9 + 500*float64(i)})
	}
	if got := l.step(begin + 10*second)[key]; math.Abs(got-5000) > 1e-6 {
		t.Errorf("10 s of 500 B/s: %v", got)
	}
	if got := l.step(begin + 10*second + 100*ms)[key]; math.Abs(got-50) > 1e-6 {
		t.Errorf("100 ms of 500 B/s: %v", got)
	}
}

// TestOpenStepEndsAtItsMark stores a step long after its last value came.
func TestOpenStepEndsAtItsMark(t *testing.T) {
	l := newLab(t, "gpu.0.gpu")
	read := func(i int64, use float64) {
		l.sample(begin+i*second, map[sample.Ref]float64{l.use: use, l.energy: 100 * float64(i)})
	}
	for i := range int64(6) {
		read(i, 0.2)
	}
	l.meter.Mark(begin + 5*second)
	for i := int64(6); i < 10; i++ {
		read(i, 0.8)
	}
	l.items = l.meter.Append(nil)
	got := map[string]float64{}
	for _, it := range l.items {
		got[it.Key.Path()[0]] = it.F
	}
	if math.Abs(got[JoulesKey]-500) > 1e-6 || math.Abs(got[Prefix+"gpu.0.gpu.max"]-20) > 1e-9 {
		t.Errorf("step until 5 s: %v", got)
	}
	if got := l.step(begin + 9*second); math.Abs(got[JoulesKey]-400) > 1e-6 || math.Abs(got[Prefix+"gpu.0.gpu.mean"]-80) > 1e-9 {
		t.Errorf("step until 9 s: %v", got)
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"cpu", "cpu", true}, {"cpu", "cpux", false}, {"gpu.*", "gpu.0.gpu", true}, {"gpu.*.gpu", "gpu.0.gpu", true},
		{"gpu.*.gpu", "gpu.0.temp", false}, {"*", "", true}, {"*x*", "axb", true}, {"*x*", "ab", false}, {"a*", "b", false},
	} {
		if got := match(c.pattern, c.name); got != c.want {
			t.Errorf("match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

func TestMeterAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	l := newLab(t, "gpu.*", "network.*")
	l.meter.cfg.CPU = ProcessCPU
	for i := range int64(5) {
		l.sample(begin+i*second, map[sample.Ref]float64{l.use: 1, l.energy: float64(i), l.sent: float64(i), l.watts: 5})
	}
	now := begin + 5*second
	if n := testing.AllocsPerRun(100, func() {
		now += ms
		l.meter.Mark(now)
		l.items = l.meter.Append(l.items[:0])
	}); n != 0 {
		t.Errorf("a step allocates %v times, want 0", n)
	}
	if len(l.items) < 6 {
		t.Errorf("the step has only %d items", len(l.items))
	}
}

// BenchmarkStep is what a row costs more.
func BenchmarkStep(b *testing.B) {
	m := New(Config{CPU: ProcessCPU})
	var items []runlog.Item
	now := begin
	b.ReportAllocs()
	for b.Loop() {
		now += ms
		m.Mark(now)
		items = m.Append(items[:0])
	}
	if len(items) != 1 {
		b.Fatalf("%d items", len(items))
	}
}
