//go:build linux

package tree

import (
	"cmp"
	"errors"
	"strconv"
	"syscall"

	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// member is one process of the tree. Guarded by Tree.mu.
type member struct {
	pid   int
	stat  keptFile
	statm keptFile
	io    keptFile
	cur   stat    // newest reading
	seen  usage   // part of cur.reaped that is explained
	bytes ioCount // newest reading of io

	resident  uint64 // pages
	gone      bool   // vanished; settle decides where its usage went
	noMemory  bool   // statm could not be read this time
	noIO      bool   // io could not be read, ever or this time
	ignores   bool   // ignores SIGCHLD: its children are reaped by the kernel
	lost      bool   // a child of it vanished without being added to it
	asked     uint64 // round in which ignores was last looked up
	watched   bool   // nobody in the tree will reap it
	watchAtNS int64  // when the ends watch reads it next; 0 never
}

// keptFile is a /proc/PID file that stays open while the budget lasts.
type keptFile struct {
	path string
	f    *procfile.File
}

func newMember(proc string, pid int, st stat) *member {
	dir := proc + "/" + strconv.Itoa(pid)
	return &member{
		pid:   pid,
		stat:  keptFile{path: dir + "/stat"},
		statm: keptFile{path: dir + "/statm"},
		io:    keptFile{path: dir + "/io"},
		cur:   st,
		seen:  st.reaped,
	}
}

// errGone says that the process a file belonged to was reaped.
var errGone = errors.New("process was reaped")

// vanished reports whether err means that the process is no more: ESRCH from a
// kept descriptor, ENOENT from a path.
func vanished(err error) bool {
	return errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.ENOENT) || errors.Is(err, errGone)
}

// readFile reads through the kept descriptor, takes one if the budget allows,
// else opens and closes.
func (t *Tree) readFile(k *keptFile) ([]byte, error) {
	if k.f != nil {
		return k.f.ReadOnce(&t.buf)
	}
	f, err := procfile.Open(k.path)
	if err != nil {
		return nil, err
	}
	if t.openFDs < t.maxFDs {
		k.f = f
		t.openFDs++
		return f.ReadOnce(&t.buf)
	}
	defer f.Close()
	return f.ReadOnce(&t.buf)
}

func (t *Tree) closeFile(k *keptFile) {
	if k.f != nil {
		k.f.Close()
		k.f = nil
		t.openFDs--
	}
}

// readMember takes a new reading of m: statm first, because the start time in
// the stat that follows proves both were of the same process. A file that
// cannot be read for another reason than the end of the process (EMFILE)
// leaves the last counters standing.
func (t *Tree) readMember(m *member) {
	m.noMemory = true
	var pages uint64
	b, err := t.readFile(&m.statm)
	if err == nil {
		if v, ok := parseStatm(b); ok {
			pages, m.noMemory = v, false
		}
	}
	if t.readStat(m) {
		m.resident = pages
	}
}

// readStat takes the counters of m and reports whether it is still there.
func (t *Tree) readStat(m *member) bool {
	st, ok := t.nextStat(m)
	for try := 0; ok && st.released() && st.ppid != 0 && try < maxReleasing; try++ {
		st, ok = t.nextStat(m)
	}
	if !ok {
		return false
	}
	if st.released() {
		m.gone = true
		return false
	}
	m.cur = st
	return true
}

// maxReleasing bounds how often a process in state X is read again. It is in
// that state from just before its parent is given its figures until its files
// fail; it has no parent any more (ppid 0) only after that. The stretch takes
// the kernel about a microsecond, each reading three.
const maxReleasing = 64

// nextStat reads the stat file of m and notes when it is gone.
func (t *Tree) nextStat(m *member) (stat, bool) {
	b, err := t.readFile(&m.stat)
	if err != nil {
		m.gone = m.gone || vanished(err)
		m.noMemory = true
		return m.cur, !m.gone
	}
	st, ok := parseStat(b)
	if ok && st.start != m.cur.start {
		m.gone = true
		return stat{}, false
	}
	return st, ok
}

// readIO takes the I/O counters of m. They need the permission to trace it
// (ptrace(2), PTRACE_MODE_READ). Where the descriptor is not kept, the stat
// read afterwards proves whose counters they were.
func (t *Tree) readIO(m *member) {
	b, err := t.readFile(&m.io)
	if err != nil {
		if t.readStat(m) {
			m.noIO = true
			t.ioErr = cmp.Or(t.ioErr, err)
		}
		return
	}
	c, ok := parseIO(b)
	if ok && m.io.f == nil && !t.readStat(m) {
		return
	}
	if ok {
		m.bytes, m.noIO = c, false
	}
}

// ageNS is how long ago m began.
func (t *Tree) ageNS(m *member, now int64) int64 {
	return now - int64(m.cur.start)*t.tickNS
}

// drop releases what m holds.
func (t *Tree) drop(m *member) {
	t.closeFile(&m.stat)
	t.closeFile(&m.statm)
	t.closeFile(&m.io)
}
