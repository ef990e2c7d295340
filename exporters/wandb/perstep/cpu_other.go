//go:build !unix

package perstep

// ProcessCPU returns 0: this system is not asked.
func ProcessCPU() float64 { return 0 }
