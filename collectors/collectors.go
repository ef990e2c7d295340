// Package collectors is the list of the collectors that every agent has. It is
// written out here: importing a collector has no effect.
//
//	Open(Config) ─▶ Set{Sources} ─▶ agent.Config.Sources or Agent.AddSource
//	                  ├ host/…      the whole machine
//	                  ├ gpu         NVIDIA devices, when the driver is there
//	                  └ process…    tree, cgroup and GPUs of Config.Run, when it is set
package collectors

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/gpu"
	"github.com/wandb-agent/wandb-agent/collectors/host"
)

// Config says what the built-in collectors measure. The zero value measures
// this machine and follows no process.
type Config struct {
	Every     time.Duration // cadence of the fast tier; default 1 s
	DiskPaths []string      // filesystems asked for; default "/"
	Proc, Sys string        // where procfs and sysfs are mounted; default /proc, /sys

	Run sample.RunID // run of the followed process; "" follows none
	PID int          // root of its process tree; 0 is this process
	// OrphanMarker is an environment entry, NAME=VALUE, that the root was
	// started with and nothing outside its tree has; see tree.Config.
	OrphanMarker string

	// ProcessOnly measures the process tree of Run alone and leaves out what is
	// the same for all processes of the machine: host, cgroup and GPUs, which
	// another process measures.
	ProcessOnly bool

	NoGPU      bool   // keep the driver's library closed
	GPULibrary string // path of libnvidia-ml.so.1; "" searches as the loader does

	Logger *slog.Logger // nil is silence
}

// Set is a list of sources and what must be closed when the agent that runs
// them has ended.
type Set struct {
	Sources []agent.Source
	gpu     *gpu.Driver
	close   []func() error
}

// Open makes the sources. It starts nothing and opens no driver. An error
// leaves nothing open.
func Open(cfg Config) (*Set, error) {
	if cfg.Every == 0 {
		cfg.Every = time.Second
	}
	s := &Set{}
	if !cfg.ProcessOnly {
		if err := s.machine(&cfg); err != nil {
			return nil, err
		}
	}
	if cfg.Run == "" {
		return s, nil
	}
	if err := s.follow(&cfg); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// machine adds the sources that follow no process.
func (s *Set) machine(cfg *Config) error {
	list, err := host.Sources(host.Config{
		Every: cfg.Every, DiskPaths: cfg.DiskPaths, Proc: cfg.Proc, Sys: cfg.Sys, PID: cfg.PID, Logger: cfg.Logger,
	})
	if err != nil {
		return fmt.Errorf("host collectors: %w", err)
	}
	s.Sources = list
	if !cfg.NoGPU {
		s.gpu = gpu.New(gpu.Config{Library: cfg.GPULibrary, Proc: cfg.Proc, Logger: cfg.Logger})
		s.Sources = append(s.Sources, s.gpu.Source(cfg.Every))
	}
	return nil
}

// GPU is what can be said of the GPUs now.
func (s *Set) GPU() gpu.Status {
	if s.gpu == nil {
		return gpu.Status{State: gpu.Absent, Reason: "switched off"}
	}
	return s.gpu.Status()
}

// Explain lists everything that is not measured, with reasons.
func (s *Set) Explain() []agent.Absence {
	var all []agent.Absence
	for i := range s.Sources {
		if e, ok := s.Sources[i].Collector.(agent.Explainer); ok {
			all = append(all, e.Explain()...)
		}
	}
	return all
}

// Close releases what the sources hold. Call it after the agent has ended.
func (s *Set) Close() error {
	var errs []error
	for _, c := range s.close {
		errs = append(errs, c())
	}
	s.close = nil
	return errors.Join(errs...)
}
