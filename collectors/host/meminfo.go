//go:build linux

package host

import (
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// memField is a field of /proc/meminfo that is a series as it stands.
type memField struct {
	field, metric, label string
	unit                 float64 // bytes or pages of one unit of the field
}

// meminfo prints kB and means KiB.
const kibibyte = 1 << 10

var memFields = []memField{
	{"MemTotal", "system.memory.limit", "", kibibyte},
	{"MemFree", "system.memory.usage", "free", kibibyte},
	{"Buffers", "system.memory.usage", "buffers", kibibyte},
	{"MemAvailable", "system.memory.linux.available", "", kibibyte},
	{"Shmem", "system.memory.linux.shared", "", kibibyte},
	{"SReclaimable", "system.memory.linux.slab.usage", "reclaimable", kibibyte},
	{"SUnreclaim", "system.memory.linux.slab.usage", "unreclaimable", kibibyte},
	{"AnonPages", "system.memory.linux.anon", "", kibibyte},
	{"Mapped", "system.memory.linux.mapped", "", kibibyte},
	{"Dirty", "system.memory.linux.dirty", "", kibibyte},
	{"Writeback", "system.memory.linux.writeback", "", kibibyte},
	{"PageTables", "system.memory.linux.page_tables", "", kibibyte},
	{"KernelStack", "system.memory.linux.kernel_stack", "", kibibyte},
	{"Percpu", "system.memory.linux.percpu", "", kibibyte},
	{"Mlocked", "system.memory.linux.mlocked", "", kibibyte},
	{"Unevictable", "system.memory.linux.unevictable", "", kibibyte},
	{"Committed_AS", "system.memory.linux.committed", "", kibibyte},
	{"CommitLimit", "system.memory.linux.commit_limit", "", kibibyte},
	{"AnonHugePages", "system.memory.linux.anon_huge", "", kibibyte},
	{"FileHugePages", "system.memory.linux.file_huge", "", kibibyte},
	{"ShmemHugePages", "system.memory.linux.shmem_huge", "", kibibyte},
	{"VmallocUsed", "system.memory.linux.vmalloc_used", "", kibibyte},
	{"HugePages_Total", "system.memory.linux.hugepages.limit", "", 1},
	{"HugePages_Free", "system.memory.linux.hugepages.usage", "free", 1},
	{"HugePages_Rsvd", "system.memory.linux.hugepages.reserved", "", 1},
	{"HugePages_Surp", "system.memory.linux.hugepages.surplus", "", 1},
	{"Hugepagesize", "system.memory.linux.hugepages.page_size", "", kibibyte},
	{"SwapFree", "system.paging.usage", "free", kibibyte},
}

// memSum is a series made of several fields: plus minus minus, in units of the
// fields. It is absent when a field is, and when the result is negative, which
// happens where a container fakes some of the fields.
type memSum struct {
	metric, label string
	plus, minus   []string
	unit          float64
}

var memSums = []memSum{
	{"system.memory.usage", "used", []string{"MemTotal"}, []string{"MemFree", "Buffers", "Cached", "SReclaimable"}, kibibyte},
	{"system.memory.usage", "cached", []string{"Cached", "SReclaimable"}, nil, kibibyte},
	{"system.memory.linux.hugepages.usage", "used", []string{"HugePages_Total"}, []string{"HugePages_Free"}, 1},
	{"system.paging.usage", "used", []string{"SwapTotal"}, []string{"SwapFree"}, kibibyte},
}

// meminfo reads /proc/meminfo.
type meminfo struct {
	file   file
	keys   *keyed
	fields []memSeries // one per memFields, in order
	sums   []memSeries // one per memSums, in order
	util   memSeries   // share of swap in use
}

// memSeries is a series with the places of its fields in keyed.vals.
type memSeries struct {
	ref         sample.Ref
	plus, minus []int
	unit        float64
	on          bool
}

func newMeminfo(path string) *meminfo {
	names := []string{"Cached", "SwapTotal"}
	for _, f := range memFields {
		names = append(names, f.field)
	}
	return &meminfo{file: file{path: path, once: true}, keys: newKeyed(':', names...)}
}

func (m *meminfo) describe(r *registrar) error {
	b, err := m.file.read(&r.buf)
	if err != nil {
		return err
	}
	m.keys.parse(b)
	m.fields, m.sums = m.fields[:0], m.sums[:0]
	for _, f := range memFields {
		m.fields = append(m.fields, m.series(r, f.metric, f.label, []string{f.field}, nil, f.unit))
	}
	for _, s := range memSums {
		m.sums = append(m.sums, m.series(r, s.metric, s.label, s.plus, s.minus, s.unit))
	}
	m.util = m.series(r, "system.paging.utilization", "used", []string{"SwapTotal"}, []string{"SwapFree"}, 1)
	return nil
}

// series adds a series if the kernel has all of its fields.
func (m *meminfo) series(r *registrar, metric, label string, plus, minus []string, unit float64) memSeries {
	s := memSeries{unit: unit, on: true}
	place := func(fields []string) (places []int) {
		for _, f := range fields {
			i := m.keys.index[f]
			s.on = s.on && m.keys.have[i]
			places = append(places, i)
		}
		return places
	}
	s.plus, s.minus = place(plus), place(minus)
	if s.on {
		s.ref = r.gauge(metric, label)
	}
	return s
}

func (m *meminfo) collect(t *tick) error {
	b, err := m.file.read(&t.buf)
	if err != nil {
		return err
	}
	m.keys.parse(b)
	for i := range m.fields {
		m.put(t, &m.fields[i])
	}
	for i := range m.sums {
		m.put(t, &m.sums[i])
	}
	if v, ok := m.value(&m.util); ok {
		if total := m.keys.vals[m.util.plus[0]]; total > 0 {
			t.f.Put(m.util.ref, v/float64(total))
		}
	}
	return nil
}

func (m *meminfo) put(t *tick, s *memSeries) {
	if v, ok := m.value(s); ok {
		t.f.Put(s.ref, v)
	}
}

// value computes a series; ok is false when a field is missing or the result
// would be negative.
func (m *meminfo) value(s *memSeries) (v float64, ok bool) {
	if !s.on {
		return 0, false
	}
	var sum uint64
	for _, i := range s.plus {
		if !m.keys.have[i] {
			return 0, false
		}
		sum += m.keys.vals[i]
	}
	for _, i := range s.minus {
		if !m.keys.have[i] || m.keys.vals[i] > sum {
			return 0, false
		}
		sum -= m.keys.vals[i]
	}
	return float64(sum) * s.unit, true
}

func (m *meminfo) close() { m.file.close() }
