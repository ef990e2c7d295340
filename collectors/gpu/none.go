//go:build !linux || !cgo || nonvml

package gpu

import "runtime"

// Unavailable says why this program cannot read NVIDIA GPUs on any machine,
// or "" when it can.
func Unavailable() string {
	if runtime.GOOS != "linux" {
		return "GPU metrics need Linux, this program is for " + runtime.GOOS
	}
	return "this program was built without GPU support (CGO_ENABLED=0 or -tags nonvml)"
}

func newLibrary(string) library { return noLibrary{} }

// noLibrary is never open.
type noLibrary struct{}

func (noLibrary) Open() error                   { return errUnavailable }
func (noLibrary) Init() code                    { return uninitialized }
func (noLibrary) Close()                        {}
func (noLibrary) DriverVersion() (string, code) { return "", uninitialized }
func (noLibrary) CUDAVersion() (int, code)      { return 0, uninitialized }
func (noLibrary) Count() (int, code)            { return 0, uninitialized }
func (noLibrary) ByIndex(int) (device, code)    { return nil, uninitialized }
func (noLibrary) ByUUID(string) (device, code)  { return nil, uninitialized }
