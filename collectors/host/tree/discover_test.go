//go:build linux

package tree

import (
	"os"
	"testing"
)

// After pid numbers wrapped, or when more were born than a tick looks at, the
// full scan of the medium source finds what the children files do not show.
func TestWrappedNumbersAreScanned(t *testing.T) {
	tr, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	tr.mu.Lock()
	tr.disc.newest += 1000
	tr.mu.Unlock()
	child := startThreads(t, 1).Process.Pid
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.refresh()
	if !tr.disc.overflow {
		t.Error("a number that went back is not taken for a wrap")
	}
	if err := tr.scanIfDue(); err != nil {
		t.Fatal(err)
	}
	if !tr.Contains(child) || tr.disc.overflow {
		t.Errorf("after the scan: child found %v, births open %v", tr.Contains(child), tr.disc.overflow)
	}
}

// The newest pid opens the gate: a child is found on the next tick although
// another thread than the leading one forked it.
func TestGateFindsChildrenOfAnyThread(t *testing.T) {
	tr, err := Open(Config{PID: os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for range 5 {
		child := startThreads(t, 1).Process.Pid
		tr.mu.Lock()
		tr.refresh()
		tr.mu.Unlock()
		if !tr.Contains(child) {
			t.Errorf("child %d is not found on the tick after its birth", child)
		}
	}
}
