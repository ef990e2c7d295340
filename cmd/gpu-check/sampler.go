package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/gpu"
)

// sampler reads the GPUs through the agent's own collector.
type sampler struct {
	driver *gpu.Driver
	schema *sample.Schema
	frame  sample.Frame
	cancel context.CancelFunc
	ended  chan struct{}
}

// ours are the values of one sample: by GPU UUID, then by series.
type ours map[string]map[string]float64

func openSampler(ctx context.Context, cfg gpu.Config) (*sampler, error) {
	ctx, cancel := context.WithCancel(ctx)
	s := &sampler{driver: gpu.New(cfg), schema: sample.NewSchema(0), cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		s.driver.Run(ctx, func(sample.Event) {})
	}()
	for start := time.Now(); ctx.Err() == nil; {
		got, err := s.sample(ctx)
		if err != nil || len(got) > 0 {
			return s, err
		}
		if time.Since(start) > 30*time.Second {
			s.close()
			return nil, fmt.Errorf("no GPU answered within 30 s: %s", s.driver.Status().Reason)
		}
	}
	s.close()
	return nil, ctx.Err()
}

func (s *sampler) close() {
	s.cancel()
	<-s.ended
}

// sample takes one sample now. A series is called by its name and its labels
// other than the GPU's, separated by spaces.
func (s *sampler) sample(ctx context.Context) (ours, error) {
	s.frame.Reset()
	err := s.driver.Collect(ctx, &s.frame)
	for range 3 {
		if !errors.Is(err, sample.ErrChanged) {
			break
		}
		if err := s.driver.Describe(s.schema); err != nil {
			return nil, err
		}
		s.frame.Reset()
		err = s.driver.Collect(ctx, &s.frame)
	}
	if err != nil {
		return nil, err
	}
	got := make(ours)
	for i, ref := range s.frame.Refs {
		series, _ := s.schema.Series(ref)
		key := series.Name
		for _, l := range series.Labels {
			if l.Name != "hw.id" && l.Name != "hw.name" {
				key += " " + l.Value
			}
		}
		uuid := series.Label("hw.id")
		if got[uuid] == nil {
			got[uuid] = make(map[string]float64)
		}
		got[uuid][key] = s.frame.Vals[i]
	}
	return got, nil
}
