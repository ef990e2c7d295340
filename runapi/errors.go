package runapi

import (
	"errors"
	"fmt"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
)

// What callers branch on.
var (
	// ErrFinished is returned after Finish by methods that store something.
	ErrFinished = errors.New("run is finished")
	// ErrNotLoggedIn is returned where there is no key for the server, or none
	// that it takes.
	ErrNotLoggedIn = errors.New("not logged in")
	// ErrRunExists is returned by Init with Resume "never" for a run that the
	// server has.
	ErrRunExists = upload.ErrRunExists
	// ErrNoSuchRun is returned by Init with Resume "must" for a run that the server
	// does not have.
	ErrNoSuchRun = upload.ErrNoSuchRun
	// ErrStepBack is returned by Log with AtStep(n) when n is below the run's
	// step; nothing was stored.
	ErrStepBack = errors.New("step goes back")
	// ErrConfigLocked is returned by Config.Set and Update when another value
	// is set already and AllowChange was not given; nothing was stored.
	ErrConfigLocked = errors.New("config value is set already")
	// ErrKey is returned for a key that is empty, too long or reserved, and for a
	// step that is no step.
	ErrKey = errors.New("key is not allowed")
	// ErrRowTooLarge is returned for a row above MaxRowBytes, which no W&B
	// server would take.
	ErrRowTooLarge = errors.New("row is too large")
)

// Limits of what is stored.
const (
	// MaxKeyBytes bounds a key, nested parts and their separators included.
	MaxKeyBytes = 4096
	// MaxRowBytes bounds the JSON text of one row: W&B drops longer lines.
	MaxRowBytes = 10_383_360
)

// InitError says what kept Init from making a run.
type InitError struct {
	Op  string // settings, config, directory, log, server, agent
	Err error  // the cause
}

// Error says what was being done, and the cause.
func (e *InitError) Error() string { return "init run: " + e.Op + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *InitError) Unwrap() error { return e.Err }

// ValueError names a value that has no JSON form. Nothing of its row, config
// update or summary update was stored.
type ValueError struct {
	Key  string // nested parts joined by dots
	Type string // Go type
	Err  error  // why it has none
}

// Error names key, type and reason.
func (e *ValueError) Error() string {
	return fmt.Sprintf("value of key %q, type %s: %v", e.Key, e.Type, e.Err)
}

// Unwrap returns Err.
func (e *ValueError) Unwrap() error { return e.Err }

// keyless is an error about credentials, with the text of its cause.
type keyless struct{ error }

// Is matches ErrNotLoggedIn.
func (keyless) Is(target error) bool { return target == ErrNotLoggedIn }

// Unwrap returns the cause.
func (e keyless) Unwrap() error { return e.error }

// keyError explains why key is refused without repeating all of a long one.
func keyError(key, reason string) error {
	if len(key) > 64 {
		key = key[:64] + "..."
	}
	return fmt.Errorf("key %q: %w: %s", key, ErrKey, reason)
}
