package runapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// ErrRunActive is the cause of Init's error when Settings.Reinit is
// ReinitForbid and a run of this process goes on.
var ErrRunActive = errors.New("a run of this process goes on")

// Reinit says what Init does while other runs of this process go on.
type Reinit string

const (
	// ReinitNew makes one more run, with a life of its own: the default.
	ReinitNew Reinit = "create_new"
	// ReinitReturn returns the newest of them; the other settings are not looked
	// at. Only the first of several Finish of one run counts.
	ReinitReturn Reinit = "return_previous"
	// ReinitFinish finishes them all with code 0, oldest first, then makes the new
	// one. What a Finish could not send is told to the Logger.
	ReinitFinish Reinit = "finish_previous"
	// ReinitForbid makes no run: ErrRunActive.
	ReinitForbid Reinit = "forbid"
)

// Active returns the newest run of this process that goes on, nil when there is
// none: code far from Init can log without being handed the run, since methods
// of a nil run do nothing. Disabled runs are never active.
func Active() *Run { return active.newest() }

// activeRuns are the runs of this process that go on.
type activeRuns struct {
	gate chan struct{} // size one: held by an Init that wants to be alone

	mu   sync.Mutex // guards runs
	runs []*Run     // oldest first
}

var active = activeRuns{gate: make(chan struct{}, 1)}

func (a *activeRuns) newest() *Run {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.runs) == 0 {
		return nil
	}
	return a.runs[len(a.runs)-1]
}

func (a *activeRuns) add(r *Run) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.runs = append(a.runs, r)
}

func (a *activeRuns) remove(r *Run) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.runs = slices.DeleteFunc(a.runs, func(o *Run) bool { return o == r })
}

func (a *activeRuns) list() []*Run {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.runs)
}

// enter does what s asks for about the runs that go on: it returns one of them,
// or an error, or lets the caller make a run and call leave then. Two calls that
// care about other runs wait for each other.
func (a *activeRuns) enter(ctx context.Context, s *Settings) (previous *Run, leave func(), err error) {
	leave = func() {}
	if s.Reinit == ReinitNew || s.Mode == ModeDisabled {
		return nil, leave, nil
	}
	select {
	case a.gate <- struct{}{}:
		leave = func() { <-a.gate }
	case <-ctx.Done():
		return nil, leave, &InitError{"settings", context.Cause(ctx)}
	}
	last := a.newest()
	switch {
	case last == nil:
	case s.Reinit == ReinitForbid:
		leave()
		return nil, func() {}, &InitError{"settings", fmt.Errorf("%w: %s", ErrRunActive, last.Path())}
	case s.Reinit == ReinitReturn:
		leave()
		return last, func() {}, nil
	case s.Reinit == ReinitFinish:
		for _, r := range a.list() {
			if err := r.FinishContext(ctx, Exit{}); err != nil && !errors.Is(err, ErrFinished) {
				s.Logger.Warn("previous run", "run", r.ID(), "error", err)
			}
		}
	}
	return nil, leave, nil
}

// setReinit reads the words of the official client too: true finishes, false
// returns.
func setReinit(s *Settings, v string) error {
	switch v {
	case "default":
		s.Reinit = ReinitNew
	case "create_new", "return_previous", "finish_previous", "forbid":
		s.Reinit = Reinit(v)
	default:
		finish, err := parseBool(v)
		if err != nil {
			return errReinit
		}
		s.Reinit = ReinitReturn
		if finish {
			s.Reinit = ReinitFinish
		}
	}
	return nil
}

var errReinit = errors.New("want create_new, return_previous, finish_previous or forbid")
