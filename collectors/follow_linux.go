package collectors

import (
	"github.com/wandb-agent/wandb-agent/collectors/host/cgroup"
	"github.com/wandb-agent/wandb-agent/collectors/host/tree"
)

// follow adds the sources of one process: its cgroup, its tree and its GPUs.
func (s *Set) follow(cfg *Config) error {
	group, err := cgroup.Open(cgroup.Config{Proc: cfg.Proc, Sys: cfg.Sys, PID: cfg.PID, Every: cfg.Every, Logger: cfg.Logger})
	if err != nil {
		return err
	}
	s.close = append(s.close, group.Close)
	t, err := tree.Open(tree.Config{
		Proc: cfg.Proc, Sys: cfg.Sys, PID: cfg.PID, Every: cfg.Every, Logger: cfg.Logger,
		CPULimit: group.CPULimit, OrphanMarker: cfg.OrphanMarker,
	})
	if err != nil {
		return err
	}
	s.close = append(s.close, t.Close)
	if !cfg.ProcessOnly {
		s.Sources = append(s.Sources, group.Sources(cfg.Run)...)
	}
	s.Sources = append(s.Sources, t.Sources(cfg.Run)...)
	if s.gpu != nil {
		s.Sources = append(s.Sources, s.gpu.Follow(cfg.Run, cfg.PID, t.Contains, cfg.Every))
	}
	return nil
}
