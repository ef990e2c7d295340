package sample

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func mustAdd(t *testing.T, s *Schema, d Desc) Ref {
	t.Helper()
	ref, err := s.Add(d)
	if err != nil {
		t.Fatalf("Add(%q): %v", d.Name, err)
	}
	return ref
}

func TestSchemaSameDescSameRef(t *testing.T) {
	s := NewSchema(0)
	d := Desc{Name: "system.cpu.time", Labels: []Label{{"cpu.mode", "user"}}}
	a := mustAdd(t, s, d)
	if b := mustAdd(t, s, d); a != b {
		t.Errorf("same Desc: got refs %d and %d", a, b)
	}
	other := Desc{Name: "system.cpu.time", Labels: []Label{{"cpu.mode", "idle"}}}
	if b := mustAdd(t, s, other); a == b {
		t.Errorf("different label value: got the same ref %d", b)
	}
	if b := mustAdd(t, s.Scope(1, "run1"), d); a == b {
		t.Errorf("another run: got the host's ref %d", b)
	}
}

func TestSchemaCeiling(t *testing.T) {
	s := NewSchema(2)
	mustAdd(t, s, Desc{Name: "a"})
	mustAdd(t, s, Desc{Name: "b"})
	if _, err := s.Add(Desc{Name: "c"}); !errors.Is(err, ErrTooManySeries) {
		t.Errorf("third of two series: got %v, want ErrTooManySeries", err)
	}
	mustAdd(t, s, Desc{Name: "a"})
	if n := s.Refused(); n != 1 {
		t.Errorf("Refused: got %d, want 1", n)
	}
}

func TestSchemaReusesSlotOnlyAfterRetire(t *testing.T) {
	s := NewSchema(0)
	a := mustAdd(t, s, Desc{Name: "a"})
	s.End(a)
	if sr, _ := s.Series(a); !sr.Ended || sr.Name != "a" {
		t.Errorf("ended series: got %+v, want it readable and ended", sr)
	}
	s.Retire(5, 10)
	if b := mustAdd(t, s, Desc{Name: "b"}); b == a {
		t.Fatal("slot reused while frames may mention it")
	}
	s.Retire(12, 20)
	c := mustAdd(t, s, Desc{Name: "c"})
	if c != a {
		t.Fatalf("retired slot: got new ref %d, want %d", c, a)
	}
	if sr, _ := s.Series(c); sr.Gen != 2 || sr.Name != "c" {
		t.Errorf("reused slot: got %+v, want c with Gen 2", sr)
	}
}

func TestSchemaSetStartCountsRestarts(t *testing.T) {
	s := NewSchema(0)
	a := mustAdd(t, s, Desc{Name: "a", Kind: Counter})
	gen := func() uint32 { sr, _ := s.Series(a); return sr.Gen }
	first := gen()
	s.SetStart(a, 100)
	if gen() != first {
		t.Errorf("first start time: Gen went from %d to %d", first, gen())
	}
	s.SetStart(a, 200)
	if gen() != first+1 {
		t.Errorf("restart: Gen %d, want %d", gen(), first+1)
	}
}

func TestSchemaVersionMoves(t *testing.T) {
	s := NewSchema(0)
	v := s.Version()
	ref := mustAdd(t, s, Desc{Name: "a"})
	if s.Version() == v {
		t.Error("Add left Version unchanged")
	}
	all, v2 := s.AppendSeries(nil)
	if len(all) != s.Len() || v2 != s.Version() || all[ref].Name != "a" {
		t.Errorf("AppendSeries: got %d series at %d, want %d at %d", len(all), v2, s.Len(), s.Version())
	}
}

func TestClockKeepsItsAnchor(t *testing.T) {
	c := Clock{Anchor: 1000, Read: func() int64 { return 5 }}
	if got := c.UnixNano(c.Now()); got != 1005 {
		t.Errorf("UnixNano: got %d, want 1005", got)
	}
	real := NewClock()
	if d := time.Since(real.Wall(real.Now())); d < -time.Second || d > time.Second {
		t.Errorf("NewClock is %v off the wall clock", d)
	}
}

func TestFramePutDoesNotAllocateAfterWarmUp(t *testing.T) {
	var f Frame
	fill := func() {
		f.Reset()
		for i := range 100 {
			f.Put(Ref(i), 1)
		}
	}
	fill()
	if n := testing.AllocsPerRun(100, fill); n != 0 {
		t.Errorf("Put: %v allocations a frame, want 0", n)
	}
}

func TestFactsCloneSharesNothing(t *testing.T) {
	f := Facts{Disks: map[string]Disk{"/": {1, 2}}, GPUs: []GPU{{Name: "a"}}}
	c := f.Clone()
	c.Disks["/"] = Disk{}
	c.GPUs[0].Name = "b"
	if f.Disks["/"].Total != 1 || f.GPUs[0].Name != "a" {
		t.Errorf("original changed through the clone: %+v", f)
	}
}

func ExampleSchema() {
	s := NewSchema(0)
	ref, _ := s.Add(Desc{Name: "system.memory.limit", Unit: "By", Kind: UpDown})
	var f Frame
	f.Put(ref, 16<<30)
	sr, _ := s.Series(f.Refs[0])
	fmt.Println(sr.Name, sr.Unit, f.Vals[0])
	// Output: system.memory.limit By 1.7179869184e+10
}
