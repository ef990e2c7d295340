package agent_test

import (
	"context"
	"fmt"
	"time"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// An agent samples a source and takes a program's rows; the run's output gets
// both, and Finish delivers what is still pending.
func Example() {
	out := &agenttest.Recorder{}
	a, err := agent.New(agent.Config{
		Sources: []agent.Source{{Name: "demo", Run: "run1", Every: time.Hour, Collector: &agenttest.Const{Name: "demo.load", Value: 0.5}}},
		Outputs: []agent.Output{{Name: "out", Exporter: out, Select: agent.Select{Runs: []sample.RunID{"run1"}, Rows: true}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()

	source, schema := a.RowSource("run1")
	loss, _ := schema.Add(sample.Desc{Name: "loss"})
	row := sample.Frame{Source: source, Step: 1, Time: a.Clock().Now()}
	row.Put(loss, 0.25)
	a.Append(&row)

	fmt.Println("finish:", a.Finish(ctx, "run1"))
	cancel()
	fmt.Println("run:", <-done)
	account := a.Status().Past[0]
	fmt.Println("rows:", out.Values("loss"), "all sent:", account.Sent == account.Offered)
	// Output:
	// finish: <nil>
	// run: <nil>
	// rows: [0.25] all sent: true
}
