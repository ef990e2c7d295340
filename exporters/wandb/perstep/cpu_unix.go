//go:build unix && !linux

package perstep

import "golang.org/x/sys/unix"

// ProcessCPU returns the CPU seconds that this process has used, user and system,
// of all threads; 0 when the system does not tell.
func ProcessCPU() float64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Sec) + float64(u.Stime.Sec) + float64(u.Utime.Usec)/1e6 + float64(u.Stime.Usec)/1e6
}
