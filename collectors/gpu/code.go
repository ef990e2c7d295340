package gpu

import "strconv"

// code is an nvmlReturn_t, numbered as in nvml.h.
type code uint32

const (
	ok               code = 0
	uninitialized    code = 1
	invalidArgument  code = 2
	notSupported     code = 3
	noPermission     code = 4
	notFound         code = 6
	driverNotLoaded  code = 9
	timeout          code = 10
	functionNotFound code = 13
	gpuIsLost        code = 15
	resetRequired    code = 16
	operatingSystem  code = 17
	versionMismatch  code = 18
	noData           code = 21
	argumentVersion  code = 25
	deprecated       code = 26
	notReady         code = 27
)

// class groups return codes by what follows from them.
type class uint8

const (
	classOK          class = iota
	classUnsupported       // no such number on this GPU or driver: other call, else ask again in 10 minutes
	classDenied            // closed to this user or container
	classNothing           // nothing new; not an error
	classStale             // the handle may be old
	classLost              // the GPU is off the bus
	classReset             // the GPU must be reset
	classLibrary           // the library as a whole is unusable
	classTransient         // try again soon
)

func (c code) class() class {
	switch c {
	case ok:
		return classOK
	case notSupported, functionNotFound, argumentVersion, deprecated:
		return classUnsupported
	case noPermission, operatingSystem:
		return classDenied
	case notFound, noData, notReady, timeout:
		return classNothing
	case invalidArgument:
		return classStale
	case gpuIsLost:
		return classLost
	case resetRequired:
		return classReset
	case uninitialized, driverNotLoaded, versionMismatch:
		return classLibrary
	}
	return classTransient
}

var codeText = map[code]string{
	ok:               "success",
	uninitialized:    "library not initialised",
	invalidArgument:  "invalid argument",
	notSupported:     "not supported",
	noPermission:     "no permission",
	notFound:         "not found",
	driverNotLoaded:  "driver not loaded",
	timeout:          "timeout",
	functionNotFound: "function not in this driver",
	gpuIsLost:        "GPU is lost",
	resetRequired:    "GPU requires reset",
	operatingSystem:  "refused by the operating system",
	versionMismatch:  "driver and library version mismatch",
	noData:           "no data",
	argumentVersion:  "argument version mismatch",
	deprecated:       "deprecated",
	notReady:         "not ready",
}

// Error returns the meaning and number of the code: a code can be wrapped as
// an error. It asks nothing of the library, which may be closed.
func (c code) Error() string {
	text := "NVML answer"
	if known, found := codeText[c]; found {
		text = known
	}
	return text + " (" + strconv.Itoa(int(c)) + ")"
}
