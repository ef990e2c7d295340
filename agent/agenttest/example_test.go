package agenttest_test

import (
	"context"
	"fmt"

	"github.com/wandb-agent/wandb-agent/agent/agenttest"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// The fakes can be used without an agent.
func ExampleConst() {
	schema := sample.NewSchema(100)
	var frame sample.Frame
	c := &agenttest.Const{Name: "demo.load", Value: 0.5}
	fmt.Println(c.Describe(schema), c.Collect(context.Background(), &frame), frame.Vals)
	// Output:
	// <nil> <nil> [0.5]
}
