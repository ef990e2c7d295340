package prom

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

var _ agent.Exporter = (*Exporter)(nil)

const second = int64(time.Second)

// bench is an exporter, its schema and a clock that stands still.
type bench struct {
	t      testing.TB
	schema *sample.Schema
	now    int64
	e      *Exporter
}

func newBench(t testing.TB) *bench {
	return &bench{t: t, schema: sample.NewSchema(0), e: New(Config{})}
}

func (b *bench) add(run sample.RunID, d sample.Desc) sample.Ref {
	b.t.Helper()
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

// at exports one frame with the time in seconds, which is then also now.
func (b *bench) at(sec int64, puts ...put) {
	b.t.Helper()
	b.now = sec * second
	f := sample.Frame{Source: 1, Step: sample.NoStep, Time: b.now}
	for _, p := range puts {
		f.Put(p.ref, p.v)
	}
	batch := &sample.Batch{
		Schema: b.schema, Facts: &sample.Facts{}, Frames: []sample.Frame{f},
		Clock: sample.Clock{Anchor: 1_700_000_000 * second, Read: func() int64 { return b.now }},
	}
	if err := b.e.Export(context.Background(), batch); err != nil {
		b.t.Fatalf("Export: %v", err)
	}
}

// scrape returns the parsed answer of the handler, by "name{labels}".
func (b *bench) scrape() (map[string]float64, map[string]*dto.MetricFamily) {
	b.t.Helper()
	rec := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	req.Header.Set("Accept-Encoding", "gzip")
	b.e.Handler().ServeHTTP(rec, req)
	if rec.Code != http.StatusOK {
		b.t.Fatalf("scrape: status %d: %s", rec.Code, rec.Body)
	}
	if enc := rec.Header().Get("Content-Encoding"); enc != "" {
		b.t.Errorf("scrape is encoded as %q, want plain", enc)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(rec.Body)
	if err != nil {
		b.t.Fatalf("official parser: %v", err)
	}
	values := make(map[string]float64)
	for name, f := range families {
		for _, m := range f.Metric {
			if m.TimestampMs != nil {
				b.t.Errorf("%s has a timestamp", name)
			}
			values[name+labelText(m)] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return values, families
}

func labelText(m *dto.Metric) string {
	var parts []string
	for _, l := range m.Label {
		parts = append(parts, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// want scrapes and compares everything but the exporter's own series with
// name, value pairs.
func (b *bench) want(what string, pairs ...any) {
	b.t.Helper()
	got, _ := b.scrape()
	delete(got, hiddenName+"{}")
	for i := 0; i < len(pairs); i += 2 {
		name, v := pairs[i].(string), pairs[i+1].(float64)
		g, ok := got[name]
		if !ok || (g != v && !(math.IsNaN(g) && math.IsNaN(v))) {
			b.t.Errorf("%s: %s = %v (present %v), want %v", what, name, g, ok, v)
		}
	}
	if len(got) != len(pairs)/2 {
		b.t.Errorf("%s: got %v, want %d series", what, got, len(pairs)/2)
	}
}

func label(pairs ...string) (out []sample.Label) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, sample.Label{Name: pairs[i], Value: pairs[i+1]})
	}
	return out
}

func TestScrapeEqualsWhatWasPut(t *testing.T) {
	b := newBench(t)
	cpu := b.add("", sample.Desc{Name: "system.cpu.time", Unit: "s", Kind: sample.Counter, Help: "CPU time.", Labels: label("cpu.mode", "user")})
	mem := b.add("", sample.Desc{Name: "system.memory.usage", Unit: "By", Kind: sample.UpDown, Help: "Memory.", Labels: label("system.memory.state", "used")})
	rss := b.add("run1", sample.Desc{Name: "process.memory.usage", Unit: "By", Kind: sample.UpDown, Help: "RSS."})
	loss := b.add("run1", sample.RowDesc("train/loss"))
	b.at(1, put{cpu, 12.34}, put{mem, 1 << 53}, put{rss, 4096}, put{loss, 0.1})
	b.want("all", `system_cpu_time_seconds_total{cpu_mode="user"}`, 12.34, `system_memory_usage_bytes{system_memory_state="used"}`, float64(1<<53),
		`process_memory_usage_bytes{run_id="run1"}`, 4096.0, `wandb_history{key="train/loss",run_id="run1"}`, 0.1)
	_, families := b.scrape()
	for name, want := range map[string]dto.MetricType{
		"system_cpu_time_seconds_total": dto.MetricType_COUNTER, "system_memory_usage_bytes": dto.MetricType_GAUGE, "wandb_history": dto.MetricType_GAUGE,
	} {
		if got := families[name].GetType(); got != want {
			t.Errorf("type of %s = %v, want %v", name, got, want)
		}
	}
	if got := families["system_cpu_time_seconds_total"].GetHelp(); got != "CPU time." {
		t.Errorf("help = %q", got)
	}
	if problems, err := testutil.CollectAndLint(b.e); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}

func TestEveryFiniteValueReadsBackEqual(t *testing.T) {
	b := newBench(t)
	x := b.add("", sample.Desc{Name: "x"})
	for _, v := range []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 1<<53 + 1, math.MaxFloat64, math.SmallestNonzeroFloat64, 1e-7, 123456789.123456789} {
		b.at(b.now/second+1, put{x, v})
		got, _ := b.scrape()
		if g := got["x{}"]; math.Float64bits(g) != math.Float64bits(v) && !(v == 0 && g == 0) {
			t.Errorf("%v reads back as %v", v, g)
		}
	}
}

func TestNonFinite(t *testing.T) {
	b := newBench(t)
	temp, loss, acc := b.add("", sample.Desc{Name: "temp"}), b.add("r", sample.RowDesc("loss")), b.add("r", sample.RowDesc("acc"))
	b.at(1, put{temp, math.NaN()}, put{loss, math.NaN()}, put{acc, math.Inf(-1)})
	b.want("measured: absent, logged: kept", `wandb_history{key="loss",run_id="r"}`, math.NaN(), `wandb_history{key="acc",run_id="r"}`, math.Inf(-1))
	b.at(2, put{temp, 5})
	b.at(3, put{temp, math.Inf(1)})
	b.want("the reading before stands", "temp{}", 5.0, `wandb_history{key="loss",run_id="r"}`, math.NaN(), `wandb_history{key="acc",run_id="r"}`, math.Inf(-1))
}

func TestOddLabelsAndCollisions(t *testing.T) {
	b := newBench(t)
	puts := []put{
		{b.add("", sample.Desc{Name: "a.b", Labels: label("x", "1")}), 1},
		{b.add("", sample.Desc{Name: "a_b", Labels: label("x", "1")}), 2},                      // same name and labels
		{b.add("", sample.Desc{Name: "a b", Labels: label("x", "2")}), 3},                      // same name, other labels
		{b.add("", sample.Desc{Name: "c.total"}), 4},                                           // a gauge with a counter's name
		{b.add("", sample.Desc{Name: "c", Kind: sample.Counter}), 5},                           // another type
		{b.add("", sample.Desc{Name: "d", Labels: label("l.1", "p", "l_1", "q", "e", "")}), 6}, // labels fall together
		{b.add("r", sample.RowDesc("k\xff")), 7},
		{b.add("r", sample.RowDesc("k\xfe")), 8}, // the same key once valid
		{b.add("r", sample.RowDesc("q\"\\\n\x00")), 9},
		{b.add("", sample.Desc{Name: hiddenName}), 10},
		{b.add("", sample.Desc{Name: "h", Help: "bad \xff help"}), 11},
		{b.add("", sample.Desc{Name: "h", Help: "other help", Labels: label("x", "1")}), 12},
	}
	b.at(1, puts...)
	b.want("first one stays", `a_b{x="1"}`, 1.0, `a_b{x="2"}`, 3.0, `c_total{}`, 4.0, `d{l_1="p;q"}`, 6.0,
		`wandb_history{key="k�",run_id="r"}`, 7.0, `wandb_history{key="q\"\\\n\x00",run_id="r"}`, 9.0, `h{}`, 11.0, `h{x="1"}`, 12.0)
	got, _ := b.scrape()
	if n := got[hiddenName+"{}"]; n != 4 {
		t.Errorf("%s = %v, want 4", hiddenName, n)
	}
	b.schema.End(puts[0].ref)
	b.at(2, puts[1:]...)
	got, _ = b.scrape()
	if got[`a_b{x="1"}`] != 2 || got[hiddenName+"{}"] != 3 {
		t.Errorf("after the first ended got a_b = %v, hidden = %v; want 2 and 3", got[`a_b{x="1"}`], got[hiddenName+"{}"])
	}
}

func TestHiddenSeriesIsLoggedOnce(t *testing.T) {
	var text strings.Builder
	b := newBench(t)
	b.e = New(Config{Logger: slog.New(slog.NewTextHandler(&text, nil))})
	b.add("", sample.Desc{Name: "a.b"})
	twin := b.add("", sample.Desc{Name: "a-b"})
	for sec := range int64(3) {
		b.at(sec, put{twin, 1})
		b.scrape()
	}
	if got := strings.Count(text.String(), "series=a-b"); got != 1 {
		t.Errorf("logged %d times, want once: %q", got, text.String())
	}
}

func TestEndedSeriesVanishAtOnce(t *testing.T) {
	b := newBench(t)
	p, loss := b.add("r", sample.Desc{Name: "p"}), b.add("r", sample.RowDesc("loss"))
	b.at(1, put{p, 1}, put{loss, 2})
	b.schema.End(p)
	b.want("without a batch in between", `wandb_history{key="loss",run_id="r"}`, 2.0)
	b.schema.End(loss)
	b.want("run ended")
	b.schema.Retire(0, 1)
	b.schema.Retire(10, 10)
	if again := b.add("r", sample.Desc{Name: "p"}); again != p {
		t.Fatalf("slot not reused: got %d, want %d", again, p)
	}
	b.want("a new series in the old slot has no value yet")
}

func TestStaleSeriesVanish(t *testing.T) {
	b := newBench(t)
	fast, slow, loss := b.add("", sample.Desc{Name: "fast"}), b.add("", sample.Desc{Name: "slow"}), b.add("r", sample.RowDesc("loss"))
	row := `wandb_history{key="loss",run_id="r"}`
	b.at(0, put{fast, 1}, put{slow, 1}, put{loss, 3})
	b.now = 9 * second
	b.want("read once: the slowest tier is waited for", "fast{}", 1.0, "slow{}", 1.0, row, 3.0)
	b.at(10, put{slow, 2})
	b.at(11, put{fast, 2})
	b.at(12, put{fast, 3})
	b.now = 16 * second
	b.want("fast was read 4 s ago", "fast{}", 3.0, "slow{}", 2.0, row, 3.0)
	b.now = 18 * second
	b.want("fast is stale", "slow{}", 2.0, row, 3.0)
	b.now = 36 * second
	b.want("both are stale, rows keep no cadence", row, 3.0)
}

func TestOlderReadingDoesNotReplaceNewer(t *testing.T) {
	b := newBench(t)
	x := b.add("", sample.Desc{Name: "x"})
	b.at(2, put{x, 2})
	b.at(1, put{x, 1})
	b.want("newest by time", "x{}", 2.0)
}

func TestCreatedTimestampAndRestart(t *testing.T) {
	b := newBench(t)
	c := b.add("", sample.Desc{Name: "c", Kind: sample.Counter})
	b.schema.SetStart(c, 5*second)
	b.at(10, put{c, 100})
	if got := b.created(); got != 1_700_000_005 {
		t.Errorf("created = %d, want 1700000005", got)
	}
	b.schema.SetStart(c, 11*second)
	b.want("no value of the old count under the new start")
	b.at(12, put{c, 1})
	if got := b.created(); got != 1_700_000_011 {
		t.Errorf("created = %d, want 1700000011", got)
	}
}

// created returns the created timestamp of the only counter in Unix seconds.
func (b *bench) created() int64 {
	b.t.Helper()
	for _, p := range b.e.points() {
		var m dto.Metric
		if err := p.Write(&m); err != nil {
			b.t.Fatal(err)
		}
		if m.Counter != nil {
			return m.Counter.GetCreatedTimestamp().GetSeconds()
		}
	}
	b.t.Fatal("no counter")
	return 0
}

func TestShutdownForgets(t *testing.T) {
	b := newBench(t)
	b.at(1, put{b.add("", sample.Desc{Name: "x"}), 1})
	if err := b.e.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.want("after Shutdown")
}

func TestOverHTTP(t *testing.T) {
	b := newBench(t)
	b.at(1, put{b.add("", sample.Desc{Name: "x", Help: "An x."}), 1})
	srv := httptest.NewServer(b.e.Handler())
	defer srv.Close()
	resp, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if want := "# HELP x An x.\n# TYPE x gauge\nx 1\n"; !strings.Contains(string(body), want) {
		t.Errorf("got %q, want it to contain %q", body, want)
	}
}

// Batches, a changing schema and scrapes at once.
func TestConcurrentScrapes(t *testing.T) {
	b := newBench(t)
	x := b.add("", sample.Desc{Name: "x"})
	b.at(1, put{x, 1})
	clock := sample.Clock{Read: func() int64 { return 2 * second }}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		defer close(stop)
		for i := range 300 {
			ref, err := b.schema.Add(sample.Desc{Name: "y", Labels: label("i", fmt.Sprint(i))})
			if err != nil {
				t.Error(err)
				return
			}
			f := sample.Frame{Time: 2 * second, Refs: []sample.Ref{x, ref}, Vals: []float64{1, 2}}
			_ = b.e.Export(context.Background(), &sample.Batch{Schema: b.schema, Clock: clock, Frames: []sample.Frame{f}})
			b.schema.End(ref)
		}
	})
	h := b.e.Handler()
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
				if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "\nx 1\n") {
					t.Errorf("status %d, body %q", rec.Code, rec.Body)
					return
				}
			}
		})
	}
	wg.Wait()
}
