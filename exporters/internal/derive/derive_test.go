package derive

import (
	"math"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/catalog"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

const second = int64(time.Second)

// bench is a schema and a set over rows of its own.
type bench struct {
	t      *testing.T
	schema *sample.Schema
	set    *Set
}

func newBench(t *testing.T, keep func(sample.Series) bool, rows ...*catalog.Metric) *bench {
	return &bench{t: t, schema: sample.NewSchema(0), set: newSet(rows, catalog.WandB, keep)}
}

// add registers a counter or gauge of the host; labels are name, value pairs.
func (b *bench) add(kind sample.Kind, name string, labels ...string) sample.Ref {
	b.t.Helper()
	return b.addRun("", kind, name, labels...)
}

func (b *bench) addRun(run sample.RunID, kind sample.Kind, name string, labels ...string) sample.Ref {
	b.t.Helper()
	d := sample.Desc{Name: name, Kind: kind}
	for i := 0; i < len(labels); i += 2 {
		d.Labels = append(d.Labels, sample.Label{Name: labels[i], Value: labels[i+1]})
	}
	ref, err := b.schema.Scope(1, run).Add(d)
	if err != nil {
		b.t.Fatal(err)
	}
	return ref
}

type put struct {
	ref sample.Ref
	v   float64
}

// at hands the set one frame with the time in seconds.
func (b *bench) at(sec int64, puts ...put) {
	f := sample.Frame{Source: 1, Step: sample.NoStep, Time: sec * second}
	for _, p := range puts {
		f.Put(p.ref, p.v)
	}
	b.set.Observe(&sample.Batch{Schema: b.schema, Facts: &sample.Facts{}, Frames: []sample.Frame{f}})
}

// eval evaluates; a key that comes twice is an error.
func (b *bench) eval() map[string]float64 {
	b.t.Helper()
	got := make(map[string]float64)
	b.set.Evaluate(func(v Value) {
		if _, twice := got[v.Key]; twice {
			b.t.Errorf("key %q emitted twice", v.Key)
		}
		got[v.Key] = v.V
	})
	return got
}

// want evaluates and compares with key, value pairs.
func (b *bench) want(what string, pairs ...any) {
	b.t.Helper()
	got := b.eval()
	for i := 0; i < len(pairs); i += 2 {
		key, v := pairs[i].(string), pairs[i+1].(float64)
		g, ok := got[key]
		if !ok || math.Abs(g-v) > 1e-9*max(1, math.Abs(v)) {
			b.t.Errorf("%s: %s = %v (present %v), want %v", what, key, g, ok, v)
		}
	}
	if len(got) != len(pairs)/2 {
		b.t.Errorf("%s: got keys %v, want %d", what, got, len(pairs)/2)
	}
}

func metric(name string, views ...catalog.View) *catalog.Metric {
	for i := range views {
		views[i].In = catalog.WandB
	}
	return &catalog.Metric{Name: name, Views: views}
}

func TestValueScaledAndGrouped(t *testing.T) {
	b := newBench(t, nil, metric("gpu.power", catalog.View{Key: "gpu.{name#}.powerWatts", Scale: 0.5}),
		metric("fs.usage", catalog.View{Key: "disk.{mount}.usageGB", Where: map[string]string{"state": "used"}}))
	g0 := b.add(sample.Gauge, "gpu.power", "id", "GPU-a", "name", "gpu0")
	g12 := b.add(sample.Gauge, "gpu.power", "id", "GPU-b", "name", "gpu12")
	bad := b.add(sample.Gauge, "gpu.power", "id", "GPU-c", "name", "nonumber")
	none := b.add(sample.Gauge, "gpu.power", "id", "GPU-d")
	used := b.add(sample.UpDown, "fs.usage", "mount", "/", "state", "used")
	free := b.add(sample.UpDown, "fs.usage", "mount", "/", "state", "free")
	b.at(1, put{g0, 100}, put{g12, 300}, put{bad, 1}, put{none, 1}, put{used, 7}, put{free, 9})
	b.want("first", "gpu.0.powerWatts", 50.0, "gpu.12.powerWatts", 150.0, "disk./.usageGB", 7.0)
}

func TestWhereEmptyMeansWithoutLabel(t *testing.T) {
	b := newBench(t, nil, metric("cpu.time", catalog.View{Key: "total", Where: map[string]string{"cpu": ""}}))
	all, one := b.add(sample.Gauge, "cpu.time"), b.add(sample.Gauge, "cpu.time", "cpu", "0")
	b.at(1, put{all, 10}, put{one, 5})
	b.want("sum without label", "total", 10.0)
}

func TestSumSubtractDivide(t *testing.T) {
	rows := []*catalog.Metric{
		metric("limit", catalog.View{Key: "availableMB", Minus: catalog.Operand{Metric: "usage"}, Floor: true}),
		metric("usage", catalog.View{Key: "percent", Scale: 100, Over: catalog.Operand{Metric: "limit"}}),
	}
	for _, c := range []struct {
		name         string
		limit, usage float64
		want         []any
	}{
		{"plain", 200, 50, []any{"availableMB", 150.0, "percent", 25.0}},
		{"floor", 50, 80, []any{"availableMB", 0.0, "percent", 160.0}},
		{"divisor 0", 0, 80, []any{"availableMB", 0.0}},
		{"nothing over nothing", 0, 0, []any{"availableMB", 0.0}},
		{"overflow", 5e-324, 1e300, []any{"availableMB", 0.0}},
	} {
		b := newBench(t, nil, rows...)
		limit, usage := b.add(sample.UpDown, "limit"), b.add(sample.UpDown, "usage")
		b.at(1, put{limit, c.limit}, put{usage, c.usage})
		b.want(c.name, c.want...)
	}
}

func TestNegativeWithoutFloor(t *testing.T) {
	b := newBench(t, nil, metric("temp", catalog.View{Key: "temp"}))
	b.at(1, put{b.add(sample.Gauge, "temp"), -4})
	b.want("below zero", "temp", -4.0)
}

func TestMissingPartYieldsNothing(t *testing.T) {
	rows := []*catalog.Metric{
		metric("a", catalog.View{Key: "sum"}),
		metric("n", catalog.View{Key: "ratio", Over: catalog.Operand{Metric: "d"}}),
		metric("m", catalog.View{Key: "diff", Minus: catalog.Operand{Metric: "d"}}),
	}
	b := newBench(t, nil, rows...)
	a1, a2 := b.add(sample.Gauge, "a", "x", "1"), b.add(sample.Gauge, "a", "x", "2")
	n, m := b.add(sample.Gauge, "n"), b.add(sample.Gauge, "m")
	b.at(1, put{a1, 1}, put{n, 1}, put{m, 1})
	b.want("no operand, half a sum")
	d := b.add(sample.Gauge, "d")
	b.at(2, put{a1, 1}, put{a2, math.NaN()}, put{n, 1}, put{m, 1})
	b.want("operand never read, NaN is no reading")
	b.at(3, put{a1, 1}, put{a2, 2}, put{n, 8}, put{m, 9}, put{d, 4})
	b.want("all there", "sum", 3.0, "ratio", 2.0, "diff", 5.0)
}

func TestOperandAgreesWithGroup(t *testing.T) {
	b := newBench(t, nil,
		metric("power", catalog.View{Key: "gpu.{name#}.powerPercent", Scale: 100, Over: catalog.Operand{Metric: "limit", Where: map[string]string{"type": "enforced"}}}),
		metric("rss", catalog.View{Key: "mem.{proc}", Over: catalog.Operand{Metric: "total"}}))
	p0, p1 := b.add(sample.Gauge, "power", "name", "gpu0"), b.add(sample.Gauge, "power", "name", "gpu1")
	l0, l1 := b.add(sample.Gauge, "limit", "name", "gpu0", "type", "enforced"), b.add(sample.Gauge, "limit", "name", "gpu1", "type", "enforced")
	lm := b.add(sample.Gauge, "limit", "name", "gpu1", "type", "max")
	rss, total := b.add(sample.Gauge, "rss", "proc", "x"), b.add(sample.Gauge, "total")
	b.at(1, put{p0, 100}, put{p1, 300}, put{l0, 200}, put{l1, 400}, put{lm, 1}, put{rss, 1}, put{total, 4})
	b.want("per device", "gpu.0.powerPercent", 50.0, "gpu.1.powerPercent", 75.0, "mem.x", 0.25)
}

func TestOperandOfRunBeforeHost(t *testing.T) {
	b := newBench(t, nil, metric("rss", catalog.View{Key: "{proc}", Over: catalog.Operand{Metric: "limit"}}))
	r1 := b.addRun("r1", sample.Gauge, "rss", "proc", "one")
	r2 := b.addRun("r2", sample.Gauge, "rss", "proc", "two")
	host, own := b.add(sample.Gauge, "limit"), b.addRun("r1", sample.Gauge, "limit")
	b.at(1, put{r1, 10}, put{r2, 10}, put{host, 100}, put{own, 20})
	b.want("own limit, host's limit", "one", 0.5, "two", 0.1)
}

func TestRankLowestThatYields(t *testing.T) {
	b := newBench(t, nil,
		metric("host", catalog.View{Key: "percent", Rank: 1}),
		metric("container", catalog.View{Key: "percent", Over: catalog.Operand{Metric: "limit"}}))
	h, c := b.add(sample.Gauge, "host"), b.add(sample.Gauge, "container")
	b.at(1, put{h, 5}, put{c, 9})
	b.want("no limit", "percent", 5.0)
	l := b.add(sample.Gauge, "limit")
	b.at(2, put{h, 5}, put{c, 9}, put{l, 3})
	b.want("limit", "percent", 3.0)
	b.schema.End(l)
	b.at(3, put{h, 6}, put{c, 9})
	b.want("limit gone", "percent", 6.0)
}

func TestKeepChoosesSeries(t *testing.T) {
	b := newBench(t, func(s sample.Series) bool { return s.Run == "" || s.Run == "mine" },
		metric("x", catalog.View{Key: "x.{id}"}))
	mine, other := b.addRun("mine", sample.Gauge, "x", "id", "a"), b.addRun("other", sample.Gauge, "x", "id", "b")
	b.at(1, put{mine, 1}, put{other, 2})
	b.want("own run only", "x.a", 1.0)
}

func TestRate(t *testing.T) {
	b := newBench(t, nil, metric("c", catalog.View{Key: "rate", Op: catalog.Rate, Scale: 100}))
	c := b.add(sample.Counter, "c")
	b.at(1, put{c, 10})
	b.want("one reading is no rate")
	b.at(3, put{c, 11})
	b.want("over the true time", "rate", 50.0)
	b.at(4, put{c, 13})
	b.at(5, put{c, 15})
	b.want("frames between do not matter", "rate", 200.0)
	b.at(6)
	b.want("an empty frame is no reading")
	b.at(7, put{c, 15})
	b.want("idle over both intervals", "rate", 0.0)
}

func TestRateOfFirstIntervalUsesFirstReading(t *testing.T) {
	b := newBench(t, nil, metric("c", catalog.View{Key: "rate", Op: catalog.Rate}))
	c := b.add(sample.Counter, "c")
	b.at(1, put{c, 10})
	b.at(5, put{c, 18})
	b.want("two readings before the first evaluation", "rate", 2.0)
}

func TestRateOfFallingGaugeIsNegative(t *testing.T) {
	b := newBench(t, nil, metric("u", catalog.View{Key: "rate", Op: catalog.Rate}))
	u := b.add(sample.UpDown, "u")
	b.at(1, put{u, 10})
	b.at(2, put{u, 4})
	b.want("an up-down sum may fall", "rate", -6.0)
}

func TestSince(t *testing.T) {
	b := newBench(t, nil, metric("io", catalog.View{Key: "sent", Op: catalog.Since}))
	e0, lo := b.add(sample.Counter, "io", "if", "eth0"), b.add(sample.Counter, "io", "if", "lo")
	b.at(1, put{e0, 1000}, put{lo, 5})
	b.want("starts at zero", "sent", 0.0)
	b.at(2, put{e0, 1200}, put{lo, 6})
	b.want("sum", "sent", 201.0)
}

func TestRestartByFall(t *testing.T) {
	b := newBench(t, nil, metric("c", catalog.View{Key: "rate", Op: catalog.Rate}, catalog.View{Key: "since", Op: catalog.Since}, catalog.View{Key: "value"}))
	c := b.add(sample.Counter, "c")
	b.at(1, put{c, 100})
	b.at(2, put{c, 150})
	b.want("before", "rate", 50.0, "since", 50.0, "value", 150.0)
	b.at(3, put{c, 7})
	b.want("nothing for the interval of the restart", "value", 7.0)
	b.at(4, put{c, 10})
	b.want("after", "rate", 3.0, "since", 53.0, "value", 10.0)
}

func TestRestartBetweenTwoReadingsOfOneInterval(t *testing.T) {
	b := newBench(t, nil, metric("c", catalog.View{Key: "rate", Op: catalog.Rate}, catalog.View{Key: "since", Op: catalog.Since}))
	c := b.add(sample.Counter, "c")
	b.at(1, put{c, 100})
	b.want("first", "since", 0.0)
	b.at(2, put{c, 7})
	b.at(3, put{c, 9})
	b.want("nothing, although the new count was read twice")
	b.at(4, put{c, 12})
	b.want("after", "rate", 3.0, "since", 5.0)
}

func TestRestartByGeneration(t *testing.T) {
	b := newBench(t, nil, metric("c", catalog.View{Key: "rate", Op: catalog.Rate}, catalog.View{Key: "since", Op: catalog.Since}))
	c := b.add(sample.Counter, "c")
	b.schema.SetStart(c, 1)
	b.at(1, put{c, 100})
	b.at(2, put{c, 150})
	b.want("before", "rate", 50.0, "since", 50.0)
	b.schema.SetStart(c, 2*second+1)
	b.at(3, put{c, 180})
	b.want("a restart shows although the value grew")
	b.at(4, put{c, 190})
	b.want("after", "rate", 10.0, "since", 60.0)
}

func TestStaleSeriesYieldsNothing(t *testing.T) {
	b := newBench(t, nil, metric("a", catalog.View{Key: "a"}), metric("b", catalog.View{Key: "b"}))
	a, other := b.add(sample.Gauge, "a"), b.add(sample.Gauge, "b")
	b.at(1, put{a, 1}, put{other, 1})
	b.at(2, put{a, 2}, put{other, 2})
	b.want("both", "a", 2.0, "b", 2.0)
	b.at(3, put{other, 3})
	b.want("one evaluation without", "a", 2.0, "b", 3.0)
	b.at(4, put{other, 4})
	b.want("two evaluations without", "a", 2.0, "b", 4.0)
	b.at(5, put{other, 5})
	b.want("stale", "b", 5.0)
	b.at(6, put{a, 6}, put{other, 6})
	b.want("back", "a", 6.0, "b", 6.0)
}

func TestSlowTierIsNotStale(t *testing.T) {
	b := newBench(t, nil, metric("slow", catalog.View{Key: "slow"}), metric("fast", catalog.View{Key: "fast"}))
	slow, fast := b.add(sample.Gauge, "slow"), b.add(sample.Gauge, "fast")
	b.at(0, put{slow, 1}, put{fast, 0})
	for sec := int64(1); sec < 40; sec++ {
		if sec%10 == 0 {
			b.at(sec, put{slow, 1})
		}
		b.at(sec, put{fast, float64(sec)})
		b.want("every second", "slow", 1.0, "fast", float64(sec))
	}
}

func TestNothingNewEmitsNothing(t *testing.T) {
	b := newBench(t, nil, metric("a", catalog.View{Key: "a"}))
	a := b.add(sample.Gauge, "a")
	b.want("no batch yet")
	b.at(1, put{a, 1})
	b.want("new", "a", 1.0)
	b.want("the same again is not new")
}

func TestEndedSeriesTellsItsLastOnce(t *testing.T) {
	b := newBench(t, nil, metric("p", catalog.View{Key: "p"}), metric("x", catalog.View{Key: "x"}))
	p, x := b.add(sample.Gauge, "p"), b.add(sample.Gauge, "x")
	b.at(1, put{p, 1}, put{x, 1})
	b.schema.End(p)
	b.at(2, put{x, 2})
	b.want("read before its end", "p", 1.0, "x", 2.0)
	b.at(3, put{x, 3})
	b.want("ended", "x", 3.0)
}

// An interface that goes away must not make the bytes since start fall, also
// when its slot is given to another series.
func TestTotalKeepsEndedSeries(t *testing.T) {
	b := newBench(t, nil, metric("io", catalog.View{Key: "sent", Op: catalog.Since}))
	e0, veth := b.add(sample.Counter, "io", "if", "eth0"), b.add(sample.Counter, "io", "if", "veth1")
	b.at(1, put{e0, 0}, put{veth, 50})
	b.want("start", "sent", 0.0)
	b.at(2, put{e0, 10}, put{veth, 80})
	b.want("both", "sent", 40.0)
	b.schema.End(veth)
	b.at(3, put{e0, 15})
	b.want("one gone", "sent", 45.0)
	b.schema.Retire(0, 10)
	b.schema.Retire(100, 100)
	veth2 := b.add(sample.Counter, "io", "if", "veth2")
	if veth2 != veth {
		t.Fatalf("slot not reused: got %d, want %d", veth2, veth)
	}
	b.at(4, put{e0, 16}, put{veth2, 1000})
	b.want("slot reused", "sent", 46.0)
	b.at(5, put{e0, 16}, put{veth2, 1004})
	b.want("the new one counts from its first reading", "sent", 50.0)
}

func TestNewSchemaStartsOver(t *testing.T) {
	b := newBench(t, nil, metric("a", catalog.View{Key: "a.{x}"}))
	b.at(1, put{b.add(sample.Gauge, "a", "x", "1"), 1})
	b.want("old", "a.1", 1.0)
	b.schema = sample.NewSchema(0)
	b.at(1, put{b.add(sample.Gauge, "a", "x", "2"), 2})
	b.want("new", "a.2", 2.0)
}

func TestTimeIsNewestReading(t *testing.T) {
	b := newBench(t, nil, metric("a", catalog.View{Key: "a"}))
	a, a2 := b.add(sample.Gauge, "a", "x", "1"), b.add(sample.Gauge, "a", "x", "2")
	b.at(4, put{a, 1})
	b.at(5, put{a2, 1})
	b.set.Evaluate(func(v Value) {
		if v.Time != 5*second {
			t.Errorf("time = %d, want %d", v.Time, 5*second)
		}
	})
}

func TestTotalsAreMarked(t *testing.T) {
	b := newBench(t, nil, metric("c", catalog.View{Key: "since", Op: catalog.Since}, catalog.View{Key: "rate", Op: catalog.Rate, Peak: true}, catalog.View{Key: "count"}),
		metric("g", catalog.View{Key: "gauge"}))
	c, g := b.add(sample.Counter, "c"), b.add(sample.Gauge, "g")
	b.at(1, put{c, 1}, put{g, 1})
	b.at(2, put{c, 3}, put{g, 1})
	total, peak := map[string]bool{"since": true, "count": true}, map[string]bool{"rate": true}
	n := 0
	b.set.Evaluate(func(v Value) {
		if n++; v.Total != total[v.Key] || v.Peak != peak[v.Key] {
			t.Errorf("%s: total %v, peak %v, want %v, %v", v.Key, v.Total, v.Peak, total[v.Key], peak[v.Key])
		}
	})
	if n != 4 {
		t.Errorf("got %d keys, want 4", n)
	}
}
