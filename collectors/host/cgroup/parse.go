package cgroup

import "github.com/wandb-agent/wandb-agent/collectors/internal/procfile"

// reading is a number that may be missing.
type reading struct {
	v  uint64
	ok bool
}

// eachPair calls yield for each "key value" line.
func eachPair(b []byte, yield func(key []byte, v uint64)) {
	for len(b) > 0 {
		var line []byte
		line, b = procfile.Line(b)
		key, rest := procfile.Field(line)
		if v, _, ok := procfile.Uint(rest); ok {
			yield(key, v)
		}
	}
}

// memoryStat is what is taken from memory.stat. v1 shows the group alone under
// the plain names and with its subgroups under total_ names: those are taken.
type memoryStat struct {
	anon, file, shmem, mapped, sock, pageTables, kernel, inactiveFile, hierarchical reading
}

func (m *memoryStat) parse(b []byte, v2 bool) {
	*m = memoryStat{}
	eachPair(b, func(key []byte, v uint64) {
		if to := m.field(string(key), v2); to != nil {
			*to = reading{v, true}
		}
	})
}

func (m *memoryStat) field(key string, v2 bool) *reading {
	if v2 {
		switch key {
		case "anon":
			return &m.anon
		case "file":
			return &m.file
		case "shmem":
			return &m.shmem
		case "file_mapped":
			return &m.mapped
		case "sock":
			return &m.sock
		case "pagetables":
			return &m.pageTables
		case "kernel":
			return &m.kernel
		case "inactive_file":
			return &m.inactiveFile
		}
		return nil
	}
	switch key {
	case "total_rss":
		return &m.anon
	case "total_cache":
		return &m.file
	case "total_shmem":
		return &m.shmem
	case "total_mapped_file":
		return &m.mapped
	case "total_inactive_file":
		return &m.inactiveFile
	case "hierarchical_memory_limit":
		return &m.hierarchical
	}
	return nil
}

// cpuStat is what is taken from cpu.stat and cpuacct.stat, times in ns.
type cpuStat struct {
	user, system, periods, throttled, throttledNS reading
}

// parse reads cpu.stat. v1 has the throttling counters only, in ns; v2 counts
// in µs.
func (s *cpuStat) parse(b []byte) {
	eachPair(b, func(key []byte, v uint64) {
		switch string(key) {
		case "user_usec":
			s.user = reading{v * 1000, true}
		case "system_usec":
			s.system = reading{v * 1000, true}
		case "nr_periods":
			s.periods = reading{v, true}
		case "nr_throttled":
			s.throttled = reading{v, true}
		case "throttled_usec":
			s.throttledNS = reading{v * 1000, true}
		case "throttled_time":
			s.throttledNS = reading{v, true}
		}
	})
}

// parseAcct reads cpuacct.stat, in clock ticks: USER_HZ is 100 on every
// mainstream system.
func (s *cpuStat) parseAcct(b []byte) {
	const tickNS = 10_000_000
	eachPair(b, func(key []byte, v uint64) {
		switch string(key) {
		case "user":
			s.user = reading{v * tickNS, true}
		case "system":
			s.system = reading{v * tickNS, true}
		}
	})
}

// eventNames are the keys of memory.events, in the order of memoryEvents.
var eventNames = [...]string{"low", "high", "max", "oom", "oom_kill", "oom_group_kill"}

type memoryEvents [len(eventNames)]reading

// parse reads memory.events, or v1's memory.oom_control of which only oom_kill
// is an event.
func (e *memoryEvents) parse(b []byte) {
	eachPair(b, func(key []byte, v uint64) {
		for i, name := range eventNames {
			if string(key) == name {
				e[i] = reading{v, true}
			}
		}
	})
}
