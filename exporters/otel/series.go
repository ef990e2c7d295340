package otel

import (
	"math"
	"slices"

	"go.opentelemetry.io/otel/attribute"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// series is a registered series as it is sent: made once.
type series struct {
	metric metricID
	help   string
	attrs  attribute.Set
	row    bool
	hidden bool // another one has equal metric and attributes
}

// metricID is what points must share to be in one metric.
type metricID struct {
	name, unit string
	kind       sample.Kind
}

// stream is how far a cumulative series has come.
type stream struct {
	start, time int64 // Clock ns; time is that of the last reading
	last        float64
	gen         uint32
	seen        bool
}

// point is one value on its way.
type point struct {
	ref         sample.Ref
	val         float64
	time, start int64 // Clock ns; start is 0 for gauges
}

// table is all series of a schema and their streams.
type table struct {
	schema  *sample.Schema
	version uint64
	info    []sample.Series // as of version, by Ref
	spare   []sample.Series
	series  []series // by Ref
	streams []stream // by Ref, as of the last confirmed request
	next    []stream // by Ref, with what is being sent
	hidden  int
}

// refresh takes in a changed schema.
func (t *table) refresh(schema *sample.Schema) {
	if schema == t.schema && schema.Version() == t.version {
		return
	}
	if schema != t.schema {
		*t = table{schema: schema}
	}
	next, version := schema.AppendSeries(t.spare[:0])
	for i := range next {
		switch {
		case i >= len(t.series):
			t.series, t.streams = append(t.series, render(&next[i])), append(t.streams, stream{})
		case !sameSeries(&t.info[i], &next[i]):
			t.series[i], t.streams[i] = render(&next[i]), stream{}
		}
	}
	t.spare, t.info, t.version = t.info, next, version
	t.hide()
}

func sameSeries(a, b *sample.Series) bool {
	return a.Run == b.Run && a.Name == b.Name && slices.Equal(a.Labels, b.Labels)
}

// render makes metric and attributes of a series.
func render(sr *sample.Series) series {
	attrs := make([]attribute.KeyValue, 0, len(sr.Labels))
	for _, l := range sr.Labels {
		attrs = append(attrs, attribute.String(valid(l.Name), valid(l.Value)))
	}
	_, row := sr.RowKey()
	return series{
		metric: metricID{valid(sr.Name), valid(sr.Unit), sr.Kind},
		help:   valid(sr.Help),
		attrs:  attribute.NewSet(attrs...),
		row:    row,
	}
}

// hide marks every living series that a receiver could not tell from an
// earlier one.
func (t *table) hide() {
	type identity struct {
		run   sample.RunID
		name  string
		attrs attribute.Distinct
	}
	seen := make(map[identity]bool, len(t.series))
	t.hidden = 0
	for i := range t.series {
		s := &t.series[i]
		id := identity{t.info[i].Run, s.metric.name, s.attrs.Equivalent()}
		s.hidden = !t.info[i].Ended && seen[id]
		if s.hidden {
			t.hidden++
		}
		seen[id] = seen[id] || !t.info[i].Ended
	}
}

// begin prepares to build points from the streams as confirmed.
func (t *table) begin() { t.next = append(t.next[:0], t.streams...) }

// confirm makes what was sent the streams to go on from.
func (t *table) confirm() { copy(t.streams, t.next) }

// point makes the point of a reading and brings its stream forward; false when
// it cannot be sent.
func (t *table) point(ref sample.Ref, v float64, at int64) (point, bool) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return point{}, false
	}
	p := point{ref: ref, val: v, time: at}
	if kind := t.info[ref].Kind; kind != sample.Gauge {
		p.start = t.next[ref].advance(&t.info[ref], v, at)
	}
	return p, true
}

// advance takes a reading and returns the start time to send with it. A start
// the collector gave wins if it is later than all that was read before a
// restart, and is never after the reading itself.
func (s *stream) advance(sr *sample.Series, v float64, at int64) int64 {
	switch {
	case !s.seen:
		s.start = at
		if sr.Start != 0 {
			s.start = sr.Start
		}
	case s.gen != sr.Gen || (sr.Kind == sample.Counter && v < s.last):
		s.start = max(s.time, sr.Start)
	}
	s.start = min(s.start, at)
	s.seen, s.gen, s.last, s.time = true, sr.Gen, v, at
	return s.start
}
