package perstep

import "golang.org/x/sys/unix"

// ProcessCPU returns the CPU seconds that this process has used, user and system,
// of all threads; 0 when the system does not tell.
func ProcessCPU() float64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return float64(ts.Sec) + float64(ts.Nsec)/1e9
}
