//go:build linux

package collectors

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// names collects once from every source and returns the metric names put.
func names(t *testing.T, s *Set) map[string]bool {
	t.Helper()
	schema := sample.NewSchema(0)
	got := map[string]bool{}
	for _, src := range s.Sources {
		if err := src.Collector.Describe(schema.Scope(1, src.Run)); err != nil {
			t.Fatalf("%s: Describe: %v", src.Name, err)
		}
		var f sample.Frame
		if err := src.Collector.Collect(context.Background(), &f); err != nil && strings.HasPrefix(src.Name, "host/fast") {
			t.Errorf("%s: Collect: %v", src.Name, err)
		}
		for _, ref := range f.Refs {
			sr, _ := schema.Series(ref)
			got[sr.Name] = true
		}
	}
	return got
}

func TestOpenMeasuresHostAndFollowedProcess(t *testing.T) {
	s, err := Open(Config{Run: "run1", PID: os.Getpid(), NoGPU: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := names(t, s)
	for _, want := range []string{"system.cpu.time", "system.memory.limit", "process.cpu.time", "process.memory.usage"} {
		if !got[want] {
			t.Errorf("no %s among %d metrics", want, len(got))
		}
	}
}

func TestProcessOnlyLeavesTheMachineOut(t *testing.T) {
	s, err := Open(Config{Run: "run1", PID: os.Getpid(), ProcessOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := names(t, s)
	if !got["process.cpu.time"] {
		t.Errorf("no process.cpu.time among %v", got)
	}
	for name := range got {
		if !strings.HasPrefix(name, "process.") {
			t.Errorf("%s is measured", name)
		}
	}
}

func TestOpenOfAProcessThatIsNotThereLeavesNothing(t *testing.T) {
	if s, err := Open(Config{Run: "run1", PID: 1 << 22}); err == nil {
		s.Close()
		t.Error("a process id above the kernel's limit was followed")
	}
}

func TestWithoutAFollowedProcessNoneIsMeasured(t *testing.T) {
	s, err := Open(Config{NoGPU: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name := range names(t, s) {
		if strings.HasPrefix(name, "process.") {
			t.Errorf("%s is measured without a run", name)
		}
	}
}
