//go:build !linux

package host

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"

	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/disk"
	"github.com/shirou/gopsutil/v3/load"
	"github.com/shirou/gopsutil/v3/mem"
	"github.com/shirou/gopsutil/v3/net"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/catalog"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// Sources returns the sources of this machine: host/fast with what gopsutil
// can tell on every system. PID, Proc, Sys and Dev mean nothing here.
func Sources(cfg Config) ([]agent.Source, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return []agent.Source{{Name: "host/fast", Every: cfg.Every, Collector: &Collector{cfg: cfg}}}, nil
}

// Collector reads the machine through gopsutil. Series are added when their
// device is first seen, so every reading allocates.
type Collector struct {
	cfg    Config
	schema *sample.Schema
	f      *sample.Frame // of the reading under way
	err    error         // first failure of the schema in it
}

// Describe keeps the schema; the series come with the readings.
func (c *Collector) Describe(s *sample.Schema) error {
	c.schema = s
	return nil
}

// Probe fills in what the runtime and gopsutil know.
func (c *Collector) Probe(f *sample.Facts) error {
	f.OS, f.CPULogical = runtime.GOOS+"-"+runtime.GOARCH, runtime.NumCPU()
	f.Hostname, _ = os.Hostname()
	f.CPUPhysical, _ = cpu.Counts(false)
	if info, err := cpu.Info(); err == nil && len(info) > 0 {
		f.CPUModel = info[0].ModelName
	}
	if m, err := mem.VirtualMemory(); err == nil {
		f.MemoryTotal = m.Total
	}
	return nil
}

// Collect reads everything once; parts that fail are left out.
func (c *Collector) Collect(ctx context.Context, f *sample.Frame) error {
	c.f, c.err = f, nil
	err := errors.Join(c.cpu(ctx), c.memory(ctx), c.disks(ctx), c.network(ctx), c.load(ctx))
	c.f = nil
	if c.err != nil {
		return c.err
	}
	if len(f.Refs) == 0 {
		return err
	}
	return nil
}

func (c *Collector) put(v float64, name string, labels ...string) {
	ref, err := catalog.Add(c.schema, name, labels...)
	if err != nil {
		c.err = errors.Join(c.err, err)
		return
	}
	c.f.Put(ref, v)
}

func (c *Collector) cpu(ctx context.Context) error {
	times, err := cpu.TimesWithContext(ctx, !c.cfg.CPUTotals)
	for i, t := range times {
		number := strconv.Itoa(i)
		if c.cfg.CPUTotals {
			number = ""
		}
		c.put(t.User, "system.cpu.time", "user", number)
		c.put(t.Nice, "system.cpu.time", "nice", number)
		c.put(t.System, "system.cpu.time", "system", number)
		c.put(t.Idle, "system.cpu.time", "idle", number)
		c.put(t.User+t.Nice+t.System+t.Irq+t.Softirq, "system.linux.cpu.busy_time", number)
	}
	c.put(float64(runtime.NumCPU()), "system.cpu.logical.count")
	return err
}

func (c *Collector) memory(ctx context.Context) error {
	m, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return err
	}
	c.put(float64(m.Total), "system.memory.limit")
	c.put(float64(m.Used), "system.memory.usage", "used")
	c.put(float64(m.Free), "system.memory.usage", "free")
	c.put(float64(m.Available), "system.memory.linux.available")
	s, err := mem.SwapMemoryWithContext(ctx)
	if err != nil {
		return err
	}
	c.put(float64(s.Used), "system.paging.usage", "used")
	c.put(float64(s.Free), "system.paging.usage", "free")
	if s.Total > 0 {
		c.put(float64(s.Used)/float64(s.Total), "system.paging.utilization", "used")
	}
	return nil
}

func (c *Collector) disks(ctx context.Context) error {
	devices, err := disk.IOCountersWithContext(ctx)
	for name, d := range devices {
		c.put(float64(d.ReadBytes), "system.disk.io", name, "read")
		c.put(float64(d.WriteBytes), "system.disk.io", name, "write")
		c.put(float64(d.ReadCount), "system.disk.operations", name, "read")
		c.put(float64(d.WriteCount), "system.disk.operations", name, "write")
	}
	for _, path := range c.cfg.DiskPaths {
		u, bad := disk.UsageWithContext(ctx, path)
		if bad != nil {
			err = errors.Join(err, bad)
			continue
		}
		c.put(float64(u.Total), "system.filesystem.limit", path)
		c.put(float64(u.Used), "system.filesystem.usage", "used", path)
		c.put(float64(u.Free), "system.filesystem.usage", "free", path)
		c.put(u.UsedPercent/100, "system.filesystem.utilization", "used", path)
	}
	return err
}

func (c *Collector) network(ctx context.Context) error {
	ifs, err := net.IOCountersWithContext(ctx, true)
	for _, i := range ifs {
		c.put(float64(i.BytesRecv), "system.network.io", i.Name, "receive")
		c.put(float64(i.BytesSent), "system.network.io", i.Name, "transmit")
		c.put(float64(i.PacketsRecv), "system.network.packet.count", i.Name, "receive", i.Name)
		c.put(float64(i.PacketsSent), "system.network.packet.count", i.Name, "transmit", i.Name)
		c.put(float64(i.Errin), "system.network.errors", i.Name, "receive")
		c.put(float64(i.Errout), "system.network.errors", i.Name, "transmit")
		c.put(float64(i.Dropin), "system.network.packet.dropped", i.Name, "receive")
		c.put(float64(i.Dropout), "system.network.packet.dropped", i.Name, "transmit")
	}
	return err
}

func (c *Collector) load(ctx context.Context) error {
	l, err := load.AvgWithContext(ctx)
	if err != nil {
		return err
	}
	c.put(l.Load1, "system.cpu.load_average.1m")
	c.put(l.Load5, "system.cpu.load_average.5m")
	c.put(l.Load15, "system.cpu.load_average.15m")
	return nil
}
