package series

import (
	"testing"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

func TestEndComesAfterTheFinalFrame(t *testing.T) {
	schema := sample.NewSchema(0)
	var s Set
	var cpu, rss sample.Ref
	s.Begin(schema)
	if err := s.Add(&cpu, 5, "process.cpu.time", "user"); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(&rss, 5, "process.memory.usage"); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(&rss, 0, "no.such.metric"); err == nil {
		t.Error("a name that the catalogue lacks is taken")
	}
	start := func(ref sample.Ref) int64 { sr, _ := schema.Series(ref); return sr.Start }
	if start(cpu) != 5 || start(rss) != 0 {
		t.Errorf("start: counter %d, gauge %d; want 5 and 0", start(cpu), start(rss))
	}
	if s.Restart(9); start(cpu) != 9 {
		t.Errorf("start after Restart: got %d, want 9", start(cpu))
	}
	ended := func(ref sample.Ref) bool { sr, _ := schema.Series(ref); return sr.Ended }
	if !s.Last() || ended(cpu) {
		t.Error("the first call is not the final frame of live series")
	}
	if s.Last() || !ended(cpu) || !ended(rss) {
		t.Error("the second call does not end the series")
	}
	if s.Last() {
		t.Error("there are two final frames")
	}
}
