package otel

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

func labels(pairs ...string) (out []sample.Label) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, sample.Label{Name: pairs[i], Value: pairs[i+1]})
	}
	return out
}

// Every sample arrives with its own time and value, and sums with a start.
func TestEverySampleWithItsTime(t *testing.T) {
	b := newBench(t, Config{Version: "1.2.3"})
	cpu := b.add("", sample.Desc{Name: "system.cpu.time", Unit: "s", Help: "CPU time.", Kind: sample.Counter, Labels: labels("cpu.mode", "user")})
	b.schema.SetStart(cpu, 0)
	io := b.add("", sample.Desc{Name: "system.disk.io", Unit: "By", Kind: sample.Counter})
	b.schema.SetStart(io, 5*second)
	mem := b.add("", sample.Desc{Name: "system.memory.usage", Kind: sample.UpDown})
	temp := b.add("r1", sample.Desc{Name: "hw.temperature", Unit: "Cel"})
	if err := b.export(b.frame(10, put{cpu, 1.5}, put{io, 100}, put{mem, 7}), b.frame(11, put{cpu, 2.5}, put{mem, 6}, put{temp, 40})); err != nil {
		t.Fatal(err)
	}
	if err := b.export(b.frame(12, put{cpu, 3}, put{io, 300})); err != nil {
		t.Fatal(err)
	}
	b.wantPoints(b.recv.all(0),
		got{"", "system.cpu.time", "cpu.mode=user;", "counter", 1.5, 10, 10},
		got{"", "system.cpu.time", "cpu.mode=user;", "counter", 2.5, 11, 10},
		got{"", "system.cpu.time", "cpu.mode=user;", "counter", 3, 12, 10},
		got{"", "system.disk.io", "", "counter", 100, 10, 5},
		got{"", "system.disk.io", "", "counter", 300, 12, 5},
		got{"", "system.memory.usage", "", "sum", 7, 10, 10},
		got{"", "system.memory.usage", "", "sum", 6, 11, 10},
		got{"r1", "hw.temperature", "", "gauge", 40, 11, -1})
	sm := b.recv.requests[0].ResourceMetrics[0].ScopeMetrics[0]
	if sm.Scope.Name != scopeName || sm.Scope.Version != "1.2.3" {
		t.Errorf("scope = %v", sm.Scope)
	}
	if m := sm.Metrics[0]; m.Unit != "s" || m.Description != "CPU time." {
		t.Errorf("unit %q, description %q", m.Unit, m.Description)
	}
	if n := b.e.Counters(); n != (Counters{Sent: 8}) {
		t.Errorf("counters = %+v, want 8 sent", n)
	}
}

func TestStartTimesAfterRestart(t *testing.T) {
	b := newBench(t, Config{})
	falls, told, both := b.add("", sample.Desc{Name: "falls", Kind: sample.Counter}), b.add("", sample.Desc{Name: "told", Kind: sample.Counter}), b.add("", sample.Desc{Name: "updown", Kind: sample.UpDown})
	b.schema.SetStart(told, 1*second)
	if err := b.export(b.frame(10, put{falls, 5}, put{told, 50}, put{both, 5})); err != nil {
		t.Fatal(err)
	}
	b.schema.SetStart(told, 11*second)
	if err := b.export(b.frame(12, put{falls, 3}, put{told, 60}, put{both, 3}), b.frame(13, put{falls, 4}, put{told, 61}, put{both, 4})); err != nil {
		t.Fatal(err)
	}
	b.wantPoints(b.recv.all(1),
		got{"", "falls", "", "counter", 3, 12, 10}, got{"", "falls", "", "counter", 4, 13, 10},
		got{"", "told", "", "counter", 60, 12, 11}, got{"", "told", "", "counter", 61, 13, 11},
		got{"", "updown", "", "sum", 3, 12, 10}, got{"", "updown", "", "sum", 4, 13, 10})
}

