package tree

import (
	"bytes"

	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// usage is what a process has used since it began: the counters that the
// kernel hands to the parent that reaps it.
type usage struct {
	user, system   uint64 // clock ticks; guest time is part of user
	minflt, majflt uint64
}

func (u *usage) add(v usage) {
	u.user += v.user
	u.system += v.system
	u.minflt += v.minflt
	u.majflt += v.majflt
}

// minus subtracts down to 0.
func (u usage) minus(v usage) usage {
	return usage{
		floorSub(u.user, v.user), floorSub(u.system, v.system),
		floorSub(u.minflt, v.minflt), floorSub(u.majflt, v.majflt),
	}
}

func (u usage) max(v usage) usage {
	return usage{
		max(u.user, v.user), max(u.system, v.system),
		max(u.minflt, v.minflt), max(u.majflt, v.majflt),
	}
}

// covers reports whether a gain of u may contain all of v. Faults are exact;
// CPU times are cut to whole ticks on both sides, so one tick may be missing.
func (u usage) covers(v usage) bool {
	return u.minflt >= v.minflt && u.majflt >= v.majflt && u.user+1 >= v.user && u.system+1 >= v.system
}

func floorSub(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}

// stat is what is taken from /proc/PID/stat (proc_pid_stat(5)).
type stat struct {
	state   byte
	ppid    int
	session int
	thread  bool // not a process: field 38, exit_signal, is -1
	own     usage
	reaped  usage // of children waited for, with theirs
	threads uint64
	start   uint64 // ticks since boot
	virtual uint64 // bytes
}

func (s *stat) total() usage {
	t := s.own
	t.add(s.reaped)
	return t
}

// dead reports whether the process has exited, reaped or not.
func (s *stat) dead() bool { return s.state == 'Z' || s.released() }

// released reports whether the kernel is about to forget the process: its
// figures are with its parent already, or on the way there.
func (s *stat) released() bool { return s.state == 'X' || s.state == 'x' }

// parseStat reads one line of /proc/PID/stat. The name may hold spaces,
// brackets and newlines, so fields are counted from the last ')'.
func parseStat(b []byte) (s stat, ok bool) {
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return s, false
	}
	state, b := procfile.Field(b[i+1:])
	if len(state) != 1 {
		return s, false
	}
	s.state = state[0]
	n := numbers{b: b, ok: true}
	s.ppid = int(n.int())    // 4
	n.int()                  // pgrp
	s.session = int(n.int()) // 6
	n.skip(3)                // tty_nr, tpgid, flags
	s.own.minflt, s.reaped.minflt = n.uint(), n.uint()
	s.own.majflt, s.reaped.majflt = n.uint(), n.uint()
	s.own.user, s.own.system = n.uint(), n.uint()
	s.reaped.user, s.reaped.system = n.ticks(), n.ticks()
	n.skip(2) // priority, nice
	s.threads = n.uint()
	n.skip(1) // itrealvalue
	s.start, s.virtual = n.uint(), n.uint()
	n.skip(14) // rss (24) to wchan's two companions (37)
	s.thread = n.int() == -1
	return s, n.ok
}

// numbers scans blank-separated numbers; ok turns false at the first that is
// none and stays so.
type numbers struct {
	b  []byte
	ok bool
}

func (n *numbers) uint() uint64 {
	v, rest, ok := procfile.Uint(n.b)
	n.b, n.ok = rest, n.ok && ok
	return v
}

func (n *numbers) int() int64 {
	v, rest, ok := procfile.Int(n.b)
	n.b, n.ok = rest, n.ok && ok
	return v
}

// ticks scans cutime or cstime, which the kernel prints signed.
func (n *numbers) ticks() uint64 { return uint64(max(n.int(), 0)) }

func (n *numbers) skip(fields int) { n.b = procfile.Skip(n.b, fields) }

// parseStatm returns the resident pages: the second number.
func parseStatm(b []byte) (pages uint64, ok bool) {
	n := numbers{b: b, ok: true}
	n.uint()
	pages = n.uint()
	return pages, n.ok
}

// ioCount is what a process and the children it waited for moved to and from
// storage, in bytes. A write that was cut before it reached the disk does not
// count.
type ioCount struct{ read, write uint64 }

func (c *ioCount) add(v ioCount) { c.read += v.read; c.write += v.write }

func (c ioCount) minus(v ioCount) ioCount {
	return ioCount{floorSub(c.read, v.read), floorSub(c.write, v.write)}
}

func (c ioCount) max(v ioCount) ioCount {
	return ioCount{max(c.read, v.read), max(c.write, v.write)}
}

// parseIO reads /proc/PID/io.
func parseIO(b []byte) (c ioCount, ok bool) {
	var cancelled uint64
	found := 0
	for len(b) > 0 {
		var line []byte
		line, b = procfile.Line(b)
		key, rest := procfile.Field(line)
		v, _, good := procfile.Uint(rest)
		if !good {
			continue
		}
		switch string(key) {
		case "read_bytes:":
			c.read = v
			found++
		case "write_bytes:":
			c.write = v
			found++
		case "cancelled_write_bytes:":
			cancelled = v
			found++
		}
	}
	c.write = floorSub(c.write, cancelled)
	return c, found == 3
}

// statusLine returns what follows "key:" in /proc/PID/status.
func statusLine(b []byte, key string) ([]byte, bool) {
	for len(b) > 0 {
		var line []byte
		line, b = procfile.Line(b)
		if len(line) > len(key) && string(line[:len(key)]) == key && line[len(key)] == ':' {
			value := bytes.TrimLeft(line[len(key)+1:], " \t")
			return value, true
		}
	}
	return nil, false
}

// ignoresChildren reports whether SIGCHLD (17) is in the SigIgn mask of
// /proc/PID/status: such a process never reaps, the kernel does it.
func ignoresChildren(status []byte) bool {
	mask, ok := statusLine(status, "SigIgn")
	if !ok || len(mask) < 5 {
		return false
	}
	d := mask[len(mask)-5] // bits 16 to 19
	return d == '1' || d == '3' || d == '5' || d == '7' || d == '9' || d == 'b' || d == 'd' || d == 'f'
}
