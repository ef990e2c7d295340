package prom_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/exporters/prom"
)

// Within an agent the pump calls Export; Handler goes into any HTTP server.
func Example() {
	schema := sample.NewSchema(100)
	ref, _ := schema.Add(sample.Desc{
		Name: "system.memory.limit", Unit: "By", Help: "Memory of the machine.", Kind: sample.UpDown,
	})
	clock := sample.NewClock()
	frame := sample.Frame{Time: clock.Now()}
	frame.Put(ref, 16<<30)

	e := prom.New(prom.Config{})
	err := e.Export(context.Background(), &sample.Batch{
		Schema: schema, Facts: &sample.Facts{}, Clock: clock, Frames: []sample.Frame{frame},
	})
	fmt.Println("export:", err)

	scrape := httptest.NewRecorder()
	e.Handler().ServeHTTP(scrape, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(scrape.Body.String()) {
		if strings.Contains(line, "system_memory") {
			fmt.Print(line)
		}
	}
	// Output:
	// export: <nil>
	// # HELP system_memory_limit_bytes Memory of the machine.
	// # TYPE system_memory_limit_bytes gauge
	// system_memory_limit_bytes 1.7179869184e+10
}
