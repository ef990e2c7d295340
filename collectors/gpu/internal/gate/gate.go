//go:build linux && cgo && !nonvml

package gate

/*
#cgo linux LDFLAGS: -ldl
#include <stdlib.h>
#include "gate.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// ErrStatic is returned by Open in a program without a dynamic linker: the
// C library of such a program cannot safely load a driver library.
var ErrStatic = errors.New("program is statically linked")

// ErrOpen is returned by Open while the gate is open. There is one gate in a
// process, because there is one set of nvml* symbols.
var ErrOpen = errors.New("a library is already open")

var (
	mu     sync.Mutex
	handle unsafe.Pointer // what dlopen returned; nil while closed
)

// Open loads the library at path, or by its soname along the system's search
// path when path holds no slash, and leads every NVML call to it. A call that
// the library lacks answers 13.
//
// Calls may be running while Open works: each sees 13 or the library.
func Open(path string) error {
	mu.Lock()
	defer mu.Unlock()
	if handle != nil {
		return fmt.Errorf("open %s: %w", path, ErrOpen)
	}
	if C.gate_is_static() != 0 {
		return fmt.Errorf("open %s: %w", path, ErrStatic)
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var problem *C.char
	handle = C.gate_open(name, &problem)
	if handle == nil {
		defer C.free(unsafe.Pointer(problem))
		return fmt.Errorf("open %s: %s", path, C.GoString(problem))
	}
	return nil
}

// Close leads every NVML call to the answer 13 and unloads the library. The
// caller has waited for the calls that were running: the code they would
// return to is gone afterwards. Closing a closed gate does nothing.
//
// go-nvml holds the library too, and lets go only after a Shutdown that
// succeeded. release, if not nil, is called at a moment when nvmlShutdown
// answers success without reaching the driver, so that go-nvml's own Shutdown
// can be called there.
func Close(release func()) {
	mu.Lock()
	defer mu.Unlock()
	if handle == nil {
		return
	}
	C.gate_detach()
	if release != nil {
		release()
	}
	C.gate_close(handle)
	handle = nil
}

// Missing counts the NVML functions that have nothing behind them: all of
// them while the gate is closed, those an old driver lacks while it is open.
func Missing() int {
	mu.Lock()
	defer mu.Unlock()
	return int(C.gate_missing())
}
