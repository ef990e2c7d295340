package wandb

import (
	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// environment turns facts about the machine into the hardware part of an
// environment record; nil when nothing is known. What concerns the program
// (arguments, git) is written by whoever started the run.
func environment(f *sample.Facts) *wandbpb.EnvironmentRecord {
	e := &wandbpb.EnvironmentRecord{
		Os:              f.OS,
		CpuCount:        uint32(f.CPUPhysical),
		CpuCountLogical: uint32(f.CPULogical),
		CudaVersion:     f.CUDAVersion,
		GpuCount:        uint32(len(f.GPUs)),
		Slurm:           f.SlurmJob,
	}
	known := f.OS != "" || f.CUDAVersion != "" || len(f.GPUs) > 0 || len(f.SlurmJob) > 0
	if f.CPULogical > 0 || f.CPUPhysical > 0 {
		e.Cpu = &wandbpb.CpuInfo{Count: e.CpuCount, CountLogical: e.CpuCountLogical}
		known = true
	}
	if f.MemoryTotal > 0 {
		e.Memory = &wandbpb.MemoryInfo{Total: f.MemoryTotal}
		known = true
	}
	for mount, d := range f.Disks {
		if e.Disk == nil {
			e.Disk = make(map[string]*wandbpb.DiskInfo)
		}
		e.Disk[mount] = &wandbpb.DiskInfo{Total: d.Total, Used: d.Used}
		known = true
	}
	for i := range f.GPUs {
		g := &f.GPUs[i]
		if i == 0 {
			e.GpuType = g.Name
		}
		e.GpuNvidia = append(e.GpuNvidia, &wandbpb.GpuNvidiaInfo{
			Name: g.Name, Uuid: g.UUID, MemoryTotal: g.MemoryTotal, CudaCores: g.CUDACores, Architecture: g.Architecture,
		})
	}
	if !known {
		return nil
	}
	return e
}

func (e *Exporter) writeEnvironment(env *wandbpb.EnvironmentRecord) error {
	return e.log.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Environment{Environment: env}})
}
