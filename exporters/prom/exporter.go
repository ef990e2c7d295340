package prom

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// hiddenName counts the series that collide with another.
const hiddenName = "wandb_agent_scrape_hidden_series"

// maxScrapes bounds the scrapes served at once; more get 503.
const maxScrapes = 8

// A series is stale after this many halves of its own interval, and not before
// minAge.
const (
	staleHalves  = 5
	minAge       = int64(5 * time.Second)
	unknownEvery = int64(10 * time.Second) // a series read once: the slowest built-in tier
)

// Config is how a scrape path behaves; the zero value works.
type Config struct {
	Logger *slog.Logger // says which series had to be hidden; nil is silence
}

// Exporter keeps the newest value of every series. It is an agent.Exporter for
// a pump and a prometheus.Collector for a registry; both may be used at once.
type Exporter struct {
	log        *slog.Logger
	hiddenDesc *prometheus.Desc

	mu      sync.Mutex // guards all below
	schema  *sample.Schema
	clock   sample.Clock
	version uint64
	series  []sample.Series // as of version, by Ref
	spare   []sample.Series
	slots   []slot // by Ref
	hidden  int    // series that collide with another
	victim  string // one of them, not logged yet
}

// slot is the newest reading of a series and how it is shown.
type slot struct {
	shown *rendered        // never changed: scrapes share it
	desc  *prometheus.Desc // of its family; nil while ended or hidden
	val   float64
	time  int64 // Clock ns
	every int64 // between the last two readings; 0 not yet known
	row   bool
	has   bool
}

var _ prometheus.Collector = (*Exporter)(nil)

// New returns an exporter without values.
func New(c Config) *Exporter {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Exporter{log: c.Logger, hiddenDesc: prometheus.NewDesc(hiddenName,
		"Series not shown because their name and labels are those of another.", nil, nil)}
}

// Handler serves the values of e, and nothing else, in the format that the
// scraper asks for.
func (e *Exporter) Handler() http.Handler {
	reg := prometheus.NewRegistry()
	// An unchecked collector (Describe sends nothing) cannot be refused.
	_ = reg.Register(e)
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(e.log.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError,
		DisableCompression:  true,
		MaxRequestsInFlight: maxScrapes,
	})
}

// Export takes the newest values of a batch. It never fails.
func (e *Exporter) Export(_ context.Context, b *sample.Batch) error {
	if victim, hidden := e.take(b); victim != "" {
		e.log.Warn("series hidden in scrapes: name and labels are those of another", "series", victim, "hidden", hidden)
	}
	return nil
}

// take stores a batch and returns a series that it made hidden, once.
func (e *Exporter) take(b *sample.Batch) (victim string, hidden int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clock = b.Clock
	e.refresh(b.Schema)
	for i := range b.Frames {
		f := &b.Frames[i]
		for j, ref := range f.Refs {
			if int(ref) < len(e.slots) {
				e.slots[ref].put(f.Vals[j], f.Time)
			}
		}
	}
	victim, e.victim = e.victim, ""
	return victim, e.hidden
}

// Shutdown forgets all values: a scrape afterwards shows none.
func (e *Exporter) Shutdown(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.schema, e.series, e.slots, e.version, e.hidden = nil, nil, nil, 0, 0
	return nil
}

// put takes a reading unless a newer one is there.
func (s *slot) put(v float64, t int64) {
	if !s.row && (math.IsNaN(v) || math.IsInf(v, 0)) {
		return
	}
	if s.has && t < s.time {
		return
	}
	if s.has && t > s.time {
		s.every = t - s.time
	}
	s.val, s.time, s.has = v, t, true
}

// fresh reports whether the reading still stands for now.
func (s *slot) fresh(now int64) bool {
	every := s.every
	if every == 0 {
		every = unknownEvery
	}
	age := now - s.time
	return s.row || age < minAge || 2*age < staleHalves*every
}

// Describe sends nothing: the set of series changes while programs run.
func (e *Exporter) Describe(chan<- *prometheus.Desc) {}

// Collect sends the newest value of every living series.
func (e *Exporter) Collect(ch chan<- prometheus.Metric) {
	points := e.points()
	for i := range points {
		ch <- &points[i]
	}
}

// points copies what a scrape shows.
func (e *Exporter) points() []point {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.schema == nil {
		return []point{e.hiddenPoint()}
	}
	e.refresh(e.schema)
	now := e.clock.Now()
	out := make([]point, 0, len(e.slots)+1)
	for i := range e.slots {
		s := &e.slots[i]
		if s.has && s.desc != nil && s.fresh(now) {
			out = append(out, point{series: s.shown, desc: s.desc, value: s.val})
		}
	}
	return append(out, e.hiddenPoint())
}

func (e *Exporter) hiddenPoint() point {
	return point{series: &rendered{}, desc: e.hiddenDesc, value: float64(e.hidden)}
}

// refresh takes in a changed schema.
func (e *Exporter) refresh(schema *sample.Schema) {
	if schema == e.schema && schema.Version() == e.version {
		return
	}
	if schema != e.schema {
		e.schema, e.series, e.slots = schema, e.series[:0], e.slots[:0]
	}
	next, version := schema.AppendSeries(e.spare[:0])
	for i := range next {
		e.follow(i, &next[i])
	}
	e.spare, e.series, e.version = e.series, next, version
	e.resolve()
}

// follow brings slot i in line with its series. A counter that restarted has no
// value until it is read again.
func (e *Exporter) follow(i int, sr *sample.Series) {
	_, row := sr.RowKey()
	switch {
	case i >= len(e.slots):
		e.slots = append(e.slots, slot{shown: render(sr, e.clock), row: row})
	case e.series[i].Gen != sr.Gen || !sameSeries(&e.series[i], sr):
		e.slots[i] = slot{shown: render(sr, e.clock), row: row}
	case e.series[i].Start != sr.Start:
		e.slots[i].shown = render(sr, e.clock)
	}
}

func sameSeries(a, b *sample.Series) bool {
	return a.Run == b.Run && a.Name == b.Name && slices.Equal(a.Labels, b.Labels)
}

// resolve gives every living series its family and hides those that collide.
func (e *Exporter) resolve() {
	type family struct {
		desc    *prometheus.Desc
		counter bool
		labels  map[string]bool
	}
	families := make(map[string]*family)
	before, victim := e.hidden, ""
	e.hidden = 0
	for i := range e.slots {
		s := &e.slots[i]
		s.desc = nil
		if e.series[i].Ended {
			continue
		}
		f := families[s.shown.name]
		if f == nil {
			f = &family{
				desc:    prometheus.NewDesc(s.shown.name, s.shown.help, nil, nil),
				counter: s.shown.counter,
				labels:  make(map[string]bool),
			}
			families[s.shown.name] = f
		}
		if f.counter != s.shown.counter || f.labels[s.shown.key] || s.shown.name == hiddenName {
			e.hidden, victim = e.hidden+1, e.series[i].Name
			continue
		}
		f.labels[s.shown.key], s.desc = true, f.desc
	}
	if e.hidden > before {
		e.victim = victim
	}
}
