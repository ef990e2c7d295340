package counter

import (
	"testing"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

func TestNext(t *testing.T) {
	type step struct {
		raw, total uint64
		restarted  bool
	}
	for _, c := range []struct {
		name  string
		rule  Rule
		steps []step
	}{
		{"grows", Rule{}, []step{{5, 5, false}, {5, 5, false}, {9, 9, false}}},
		{"device came back", Rule{}, []step{{500, 500, false}, {3, 3, true}, {4, 4, false}}},
		{"idle steps back a little", Rule{Slack: 300}, []step{{1000, 1000, false}, {700, 1000, false}, {999, 1000, false}, {1001, 1001, false}}},
		{"idle falls beyond the slack", Rule{Slack: 300}, []step{{1000, 1000, false}, {699, 699, true}}},
		{"32 bits overflow", Rule{Wrap32: true}, []step{{1<<32 - 10, 1<<32 - 10, false}, {20, 1<<32 + 20, false}, {1<<32 - 1, 1<<33 - 1, false}, {0, 1 << 33, false}}},
		{"32 bits reset far from overflow", Rule{Wrap32: true}, []step{{1 << 30, 1 << 30, false}, {7, 7, true}}},
		{"64 bits are not taken for 32", Rule{Wrap32: true}, []step{{1 << 40, 1 << 40, false}, {7, 7, true}}},
		{"restart forgets overflows", Rule{Wrap32: true}, []step{{1<<32 - 1, 1<<32 - 1, false}, {100, 1<<32 + 100, false}, {5, 5, true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := Counter{Rule: c.rule}
			for i, s := range c.steps {
				if total, restarted := k.Next(s.raw); total != s.total || restarted != s.restarted {
					t.Fatalf("step %d, raw %d: got %d %v, want %d %v", i, s.raw, total, restarted, s.total, s.restarted)
				}
			}
		})
	}
}

func FuzzNextNeverFallsWithoutRestart(f *testing.F) {
	f.Add(uint64(1<<32-1), uint64(3), uint64(2), uint64(300), true)
	f.Fuzz(func(t *testing.T, a, b, c, slack uint64, wraps bool) {
		k := Counter{Rule: Rule{Slack: uint32(slack), Wrap32: wraps}}
		last := uint64(0)
		for _, raw := range []uint64{a, b, c} {
			if wraps {
				raw &= 1<<32 - 1
			}
			total, restarted := k.Next(raw)
			if !restarted && total < last {
				t.Fatalf("raw %d %d %d, slack %d, wraps %v: fell from %d to %d", a, b, c, slack, wraps, last, total)
			}
			last = total
		}
	})
}

func TestPutSetsTheStartOfARestart(t *testing.T) {
	s := sample.NewSchema(0)
	ref, err := s.Add(sample.Desc{Name: "a", Kind: sample.Counter})
	if err != nil {
		t.Fatal(err)
	}
	s.SetStart(ref, Boot)
	c := Counter{Ref: ref, Per: 2}
	var f sample.Frame
	c.Put(&f, s, 0, 10)
	c.Put(&f, s, 777, 4)
	sr, _ := s.Series(ref)
	if f.Vals[0] != 5 || f.Vals[1] != 2 || sr.Start != 777 || sr.Gen != 2 {
		t.Errorf("got values %v, start %d, generation %d; want [5 2], 777, 2", f.Vals, sr.Start, sr.Gen)
	}
	if n := testing.AllocsPerRun(100, func() { f.Reset(); c.Put(&f, s, 0, 4) }); n != 0 {
		t.Errorf("Put: %v allocations, want 0", n)
	}
}
