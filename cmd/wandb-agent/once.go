package main

import (
	"context"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/cmd/wandb-agent/internal/config"
	"github.com/wandb-agent/wandb-agent/collectors"
)

func (c *cli) onceCmd() *cobra.Command {
	var asJSON bool
	var file string
	cmd := &cobra.Command{
		Use:     "once [--json]",
		Short:   "Take one sample of this host and print it",
		Example: "  wandb-agent once\n  wandb-agent once --json | jq '.values[] | select(.name == \"system.cpu.time\")'",
		Args:    exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			conf, err := config.Load(file)
			if err != nil {
				return err
			}
			got, _, err := c.sampleOnce(cmd.Context(), conf)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.stdout, got)
			}
			return got.write(c.stdout)
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&file, "config", "", "configuration FILE (YAML)")
	return cmd
}

// onceSample is the JSON of once, a stable schema.
type onceSample struct {
	Time   time.Time   `json:"time"`
	Values []onceValue `json:"values"`
}

type onceValue struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`
	Value  any               `json:"value"`
	Unit   string            `json:"unit"`
	Kind   string            `json:"kind"`
	order  string
}

// sampleOnce runs an agent for one tick of every source.
func (c *cli) sampleOnce(ctx context.Context, conf config.Config) (*onceSample, *collectors.Set, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	log := c.logger(config.Log{Level: "warn", Format: "text"})
	set, err := collectors.Open(collectorConfig(conf, log))
	if err != nil {
		return nil, nil, err
	}
	defer set.Close()
	got := &onceSample{Time: time.Now()}
	keep := &onceExporter{newest: map[sample.Ref]onceValue{}}
	a, err := agent.New(agent.Config{Logger: log, Sources: set.Sources, Outputs: []agent.Output{
		{Name: "once", Exporter: keep, Select: agent.Select{All: true}, Every: 100 * time.Millisecond}}})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	waitForFirst(a, 3*time.Second)
	cancel()
	if err := <-done; err != nil && ctx.Err() == nil {
		return nil, nil, err
	}
	got.Values = keep.sorted()
	return got, set, nil
}

// waitForFirst returns when every source has tried once, or after limit: a
// source that hangs is left out, not waited for.
func waitForFirst(a *agent.Agent, limit time.Duration) {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		st := a.Status()
		waiting := !st.Running
		for _, s := range st.Sources {
			waiting = waiting || s.Ticks == 0
		}
		if !waiting {
			return
		}
	}
}

// onceExporter keeps the newest value of every series. Its pump is the only
// goroutine that writes; it is read after the agent has ended.
type onceExporter struct{ newest map[sample.Ref]onceValue }

func (e *onceExporter) Export(_ context.Context, b *sample.Batch) error {
	for _, f := range b.Frames {
		for i, ref := range f.Refs {
			if sr, ok := b.Schema.Series(ref); ok && !strings.HasPrefix(sr.Name, "wandb_agent.") {
				e.newest[ref] = newOnceValue(&sr.Desc, f.Vals[i])
			}
		}
	}
	return nil
}

func (e *onceExporter) Shutdown(context.Context) error { return nil }

func newOnceValue(d *sample.Desc, v float64) onceValue {
	out := onceValue{Name: d.Name, Value: plainJSON(v), Unit: d.Unit, Kind: d.Kind.String(), order: d.Name}
	if len(d.Labels) > 0 {
		out.Labels = make(map[string]string, len(d.Labels))
	}
	for _, l := range d.Labels {
		out.Labels[l.Name] = l.Value
		out.order += "\x00" + l.Name + "=" + l.Value
	}
	return out
}

func (e *onceExporter) sorted() []onceValue {
	out := make([]onceValue, 0, len(e.newest))
	for _, v := range e.newest {
		out = append(out, v)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].order < out[j].order })
	return out
}

func (s *onceSample) write(w io.Writer) error {
	for _, v := range s.Values {
		name := v.Name
		if parts := strings.Split(v.order, "\x00"); len(parts) > 1 {
			name += "{" + strings.Join(parts[1:], ",") + "}"
		}
		if _, err := fmt.Fprintf(w, "%-72s %v %s\n", name, v.Value, v.Unit); err != nil {
			return err
		}
	}
	return nil
}
