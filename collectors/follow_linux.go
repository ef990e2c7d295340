package collectors

import "github.com/wandb-agent/wandb-agent/collectors/host/tree"

// follow adds the sources of one process: its tree and its GPUs.
func (s *Set) follow(cfg *Config) error {
	t, err := tree.Open(tree.Config{Proc: cfg.Proc, Sys: cfg.Sys, PID: cfg.PID, Every: cfg.Every, Logger: cfg.Logger})
	if err != nil {
		return err
	}
	s.close = append(s.close, t.Close)
	s.Sources = append(s.Sources, t.Sources(cfg.Run)...)
	if s.gpu != nil {
		s.Sources = append(s.Sources, s.gpu.Follow(cfg.Run, cfg.PID, t.Contains, cfg.Every))
	}
	return nil
}
