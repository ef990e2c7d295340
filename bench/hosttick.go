package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/procfs"
	"github.com/prometheus/procfs/blockdevice"
	cpu3 "github.com/shirou/gopsutil/v3/cpu"
	disk3 "github.com/shirou/gopsutil/v3/disk"
	load3 "github.com/shirou/gopsutil/v3/load"
	mem3 "github.com/shirou/gopsutil/v3/mem"
	net3 "github.com/shirou/gopsutil/v3/net"
	cpu4 "github.com/shirou/gopsutil/v4/cpu"
	disk4 "github.com/shirou/gopsutil/v4/disk"
	load4 "github.com/shirou/gopsutil/v4/load"
	mem4 "github.com/shirou/gopsutil/v4/mem"
	net4 "github.com/shirou/gopsutil/v4/net"
	"golang.org/x/sys/unix"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/host"
)

// At 1 Hz only the floor is in the same process: what a peer leaves in the
// caches would be counted against whoever comes after it.
//
// hostTick compares one tick of the 1 s host source with one pread to the end
// of the very files it keeps open, and with what libraries take for less.
func hostTick(o *options) ([]row, error) {
	ours, floor, err := hostSource()
	if err != nil {
		return nil, err
	}
	ways := []contest{{"ours", ours}, {"floor", floor}, {"gopsutil v3", gopsutil3}, {"gopsutil v4", gopsutil4}, {"procfs", procfsAll}}
	var rows []row
	for _, load := range []struct {
		name string
		med  map[string]float64
	}{{"hot", hot(ways)}, {"at 1 Hz", paced(ways[:2], o.seconds)}} {
		for _, peer := range ways[1:] {
			if load.med[peer.name] == 0 {
				continue
			}
			r := row{"host tick, CPU, " + load.name, micros(load.med["ours"]), micros(load.med[peer.name]), peer.name, ratio(load.med["ours"], load.med[peer.name]), ""}
			if peer.name == "floor" {
				r.peerName, r.budget = "pread of the same files", "<= 1.25"
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// hostSource returns one tick of ours and the floor below it.
func hostSource() (ours, floor func(), err error) {
	before := kernelFiles()
	sources, err := host.Sources(host.Config{})
	if err != nil {
		return nil, nil, err
	}
	for _, s := range sources {
		if s.Name != "host/fast" {
			continue
		}
		collect, err := ready(s)
		if err != nil {
			return nil, nil, err
		}
		var fds []int
		for fd := range kernelFiles() {
			if _, old := before[fd]; !old {
				fds = append(fds, fd)
			}
		}
		buf := make([]byte, 1<<20)
		return collect, func() {
			for _, fd := range fds {
				preadAll(fd, buf)
			}
		}, nil
	}
	return nil, nil, errors.New("no source called host/fast")
}

// ready describes s and returns its tick.
func ready(s agent.Source) (func(), error) {
	if err := s.Collector.Describe(sample.NewSchema(0)); err != nil {
		return nil, err
	}
	var f sample.Frame
	collect := func() { f.Reset(); s.Collector.Collect(context.Background(), &f) }
	collect()
	if len(f.Refs) == 0 {
		return nil, fmt.Errorf("source %s gave no values", s.Name)
	}
	return collect, nil
}

func preadAll(fd int, buf []byte) {
	for off := 0; ; {
		n, err := unix.Pread(fd, buf[off:], int64(off))
		if n <= 0 || err != nil {
			return
		}
		off += n
	}
}

// kernelFiles lists this process's open descriptors of procfs and sysfs files.
func kernelFiles() map[int]string {
	found := map[int]string{}
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, l := range links {
		target, err := os.Readlink(l)
		if err != nil || !(strings.HasPrefix(target, "/proc/") || strings.HasPrefix(target, "/sys/")) {
			continue
		}
		var fd int
		fmt.Sscan(filepath.Base(l), &fd)
		found[fd] = target
	}
	return found
}

func gopsutil3() {
	cpu3.Times(true)
	mem3.VirtualMemory()
	mem3.SwapMemory()
	load3.Avg()
	disk3.IOCounters()
	disk3.Usage("/")
	net3.IOCounters(true)
}

func gopsutil4() {
	cpu4.Times(true)
	mem4.VirtualMemory()
	mem4.SwapMemory()
	load4.Avg()
	disk4.IOCounters()
	disk4.Usage("/")
	net4.IOCounters(true)
}

var (
	procFS, _  = procfs.NewDefaultFS()
	blockFS, _ = blockdevice.NewDefaultFS()
)

func procfsAll() {
	procFS.Stat()
	procFS.Meminfo()
	procFS.LoadAvg()
	procFS.NetDev()
	blockFS.ProcDiskstats()
	for _, resource := range []string{"cpu", "memory", "io"} {
		procFS.PSIStatsForResource(resource)
	}
}
