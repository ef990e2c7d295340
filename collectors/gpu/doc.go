// Package gpu reads NVIDIA GPUs through the driver's management library, NVML.
//
//	agent tick ─▶ Driver.Collect ─┬─▶ worker gpu0 ─┐ one goroutine per GPU,
//	                              ├─▶ worker gpu1 ─┤ at most 10 driver calls a tick
//	                              └─▶ worker gpuN ─┘
//	                                      │ device (nvml.go)
//	                                      ▼
//	                     go-nvml ─▶ gate ─▶ libnvidia-ml.so.1
//
// A driver call that hangs cannot be taken back: it holds its thread until the
// driver answers. So every GPU has one worker that may be lost to such a call;
// Collect waits a moment for the workers and goes on without those that are
// late. A worker that is late for long is declared stuck and shown by
// hwx.gpu.collect.up = 0, no other is started in its place, and when more than
// two are stuck nothing more is asked of the driver.
//
// Promises: a machine without a driver costs one log line; a driver that comes
// later, or is replaced while the program runs, is found without a restart; a
// GPU keeps its number for the life of the Driver; a value that could not be
// read is absent. A program built without cgo, for another system than Linux,
// or with -tags nonvml has the same API and says why there is nothing: see
// [Unavailable].
//
// The package does not start other programs and changes no GPU setting.
package gpu
