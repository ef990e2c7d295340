// Package collectors is the list of the collectors that every agent has. It is
// written out here: importing a collector has no effect.
package collectors

import (
	"fmt"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/collectors/host"
)

// Config says what the built-in collectors measure. The zero value measures
// this machine.
type Config struct {
	Host host.Config
}

// Default returns the sources of the whole machine. Those of a followed
// process are made where the process is known, by collectors/host/tree and
// collectors/host/cgroup. It starts nothing; only wrong configuration is an
// error.
func Default(cfg Config) ([]agent.Source, error) {
	list, err := host.Sources(cfg.Host)
	if err != nil {
		return nil, fmt.Errorf("host collectors: %w", err)
	}
	return list, nil
}