func TestRowsAreLastValuePerExport(t *testing.T) {
	b := newBench(t, Config{})
	loss, acc, gpu := b.add("r", sample.RowDesc("loss")), b.add("r", sample.RowDesc("acc")), b.add("", sample.Desc{Name: "gpu"})
	if err := b.export(b.frame(1, put{loss, 9}, put{acc, 1}), b.frame(2, put{loss, 8}), b.frame(3, put{gpu, 1})); err != nil {
		t.Fatal(err)
	}
	b.wantPoints(b.recv.all(0),
		got{"r", "wandb.history", "key=loss;", "gauge", 8, 2, -1},
		got{"r", "wandb.history", "key=acc;", "gauge", 1, 1, -1},
		got{"", "gpu", "", "gauge", 1, 3, -1})
}

func TestNonFinite(t *testing.T) {
	b := newBench(t, Config{})
	temp, loss, acc := b.add("", sample.Desc{Name: "temp"}), b.add("r", sample.RowDesc("loss")), b.add("r", sample.RowDesc("acc"))
	if err := b.export(b.frame(1, put{temp, math.NaN()}, put{temp, math.Inf(1)}, put{temp, 5}, put{loss, math.NaN()}, put{acc, math.Inf(-1)})); err != nil {
		t.Fatal(err)
	}
	var nan, inf, measured int
	for _, g := range b.recv.all(0) {
		switch {
		case g.labels == "key=loss;" && math.IsNaN(g.value):
			nan++
		case g.labels == "key=acc;" && math.IsInf(g.value, -1):
			inf++
		case g.name == "temp" && g.value == 5:
			measured++
		default:
			t.Errorf("unexpected %+v", g)
		}
	}
	if nan != 1 || inf != 1 || measured != 1 {
		t.Errorf("got %d NaN rows, %d infinite rows, %d measured; want one each", nan, inf, measured)
	}
	if n := b.e.Counters(); n.LeftOut != 2 {
		t.Errorf("left out = %d, want 2", n.LeftOut)
	}
}

func TestExactValues(t *testing.T) {
	b := newBench(t, Config{})
	x := b.add("", sample.Desc{Name: "x"})
	values := []float64{0, math.Copysign(0, -1), 1<<53 + 2, 0.1, math.MaxFloat64, math.SmallestNonzeroFloat64, -1}
	var frames []sample.Frame
	for i, v := range values {
		frames = append(frames, b.frame(int64(i+1), put{x, v}))
	}
	if err := b.export(frames...); err != nil {
		t.Fatal(err)
	}
	for i, g := range b.recv.all(0) {
		if math.Float64bits(g.value) != math.Float64bits(values[i]) {
			t.Errorf("%v arrived as %v", values[i], g.value)
		}
	}
}

// One invalid byte must not make a whole batch unsendable, nor two keys one.
func TestInvalidTextAndTwins(t *testing.T) {
	b := newBench(t, Config{})
	a, twin := b.add("r", sample.RowDesc("k\xff")), b.add("r", sample.RowDesc("k\xfe"))
	odd := b.add("", sample.Desc{Name: "n\xff", Unit: "\xff", Help: "\xff", Labels: labels("l\xff", "v\xff")})
	if err := b.export(b.frame(1, put{a, 1}, put{twin, 2}, put{odd, 3})); err != nil {
		t.Fatal(err)
	}
	b.wantPoints(b.recv.all(0),
		got{"r", "wandb.history", "key=k\uFFFD;", "gauge", 1, 1, -1},
		got{"", "n\uFFFD", "l\uFFFD=v\uFFFD;", "gauge", 3, 1, -1})
	if n := b.e.Counters(); n.LeftOut != 1 || n.Sent != 2 {
		t.Errorf("counters = %+v, want 2 sent and 1 left out", n)
	}
}

