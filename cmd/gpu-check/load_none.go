//go:build !linux || !cgo || nonvml

package main

import "errors"

// loads is the load on all GPUs; this program cannot make one.
type loads struct{}

func openLoads() (*loads, error)    { return nil, errors.New("built without cgo") }
func (*loads) count() int           { return 0 }
func (*loads) start() (stop func()) { return func() {} }
