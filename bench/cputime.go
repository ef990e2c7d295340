package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// threadCPU is the CPU time of the calling thread in ns.
func threadCPU() int64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return ts.Nano()
}

// contest is one of several ways to do the same work.
type contest struct {
	name string
	run  func()
}

// hot runs each way for about a second and returns ns of CPU a call, the
// median of batches.
func hot(ways []contest) map[string]float64 {
	return measure(ways, 100, func(c contest) float64 {
		const batch = 10
		t := threadCPU()
		for range batch {
			c.run()
		}
		return float64(threadCPU()-t) / batch
	}, 0)
}

// paced runs each way once a second, in turns with pauses between, which is
// how a sampler meets its caches, and returns the median ns of CPU.
func paced(ways []contest, seconds int) map[string]float64 {
	return measure(ways, seconds, func(c contest) float64 {
		t := threadCPU()
		c.run()
		return float64(threadCPU() - t)
	}, time.Second/time.Duration(len(ways)))
}

func measure(ways []contest, rounds int, once func(contest) float64, pause time.Duration) map[string]float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all := map[string][]float64{}
	for round := range rounds {
		for i := range ways {
			c := ways[(i+round)%len(ways)]
			time.Sleep(pause)
			all[c.name] = append(all[c.name], once(c))
		}
	}
	med := map[string]float64{}
	for name, v := range all {
		slices.Sort(v)
		med[name] = v[len(v)/2]
	}
	return med
}

// procCost reads CPU seconds (user and system) and resident MiB of a process.
func procCost(pid int) (cpu, rssMiB float64, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	field := func(n int) float64 { v, _ := strconv.ParseFloat(f[n-3], 64); return v }
	return (field(14) + field(15)) / 100, field(24) * float64(os.Getpagesize()) / (1 << 20), nil
}
