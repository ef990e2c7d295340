// Package agenttest checks collectors and exporters, ours and anybody's,
// against the contracts of package agent, and has fakes with known behaviour.
//
//	func TestConforms(t *testing.T) {
//		agenttest.Collector(t, func() agent.Collector { return mine.New(...) })
//	}
//
// Each suite makes the thing several times, uses it as the agent does, and
// overwrites what it must not keep. A failure names the rule that was broken.
package agenttest

import (
	"fmt"
	"testing"
	"time"
)

// patience is how long a call may take that has to return promptly. It is
// generous, because a test machine may be busy with other things.
const patience = 20 * time.Second

// report fails the test once for every broken rule.
func report(t *testing.T, broken []string) {
	t.Helper()
	for _, b := range broken {
		t.Error(b)
	}
}

// rules gathers broken rules.
type rules struct{ broken []string }

func (r *rules) broke(rule, format string, args ...any) {
	r.broken = append(r.broken, rule+": "+fmt.Sprintf(format, args...))
}

// call runs f in a goroutine of its own and notes a panic, or that it did not
// return in time. It reports whether f returned.
func (r *rules) call(what string, f func() error) (ok bool, err error) {
	type answer struct {
		err      error
		panicked any
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			a.panicked = recover()
			answers <- a
		}()
		a.err = f()
	}()
	select {
	case a := <-answers:
		if a.panicked != nil {
			r.broke(what+" does not panic", "panic: %v", a.panicked)
			return false, nil
		}
		return true, a.err
	case <-time.After(patience):
		r.broke(what+" returns", "still running after %v", patience)
		return false, nil
	}
}
