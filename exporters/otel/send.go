package otel

import (
	"context"
	"fmt"
	"net/http"

	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// send delivers points of one run in one request, or in halves where that is
// too large. nil means they are settled: confirmed, or refused for good and
// counted in e.refused.
func (e *Exporter) send(ctx context.Context, run sample.RunID, points []point) error {
	e.transport.tried, e.transport.last = false, answer{}
	err := e.sdk.Export(ctx, e.assemble(e.resource(run), points))
	a := e.transport.last
	switch {
	case err == nil && a.ok():
		e.accept(uint64(len(points)), &a)
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("send metrics: %w", context.Cause(ctx))
	case a.status == http.StatusRequestEntityTooLarge || (!e.transport.tried && err != nil):
		return e.halve(ctx, run, points, tooLarge(&a, err))
	case a.status == 0:
		return fmt.Errorf("send metrics: %w", err)
	}
	refusal := a.refusal()
	if refusal.permanent() {
		e.refuse(uint64(len(points)), refusal)
		return nil
	}
	if a.retryAfter > 0 {
		e.notBefore = e.now().Add(a.retryAfter)
	}
	return fmt.Errorf("send metrics: %w", refusal)
}

// accept counts a confirmed request.
func (e *Exporter) accept(points uint64, a *answer) {
	rejected := min(uint64(max(a.rejected, 0)), points)
	if rejected > 0 {
		e.refuse(rejected, fmt.Errorf("partial success: %q", valid(a.message[:min(len(a.message), maxQuoted)])))
	}
	e.refused.sent += points - rejected
	e.counters.sent.Add(points - rejected)
}

// refuse counts points that will not be sent again.
func (e *Exporter) refuse(points uint64, err error) {
	e.refused.points += points
	e.counters.rejected.Add(points)
	if e.refused.err == nil {
		e.refused.err = fmt.Errorf("send metrics: %w", err)
	}
}

// halve sends both halves of a request that was too large.
func (e *Exporter) halve(ctx context.Context, run sample.RunID, points []point, cause error) error {
	if len(points) == 1 {
		e.refuse(1, cause)
		return nil
	}
	if err := e.send(ctx, run, points[:len(points)/2]); err != nil {
		return err
	}
	return e.send(ctx, run, points[len(points)/2:])
}

// tooLarge is the reason for halving: the receiver's, or the SDK's when it did
// not send the request at all.
func tooLarge(a *answer, err error) error {
	if a.status != 0 {
		return a.refusal()
	}
	return err
}

// resource returns the resource of a run, made once per version of the facts.
func (e *Exporter) resource(run sample.RunID) *resource.Resource {
	r := e.resources[run]
	if r == nil {
		r = resourceOf(e.facts, run, e.env, e.conf.Resource)
		e.resources[run] = r
	}
	return r
}
