package otel

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// Exporter sends to one receiver. Its pump calls it from one goroutine;
// Counters may be called from any.
type Exporter struct {
	conf      Config
	sdk       *otlpmetrichttp.Exporter
	transport *checked
	env       *resource.Resource // what the environment says of the resource
	now       func() time.Time
	closed    bool

	table     table
	clock     sample.Clock
	facts     *sample.Facts
	resources map[sample.RunID]*resource.Resource // of facts

	confirmed uint64             // frames up to this Seq are settled
	points    []point            // of the request being filled
	rows      []point            // last value per row series of this batch
	rowAt     map[sample.Ref]int // index into rows
	leftOut   uint64             // since the last confirmed request
	refused   refused            // of the batch being sent, over all its tries
	notBefore time.Time          // the receiver asked for silence until then

	counters struct{ sent, rejected, left atomic.Uint64 }
}

var _ agent.Exporter = (*Exporter)(nil)

// Counters are totals in points since New.
type Counters struct {
	Sent     uint64 // confirmed by the receiver
	Rejected uint64 // refused by it, in part or for good
	LeftOut  uint64 // not finite, or of a series equal to another
}

// Counters returns the totals so far. It is safe for concurrent use.
func (e *Exporter) Counters() Counters {
	return Counters{Sent: e.counters.sent.Load(), Rejected: e.counters.rejected.Load(), LeftOut: e.counters.left.Load()}
}

// New returns an exporter; it connects on the first Export. The SDK reads the
// OTEL_* variables here, for what conf leaves out.
func New(ctx context.Context, conf Config) (*Exporter, error) {
	if err := conf.Validate(); err != nil {
		return nil, fmt.Errorf("configure otlp: %w", err)
	}
	if conf.Timeout == 0 {
		conf.Timeout = DefaultTimeout
	}
	if conf.MaxPoints == 0 {
		conf.MaxPoints = DefaultMaxPoints
	}
	env, err := resource.New(ctx, resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("read otlp resource: %w", err)
	}
	goal, err := conf.target()
	if err != nil {
		return nil, fmt.Errorf("configure otlp: %w", err)
	}
	t := newTransport(conf.TLS)
	sdk, err := otlpmetrichttp.New(ctx, conf.options(goal, t.client(conf.Timeout))...)
	if err != nil {
		return nil, fmt.Errorf("open otlp exporter: %w", err)
	}
	return &Exporter{conf: conf, sdk: sdk, transport: t, env: env, now: time.Now, rowAt: make(map[sample.Ref]int)}, nil
}

// Export sends every reading of the batch. nil means the receiver confirmed
// them all; see the package comment for the other outcomes.
func (e *Exporter) Export(ctx context.Context, b *sample.Batch) error {
	switch {
	case e.closed:
		return agent.Permanent(errors.New("send metrics: exporter is shut down"))
	case ctx.Err() != nil:
		return fmt.Errorf("send metrics: %w", context.Cause(ctx))
	}
	if wait := e.notBefore.Sub(e.now()); wait > 0 {
		return fmt.Errorf("send metrics: receiver asked to wait another %v", wait.Round(time.Second))
	}
	e.observe(b)
	if err := e.sendFrames(ctx, b); err != nil {
		return err
	}
	r := e.refused
	e.refused = refused{}
	return r.verdict(len(b.Frames))
}

// observe takes in what the batch says besides its frames.
func (e *Exporter) observe(b *sample.Batch) {
	e.clock = b.Clock
	if e.facts != b.Facts || e.resources == nil {
		e.facts, e.resources = b.Facts, make(map[sample.RunID]*resource.Resource)
	}
	e.table.refresh(b.Schema)
	e.table.begin()
	e.points, e.rows, e.leftOut = e.points[:0], e.rows[:0], 0
	clear(e.rowAt)
}