func TestReusedSlotIsANewStream(t *testing.T) {
	b := newBench(t, Config{})
	old := b.add("", sample.Desc{Name: "c", Kind: sample.Counter, Labels: labels("dev", "a")})
	if err := b.export(b.frame(1, put{old, 10})); err != nil {
		t.Fatal(err)
	}
	b.schema.End(old)
	b.schema.Retire(0, 1)
	b.schema.Retire(9, 9)
	next := b.add("", sample.Desc{Name: "c", Kind: sample.Counter, Labels: labels("dev", "b")})
	if next != old {
		t.Fatalf("slot not reused: got %d, want %d", next, old)
	}
	if err := b.export(b.frame(5, put{next, 3})); err != nil {
		t.Fatal(err)
	}
	b.wantPoints(b.recv.all(1), got{"", "c", "dev=b;", "counter", 3, 5, 5})
}

func TestRequestsAreCut(t *testing.T) {
	b := newBench(t, Config{MaxPoints: 10})
	var puts []put
	for i := range 7 {
		puts = append(puts, put{b.add("", sample.Desc{Name: fmt.Sprint("m", i)}), float64(i)})
	}
	rows := []put{{b.add("r", sample.RowDesc("loss")), 1}, {b.add("r", sample.RowDesc("acc")), 2}}
	if err := b.export(b.frame(1, puts...), b.frame(2, puts...), b.frame(2, rows...), b.frame(3, puts...)); err != nil {
		t.Fatal(err)
	}
	if n := len(b.recv.all(0)); n != 23 {
		t.Errorf("got %d points, want 23", n)
	}
	for i, m := range b.recv.requests {
		if n := len(pointsOf(m)); n > 10 || n == 0 {
			t.Errorf("request %d has %d points, want 1 to 10", i, n)
		}
	}
}

func TestNothingToSend(t *testing.T) {
	b := newBench(t, Config{})
	if err := b.export(); err != nil {
		t.Error(err)
	}
	if err := b.export(b.frame(1)); err != nil {
		t.Error(err)
	}
	if n := b.recv.count(); n != 0 {
		t.Errorf("%d requests for nothing", n)
	}
}

func TestResource(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "team=x,os.version=env")
	b := newBench(t, Config{Resource: map[string]string{"team": "mine"}})
	b.facts = &sample.Facts{
		Hostname: "node7", OS: "Linux-6", Kernel: "6.1", ProcessPID: 42, ProcessExe: "/usr/bin/python3", ProcessArgs: []string{"python3", "train.py"},
		ProcessStart: time.Unix(1_700_000_000, 0), ContainerID: "abc",
	}
	host, run := b.add("", sample.Desc{Name: "h"}), b.add("r1", sample.Desc{Name: "p"})
	if err := b.export(b.frame(1, put{host, 1}, put{run, 1})); err != nil {
		t.Fatal(err)
	}
	both := map[string]string{"service.name": "wandb-agent", "host.name": "node7", "os.description": "Linux-6", "os.version": "env", "team": "mine"}
	program := map[string]string{"wandb.run.id": "r1", "process.executable.name": "python3", "process.executable.path": "/usr/bin/python3",
		"process.creation.time": "2023-11-14T22:13:20.000Z", "container.id": "abc"}
	for _, m := range b.recv.requests {
		list := m.ResourceMetrics[0].Resource.Attributes
		isRun := pointsOf(m)[0].name == "p"
		for k, want := range both {
			if got := attr(list, k); got != want {
				t.Errorf("run %v: %s = %q, want %q", isRun, k, got, want)
			}
		}
		for k, want := range program {
			if !isRun {
				want = ""
			}
			if got := attr(list, k); got != want {
				t.Errorf("run %v: %s = %q, want %q", isRun, k, got, want)
			}
		}
	}
}

