//go:build linux

package tree

import (
	"fmt"
	"path/filepath"
	"testing"
)

func TestCapacity(t *testing.T) {
	dir := newFakeProc(t, proc{pid: 10, ppid: 1}).dir
	cpu := filepath.Join(dir, "devices/system/cpu")
	f := &fakeProc{t: t, dir: dir}
	f.file("devices/system/cpu/online", "0-3\n")
	for n := range 4 { // two cores with two threads each
		f.file(fmt.Sprintf("devices/system/cpu/cpu%d/topology/core_id", n), fmt.Sprint(n/2, "\n"))
		f.file(fmt.Sprintf("devices/system/cpu/cpu%d/topology/physical_package_id", n), "0\n")
	}
	check := func(allowed string, quota, want float64) {
		t.Helper()
		f.file("10/status", "Cpus_allowed_list:\t"+allowed+"\n")
		tr, err := Open(Config{Proc: dir, Sys: dir, PID: 10, CPULimit: func() (float64, bool) { return quota, quota > 0 }})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		if tr.caps.cpus != want {
			t.Errorf("allowed %s, quota %v, below %s: got %v CPUs, want %v", allowed, quota, cpu, tr.caps.cpus, want)
		}
	}
	check("0-3", 0, 2)     // physical cores
	check("0-2", 0, 3)     // affinity
	check("0-2", 1.5, 1.5) // quota below affinity
	check("0", 1.5, 1)     // affinity below quota
	check("0-3", 3.5, 3.5) // quota alone
	check("0-7", 0, 2)     // offline CPUs do not count
}

func FuzzParseCPUList(f *testing.F) {
	for _, s := range []string{"0-3,8\n", "0", "5-2", "0-99999999999", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		set, ok := parseCPUList(b)
		if ok && len(set) > maxCPU {
			t.Fatalf("parseCPUList(%q): %d CPUs", b, len(set))
		}
	})
}
