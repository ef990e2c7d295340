package sample

import "time"

// Facts are what is known about the machine and the followed program and does
// not change from tick to tick. Collectors that can tell some of it implement
// agent.Prober. Zero values mean unknown. A *Facts in a Batch is shared and
// must not be changed.
type Facts struct {
	OS           string            // platform string: Linux-6.12.0-amd64-x86_64-with-glibc2.36
	Kernel       string            // uname release
	Hostname     string            // as uname(2) has it: a container has its own
	BootID       string            // /proc/sys/kernel/random/boot_id
	BootTime     time.Time         // wall time
	CPUModel     string            // as the processor names itself
	CPUPhysical  int               // physical cores
	CPULogical   int               // online logical CPUs
	MemoryTotal  uint64            // bytes of the machine
	Disks        map[string]Disk   // by mount point
	GPUs         []GPU             // in NVML order; index is position
	CUDAVersion  string            // of the driver, "12.4"
	GPUDriver    string            // driver version
	GPUStatus    string            // why there are no GPUs, or "" when there are
	Cgroup       string            // cgroup path of the followed process
	ContainerID  string            // 64 hex digits, when in a container
	KubePodUID   string            // from the cgroup path
	SlurmJob     map[string]string // SLURM_X=v as x: v
	ProcessPID   int               // the followed process, in our pid namespace
	ProcessExe   string            // path of its program
	ProcessArgs  []string          // secrets already masked
	ProcessStart time.Time         // wall time
}

// Disk is the size and use of one mounted filesystem in bytes.
type Disk struct{ Total, Used uint64 }

// GPU is the identity of one device.
type GPU struct {
	Name         string // NVIDIA H100 80GB HBM3
	UUID         string // GPU-..., the same on every boot
	MemoryTotal  uint64 // bytes
	CUDACores    uint32
	Architecture string // Hopper
	PCIBusID     string // domain:bus:device.function, in hex
}

// Clone returns a copy that shares nothing that may be changed.
func (f *Facts) Clone() *Facts {
	c := *f
	c.Disks = cloneMap(f.Disks)
	c.SlurmJob = cloneMap(f.SlurmJob)
	c.GPUs = append([]GPU(nil), f.GPUs...)
	c.ProcessArgs = append([]string(nil), f.ProcessArgs...)
	return &c
}

func cloneMap[V any](m map[string]V) map[string]V {
	if m == nil {
		return nil
	}
	c := make(map[string]V, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}