// sendFrames cuts the batch into requests and sends them. An error means that
// the frames after e.confirmed are to be offered again.
func (e *Exporter) sendFrames(ctx context.Context, b *sample.Batch) error {
	whole := e.confirmed // the last frame of which every point is in a request
	for i := range b.Frames {
		f := &b.Frames[i]
		settled := f.Seq != 0 && f.Seq <= e.confirmed
		for j, ref := range f.Refs {
			p, ok := e.take(ref, f.Vals[j], f.Time, settled)
			if !ok {
				continue
			}
			if err := e.push(ctx, p, whole); err != nil {
				return err
			}
		}
		whole = max(whole, f.Seq)
	}
	for _, p := range e.rows {
		if err := e.push(ctx, p, whole); err != nil {
			return err
		}
	}
	return e.flush(ctx, whole)
}

// push adds a point, after sending those collected if they fill a request:
// only then are the frames up to seq complete.
func (e *Exporter) push(ctx context.Context, p point, seq uint64) error {
	if len(e.points) >= e.conf.MaxPoints {
		if err := e.flush(ctx, seq); err != nil {
			return err
		}
	}
	e.points = append(e.points, p)
	return nil
}

// take makes the point of a reading; false when there is none to send now.
// Rows wait for the end of the batch, so they are sent again with every try of
// it; other readings are not if an earlier try settled their frame.
func (e *Exporter) take(ref sample.Ref, v float64, at int64, settled bool) (point, bool) {
	if int(ref) >= len(e.table.series) {
		return point{}, false
	}
	s := &e.table.series[ref]
	if s.row && !s.hidden {
		e.addRow(point{ref: ref, val: v, time: at})
		return point{}, false
	}
	if settled {
		return point{}, false
	}
	p, ok := e.table.point(ref, v, at)
	if !ok || s.hidden {
		e.leftOut++
		return point{}, false
	}
	return p, true
}

// addRow keeps the last value of a row series.
func (e *Exporter) addRow(p point) {
	at, ok := e.rowAt[p.ref]
	if !ok {
		at = len(e.rows)
		e.rowAt[p.ref] = at
		e.rows = append(e.rows, p)
	}
	e.rows[at] = p
}

// flush sends the points collected, a request per run. Afterwards the frames
// up to seq are settled.
func (e *Exporter) flush(ctx context.Context, seq uint64) error {
	for _, part := range e.byRun() {
		if err := e.send(ctx, part.run, part.points); err != nil {
			return err
		}
	}
	e.counters.left.Add(e.leftOut)
	e.points, e.leftOut = e.points[:0], 0
	e.table.confirm()
	e.confirmed = max(e.confirmed, seq)
	return nil
}

// runPoints are points of one resource.
type runPoints struct {
	run    sample.RunID
	points []point
}

// byRun parts the points collected, in order of first appearance.
func (e *Exporter) byRun() []runPoints {
	var parts []runPoints
	index := make(map[sample.RunID]int)
	for _, p := range e.points {
		run := e.table.info[p.ref].Run
		at, ok := index[run]
		if !ok {
			at = len(parts)
			index[run] = at
			parts = append(parts, runPoints{run: run})
		}
		parts[at].points = append(parts[at].points, p)
	}
	return parts
}

// Shutdown lets go of the connection. Nothing is held back that would have to
// be sent.
func (e *Exporter) Shutdown(ctx context.Context) error {
	if e.closed {
		return nil
	}
	e.closed = true
	err := e.sdk.Shutdown(ctx)
	e.transport.base.CloseIdleConnections()
	if err != nil {
		return fmt.Errorf("shut down otlp exporter: %w", err)
	}
	return nil
}

// refused is what the receiver did not take of a batch.
type refused struct {
	sent, points uint64 // confirmed and refused
	err          error  // the first refusal
}

// verdict turns refused points into what the pump counts, frames. Receivers do
// not say which points they refused, so the number of frames is in proportion,
// rounded up.
func (r *refused) verdict(frames int) error {
	switch {
	case r.points == 0:
		return nil
	case r.sent == 0:
		return agent.Permanent(r.err)
	}
	share := float64(r.points) / float64(r.points+r.sent)
	return &agent.PartialError{Rejected: min(frames, max(1, int(math.Ceil(share*float64(frames))))), Err: r.err}
}
