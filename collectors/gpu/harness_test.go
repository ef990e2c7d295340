package gpu

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// deadline is how long a test waits for something that must happen.
const deadline = 30 * time.Second

// harness runs a Driver as the agent does, with a clock that moves one second
// a tick.
type harness struct {
	t      *testing.T
	d      *Driver
	schema *sample.Schema
	clock  *atomic.Int64
	frame  sample.Frame
	facts  sample.Facts
	logs   *lockedBuilder

	mu     sync.Mutex
	events []sample.Event
}

type lockedBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuilder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuilder) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// fastPace makes lives that take minutes take moments.
var fastPace = pace{look: 20 * time.Millisecond, firstRetry: 20 * time.Millisecond, lastRetry: 50 * time.Millisecond}

// run starts a driver that ends with the test.
func run(t *testing.T, cfg Config, lib library) *harness {
	t.Helper()
	h := &harness{t: t, schema: sample.NewSchema(0), clock: new(atomic.Int64), logs: new(lockedBuilder)}
	h.clock.Store(int64(time.Hour))
	cfg.Clock = sample.Clock{Read: h.clock.Load}
	cfg.Logger = slog.New(slog.NewTextHandler(h.logs, nil))
	if cfg.Late == 0 {
		cfg.Late = deadline
	}
	cfg = cfg.withDefaults()
	if lib == nil {
		lib = newLibrary(cfg.Library)
	}
	h.d = newDriver(cfg, lib)
	h.d.pace = fastPace
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.d.Run(ctx, h.note) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return h
}

func (h *harness) note(e sample.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

// tick lets a second pass and returns what the driver then puts, by metric,
// GPU and labels: "hw.temperature gpu0 gpu".
func (h *harness) tick() map[string]float64 {
	h.t.Helper()
	h.clock.Add(int64(time.Second))
	return h.collect(h.d, h.schema)
}

func (h *harness) collect(c agent.Collector, schema *sample.Schema) map[string]float64 {
	h.t.Helper()
	for range 100 {
		h.frame.Reset()
		err := c.Collect(h.t.Context(), &h.frame)
		if err == nil {
			return h.named()
		}
		if !errors.Is(err, sample.ErrChanged) {
			h.t.Fatalf("Collect: %v", err)
		}
		if p, can := c.(agent.Prober); can {
			if err := p.Probe(&h.facts); err != nil {
				h.t.Fatalf("Probe: %v", err)
			}
		}
		if err := c.Describe(schema); err != nil {
			h.t.Fatalf("Describe: %v", err)
		}
	}
	h.t.Fatal("the set of series never settles")
	return nil
}

func (h *harness) named() map[string]float64 {
	h.t.Helper()
	out := make(map[string]float64)
	for i, ref := range h.frame.Refs {
		s, found := h.schema.Series(ref)
		if !found || s.Ended {
			h.t.Fatalf("a value for series %d, which is over or never was", ref)
		}
		key := s.Name + " " + s.Label("hw.name")
		for _, l := range s.Labels {
			if l.Name != "hw.id" && l.Name != "hw.name" {
				key += " " + l.Value
			}
		}
		if _, twice := out[key]; twice {
			h.t.Errorf("%s put twice in a frame", key)
		}
		out[key] = h.frame.Vals[i]
	}
	return out
}

// until ticks until the condition holds and returns that tick's values.
func (h *harness) until(what string, holds func(map[string]float64) bool) map[string]float64 {
	h.t.Helper()
	for start := time.Now(); time.Since(start) < deadline; {
		if got := h.tick(); holds(got) {
			return got
		}
		time.Sleep(time.Millisecond)
	}
	h.t.Fatalf("never: %s\nlog:\n%s", what, h.logs)
	return nil
}

// up waits until a GPU is read.
func (h *harness) up(name string) map[string]float64 {
	h.t.Helper()
	return h.until(name+" up", func(got map[string]float64) bool { return got["hwx.gpu.collect.up "+name] == 1 })
}

func check(t *testing.T, got map[string]float64, key string, want float64) {
	t.Helper()
	if v, found := got[key]; !found || v < want*(1-1e-9) || v > want*(1+1e-9) {
		t.Errorf("%s: got %v (there: %v), want %v", key, v, found, want)
	}
}

func absent(t *testing.T, got map[string]float64, key string) {
	t.Helper()
	if v, found := got[key]; found {
		t.Errorf("%s: got %v, want none", key, v)
	}
}
