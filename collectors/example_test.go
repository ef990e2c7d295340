package collectors_test

import (
	"context"
	"fmt"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/collectors"
)

// A host agent in a few lines: every built-in source, one output.
func Example() {
	set, err := collectors.Open(collectors.Config{NoGPU: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer set.Close()
	out := &agenttest.Recorder{}
	a, err := agent.New(agent.Config{
		Sources: set.Sources,
		Outputs: []agent.Output{{Name: "out", Exporter: out, Select: agent.Select{All: true}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()
	for len(out.Values("system.memory.limit")) == 0 && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	fmt.Println(<-done)
	fmt.Println("this machine has memory:", out.Values("system.memory.limit")[0] > 0)
	// Output:
	// <nil>
	// this machine has memory: true
}
