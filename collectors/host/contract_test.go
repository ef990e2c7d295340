//go:build linux

package host

import (
	"os"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/agenttest"
)

func TestContract(t *testing.T) {
	for i, name := range []string{"host/fast", "host/medium"} {
		t.Run(name, func(t *testing.T) {
			agenttest.Collector(t, func() agent.Collector {
				list, err := Sources(Config{})
				if err != nil {
					t.Fatal(err)
				}
				return list[i].Collector
			}, agenttest.NoAllocs)
		})
	}
	t.Run("host/fs", func(t *testing.T) {
		agenttest.Collector(t, func() agent.Collector {
			cfg, err := Config{}.withDefaults()
			if err != nil {
				t.Fatal(err)
			}
			return newBlocking(&cfg, target{path: "/", point: "/", fstype: "nfs4", mode: "rw"}, realCalls)
		}, agenttest.NoAllocs)
	})
}

// TestSourcesOpenNothing counts descriptors: they come with Describe and go
// with Close.
func TestSourcesOpenNothing(t *testing.T) {
	open := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(list)
	}
	before := open()
	list, err := Sources(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if n := open(); n != before {
		t.Errorf("Sources left %d descriptors open", n-before)
	}
	for range 3 {
		for _, s := range list {
			if err := s.Collector.Describe(newSchema()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := open(); n > before+len(list)*30 || n == before {
		t.Errorf("Describe three times: %d descriptors", n-before)
	}
	for _, s := range list {
		if err := s.Collector.(interface{ Close() error }).Close(); err != nil {
			t.Error(err)
		}
	}
	if n := open(); n != before {
		t.Errorf("Close left %d descriptors open", n-before)
	}
}