func TestShutdown(t *testing.T) {
	b := newBench(t, Config{})
	x := b.add("", sample.Desc{Name: "x"})
	for range 2 {
		if err := b.e.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.export(b.frame(1, put{x, 1})); !agent.IsPermanent(err) {
		t.Errorf("Export after Shutdown = %v, want a permanent error", err)
	}
}

func TestConfig(t *testing.T) {
	for endpoint, want := range map[string]target{
		"":                         {},
		"host:4318":                {host: "host:4318"},
		"http://host:1":            {url: "http://host:1/v1/metrics"},
		"https://host/":            {url: "https://host/v1/metrics"},
		"https://host/otlp/custom": {url: "https://host/otlp/custom", path: "/otlp/custom"},
	} {
		c := Config{Endpoint: endpoint}
		if got, err := c.target(); err != nil || got != want {
			t.Errorf("target of %q = %+v, %v; want %+v", endpoint, got, err, want)
		}
	}
	for _, endpoint := range []string{"http://user:hunter2@host", "ftp://host", "http://", "http://h/?key=hunter2", "http://[hunter2", "host/path", "hunter2@host"} {
		_, err := New(context.Background(), Config{Endpoint: endpoint, Timeout: -1, MaxPoints: -1, URLPath: "x"})
		if err == nil {
			t.Errorf("endpoint %q accepted", endpoint)
			continue
		}
		for _, part := range []string{"endpoint", "timeout", "max points", "url path"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("endpoint %q: error %q does not name the %s", endpoint, err, part)
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("endpoint %q: error shows a secret: %v", endpoint, err)
		}
	}
}

func TestSecretPrintsAsDots(t *testing.T) {
	c := Config{Headers: map[string]Secret{"api-key": "hunter2"}}
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %q %s", c, c, c.Headers, c.Headers)} {
		if strings.Contains(s, "hunter2") {
			t.Errorf("secret shows in %q", s)
		}
	}
}

func TestHeadersAndPath(t *testing.T) {
	b := newBench(t, Config{Headers: map[string]Secret{"Api-Key": "hunter2"}, URLPath: "/otlp/x"})
	x := b.add("", sample.Desc{Name: "x"})
	if err := b.export(b.frame(1, put{x, 1})); err != nil {
		t.Fatal(err)
	}
	if got := b.recv.headers[0].Get("Api-Key"); got != "hunter2" {
		t.Errorf("header = %q", got)
	}
	if got := b.recv.paths[0]; got != "/otlp/x" {
		t.Errorf("path = %q, want /otlp/x", got)
	}
}

// What the user leaves out, the SDK takes from the standard variables.
func TestStandardVariables(t *testing.T) {
	recv := newReceiver(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", recv.URL+"/base")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=fromenv")
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
	t.Setenv("OTEL_SERVICE_NAME", "mine")
	b := &bench{t: t, recv: recv, schema: sample.NewSchema(0), facts: &sample.Facts{}, e: open(t, Config{})}
	x := b.add("", sample.Desc{Name: "x"})
	if err := b.export(b.frame(1, put{x, 1})); err != nil {
		t.Fatal(err)
	}
	h := recv.headers[0]
	if recv.paths[0] != "/base/v1/metrics" || h.Get("Api-Key") != "fromenv" || h.Get("Content-Encoding") != "gzip" {
		t.Errorf("path %q, key %q, encoding %q", recv.paths[0], h.Get("Api-Key"), h.Get("Content-Encoding"))
	}
	if got := attr(recv.requests[0].ResourceMetrics[0].Resource.Attributes, "service.name"); got != "mine" {
		t.Errorf("service.name = %q, want mine", got)
	}
}

func TestCancelledContextReturnsAtOnce(t *testing.T) {
	b := newBench(t, Config{})
	x := b.add("", sample.Desc{Name: "x"})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := b.e.Export(ctx, b.batch(b.frame(1, put{x, 1})))
	if !errors.Is(err, context.Canceled) || agent.IsPermanent(err) {
		t.Errorf("Export = %v, want a retryable context.Canceled", err)
	}
}
