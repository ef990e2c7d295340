package agent

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// panicError is a panic of a collector or an exporter, kept as an error.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// panicked reports whether err is a panic that a fence caught.
func panicked(err error) bool {
	var p *panicError
	return errors.As(err, &p)
}

// fence calls f and turns a panic into a *panicError.
func fence(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v, debug.Stack()}
		}
	}()
	return f()
}
