// Package gate stands between go-nvml and the NVIDIA driver library.
//
// go-nvml leaves every nvml* function undefined and lets the dynamic linker
// bind each one, at its first call, to whatever library was loaded. That ends
// the process when a symbol is missing, stops every program linked with
// "-z now" at its start, crashes static programs, and keeps running the old
// code after a driver upgrade. This package defines those functions itself:
//
//	go-nvml ── call nvmlInit_v2 ──▶ one jump ──▶ slots[k] ──▶ driver library
//	                                               └─▶ "13, function not found"
//	                                                   while closed or absent
//
// [Open] loads a library and points each slot at its symbol; [Close] points
// the slots back and unloads the library, so that a later Open runs the code
// that is then in the file. Importing the package starts nothing and loads
// nothing.
//
// The functions are hidden symbols of the program: a driver library, or any
// other library of the process that uses NVML on its own, never binds to them.
//
// names.h lists the functions; it is generated from the go-nvml release that
// go.mod pins, and a test compares the two.
package gate

//go:generate go run ./gen
