package otel

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

const (
	second = int64(time.Second)
	anchor = 1_700_000_000 * second
)

// receiver is an OTLP/HTTP receiver that decodes what it is sent. answer, when
// set, takes the place of the plain acknowledgement; it gets the number of the
// request, from 0, and what is in it.
type receiver struct {
	*httptest.Server
	t testing.TB

	mu       sync.Mutex // guards all below
	requests []*collector.ExportMetricsServiceRequest
	headers  []http.Header
	paths    []string
	answer   func(w http.ResponseWriter, n int, m *collector.ExportMetricsServiceRequest)
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{t: t}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	body := io.Reader(req.Body)
	if req.Header.Get("Content-Encoding") == "gzip" {
		gz, err := gzip.NewReader(req.Body)
		if err != nil {
			r.t.Errorf("request: %v", err)
			return
		}
		body = gz
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return // the client gave up
	}
	m := new(collector.ExportMetricsServiceRequest)
	if err := proto.Unmarshal(raw, m); err != nil {
		r.t.Errorf("request is no OTLP message: %v", err)
	}
	r.mu.Lock()
	n, answer := len(r.requests), r.answer
	r.requests = append(r.requests, m)
	r.headers = append(r.headers, req.Header.Clone())
	r.paths = append(r.paths, req.URL.Path)
	r.mu.Unlock()
	if answer != nil {
		answer(w, n, m)
		return
	}
	acknowledge(w, 0, "")
}

// acknowledge answers as a receiver does; rejected points make it partial.
func acknowledge(w http.ResponseWriter, rejected int64, message string) {
	m := new(collector.ExportMetricsServiceResponse)
	if rejected != 0 || message != "" {
		m.PartialSuccess = &collector.ExportMetricsPartialSuccess{RejectedDataPoints: rejected, ErrorMessage: message}
	}
	raw, _ := proto.Marshal(m)
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(raw)
}

func (r *receiver) answerWith(f func(w http.ResponseWriter, n int, m *collector.ExportMetricsServiceRequest)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// got is a data point as it arrived.
type got struct {
	run, name, labels, kind string
	value                   float64
	time, start             int64 // s since the anchor; start -1 when there is none
}

// all returns the points of the requests from the n-th on.
func (r *receiver) all(n int) []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []got
	for _, m := range r.requests[n:] {
		out = append(out, pointsOf(m)...)
	}
	return out
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.requests)
}

func pointsOf(m *collector.ExportMetricsServiceRequest) (out []got) {
	for _, rm := range m.ResourceMetrics {
		run := attr(rm.Resource.Attributes, "wandb.run.id")
		for _, sm := range rm.ScopeMetrics {
			for _, metric := range sm.Metrics {
				kind, points := "gauge", metric.GetGauge().GetDataPoints()
				if s := metric.GetSum(); s != nil {
					kind, points = "sum", s.DataPoints
					if s.IsMonotonic {
						kind = "counter"
					}
					if s.AggregationTemporality != metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE {
						kind = "not cumulative"
					}
				}
				for _, p := range points {
					g := got{run: run, name: metric.Name, kind: kind, value: p.GetAsDouble(), time: (int64(p.TimeUnixNano) - anchor) / second, start: -1}
					if p.StartTimeUnixNano != 0 {
						g.start = (int64(p.StartTimeUnixNano) - anchor) / second
					}
					for _, kv := range p.Attributes {
						g.labels += kv.Key + "=" + kv.Value.GetStringValue() + ";"
					}
					out = append(out, g)
				}
			}
		}
	}
	return out
}

func attr(list []*common.KeyValue, key string) string {
	for _, kv := range list {
		if kv.Key == key {
			return kv.Value.GetStringValue()
		}
	}
	return ""
}

// bench is an exporter with a schema and a receiver.
type bench struct {
	t      testing.TB
	recv   *receiver
	e      *Exporter
	schema *sample.Schema
	facts  *sample.Facts
	seq    uint64
}

func newBench(t testing.TB, conf Config) *bench {
	t.Helper()
	b := &bench{t: t, recv: newReceiver(t), schema: sample.NewSchema(0), facts: &sample.Facts{Hostname: "h"}}
	conf.Endpoint = b.recv.URL
	b.e = open(t, conf)
	return b
}

func open(t testing.TB, conf Config) *Exporter {
	t.Helper()
	e, err := New(context.Background(), conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Shutdown(context.Background()) })
	return e
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

// frame makes the next frame, with the time in seconds.
func (b *bench) frame(sec int64, puts ...put) sample.Frame {
	b.seq++
	f := sample.Frame{Seq: b.seq, Source: 1, Step: sample.NoStep, Time: sec * second}
	for _, p := range puts {
		f.Put(p.ref, p.v)
	}
	return f
}

func (b *bench) batch(frames ...sample.Frame) *sample.Batch {
	return &sample.Batch{Schema: b.schema, Facts: b.facts, Clock: sample.Clock{Anchor: anchor}, Frames: frames}
}

func (b *bench) export(frames ...sample.Frame) error {
	return b.e.Export(context.Background(), b.batch(frames...))
}

// wantPoints compares in any order.
func (b *bench) wantPoints(have []got, want ...got) {
	b.t.Helper()
	have = slices.Clone(have)
	for _, w := range want {
		i := slices.Index(have, w)
		if i < 0 {
			b.t.Errorf("missing %+v in %+v", w, have)
			continue
		}
		have = slices.Delete(have, i, i+1)
	}
	if len(have) > 0 {
		b.t.Errorf("unexpected %+v", have)
	}
}
