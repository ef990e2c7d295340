//go:build linux && cgo && !nonvml

package main

/*
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "load.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

// loads is the load on all GPUs that CUDA shows.
type loads struct{ n int }

// loadBytes is the memory that each GPU writes over and over.
const loadBytes = 1 << 30

// openLoads loads CUDA and counts its GPUs.
func openLoads() (*loads, error) {
	var problem *C.char
	n := int(C.load_open(&problem))
	if n < 0 {
		defer C.free(unsafe.Pointer(problem))
		return nil, fmt.Errorf("%s", C.GoString(problem))
	}
	if n == 0 {
		return nil, fmt.Errorf("CUDA has no GPUs")
	}
	return &loads{n}, nil
}

func (l *loads) count() int { return l.n }

// start keeps every GPU busy from a thread of its own until stop is called;
// stop waits for the threads. A GPU that CUDA refuses stays without load.
func (l *loads) start() (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	for i := range l.n {
		wg.Go(func() {
			runtime.LockOSThread() // a CUDA context belongs to a thread
			defer runtime.UnlockOSThread()
			var held C.struct_load
			if C.load_begin(&held, C.int(i), loadBytes) != 0 {
				return
			}
			defer C.load_end(&held)
			for {
				select {
				case <-done:
					return
				default:
				}
				if C.load_round(&held) != 0 {
					return
				}
			}
		})
	}
	return func() { close(done); wg.Wait() }
}
