//go:build linux

package tree

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// fdBudget turns Config.MaxFDs into a number of descriptors.
func fdBudget(want int) int {
	if want != 0 {
		return max(want, 0)
	}
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return 64
	}
	return int(min(lim.Cur/4, 1024))
}

// clockTicks is USER_HZ, the unit of times in stat: AT_CLKTCK (17) of the
// auxiliary vector (getauxval(3)), 100 on every mainstream system.
func clockTicks() int64 {
	const atClkTck = 17
	aux, err := unix.Auxv()
	if err != nil {
		return 100
	}
	for _, kv := range aux {
		if kv[0] == atClkTck && kv[1] > 0 {
			return int64(kv[1])
		}
	}
	return 100
}
