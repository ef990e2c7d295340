package store

import (
	"testing"
	"time"
)

// TestSilentRunCrashes: a run that says nothing for long is told to have
// crashed, and runs on when it speaks again.
func TestSilentRunCrashes(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, _, err := s.CreateRun("e", "p", "r")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		silent time.Duration
		state  string
		want   string
	}{{time.Minute, Running, Running}, {time.Hour, Running, Crashed}, {time.Hour, Finished, Finished}, {time.Hour, Preempting, Preempting}} {
		if err := r.Change(func(f *Facts) { f.Heartbeat, f.State = time.Now().Add(-c.silent), c.state }); err != nil {
			t.Fatal(err)
		}
		if got := r.Facts().State; got != c.want {
			t.Errorf("%s, silent for %v: got %s, want %s", c.state, c.silent, got, c.want)
		}
	}
}

// TestNames: nothing is stored outside the directory.
func TestNames(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"", ".", "..", "a/b", `a\b`, "a\x00", "a\nb"} {
		if _, _, err := s.CreateRun("e", "p", name); err == nil {
			t.Errorf("run %q was made", name)
		}
		if _, _, err := s.CreateRun(name, "p", "r"); err == nil {
			t.Errorf("entity %q was made", name)
		}
	}
	r, _, err := s.CreateRun("e", "p", "r")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "..", "../x", "a/../../x", "/etc/x", `a\b`, "a\x00"} {
		if err := r.CheckFile(name); err == nil {
			t.Errorf("file %q is allowed", name)
		}
	}
}
