//go:build linux

package tree

import (
	"bytes"
	"os"
	"strconv"

	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// maxProbe is how many new pids a tick looks at one by one (2 to 5 µs each).
const maxProbe = 512

// discovery finds new members. The newest pid in /proc/loadavg moves with every
// task created in the reader's pid namespace, so an unchanged number means that
// nobody was born (kernel fs/proc/loadavg.c).
type discovery struct {
	ownNS     bool           // Config.Proc shows the pid namespace we live in
	self      int            // our own pid as Config.Proc numbers it
	leader    bool           // the root leads its session: SID is an anchor
	gate      *procfile.File // loadavg
	newest    int            // newest pid when last looked
	scanned   int            // newest pid at the last full scan
	overflow  bool           // births were skipped since the last full scan
	noLists   bool           // kernel without children files
	ancestors map[int]struct{}
	cands     []candidate
}

// candidate is a process that may belong to the tree.
type candidate struct {
	pid int
	stat
}

func (d *discovery) open(t *Tree) {
	if link, err := os.Readlink(t.cfg.Proc + "/self"); err == nil {
		d.self, _ = strconv.Atoi(link)
	}
	d.ownNS = d.self == os.Getpid()
	if d.gate, _ = procfile.Open(t.cfg.Proc + "/loadavg"); d.gate != nil {
		d.newest, _ = d.readGate(t)
	}
}

func (d *discovery) close() { d.gate.Close() }

// readGate returns the newest pid; false where it says nothing about the tree.
func (d *discovery) readGate(t *Tree) (int, bool) {
	if !d.ownNS || d.gate == nil {
		return 0, false
	}
	b, err := d.gate.ReadOnce(&t.buf)
	if err != nil {
		return 0, false
	}
	b = bytes.TrimRight(b, "\n")
	v, _, ok := procfile.Uint(b[bytes.LastIndexByte(b, ' ')+1:])
	return int(v), ok
}

// discover looks for members born since the last call.
func (d *discovery) discover(t *Tree) {
	newest, ok := d.readGate(t)
	switch {
	case ok && newest == d.newest:
		return
	case ok && newest > d.newest && newest-d.newest <= maxProbe:
		t.probe(d.newest+1, newest)
	default: // another namespace, numbers wrapped, or too many births
		d.overflow = true
		t.walkChildren()
	}
	d.newest = newest
}

// probe looks at each pid from lo to hi.
func (t *Tree) probe(lo, hi int) {
	t.disc.cands = t.disc.cands[:0]
	for pid := lo; pid <= hi; pid++ {
		t.consider(pid)
	}
	t.adopt()
}

// consider notes pid as a candidate unless it is known, gone, or a thread.
func (t *Tree) consider(pid int) {
	if t.byPID[pid] != nil {
		return
	}
	st, err := t.statOf(pid)
	if err == nil && !st.thread && !st.released() && st.start >= t.root.cur.start {
		t.disc.cands = append(t.disc.cands, candidate{pid, st})
	}
}

// scan looks at every process.
func (t *Tree) scan() error {
	dir, err := os.Open(t.cfg.Proc)
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	newest, _ := t.disc.readGate(t)
	t.disc.cands = t.disc.cands[:0]
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			t.consider(pid)
		}
	}
	t.adopt()
	t.disc.scanned, t.disc.overflow = newest, false
	return nil
}

// scanIfDue scans when something was born since the last scan, which catches
// what the cheap ways missed.
func (t *Tree) scanIfDue() error {
	newest, ok := t.disc.readGate(t)
	if ok && newest == t.disc.scanned && !t.disc.overflow {
		return nil
	}
	return t.scan()
}

// adopt joins the candidates that belong to the tree, and those that belong to
// it through one that just joined.
func (t *Tree) adopt() {
	joined := false
	for again := true; again; {
		again = false
		rest := t.disc.cands[:0]
		for _, c := range t.disc.cands {
			if t.belongs(c) {
				t.join(c.pid, c.stat)
				again, joined = true, true
				continue
			}
			rest = append(rest, c)
		}
		t.disc.cands = rest
	}
	if joined {
		t.publishSet()
	}
}

func (t *Tree) belongs(c candidate) bool {
	if p := t.byPID[c.ppid]; p != nil {
		return c.start >= p.cur.start
	}
	if t.disc.leader && c.session == t.rootPID {
		return true
	}
	if _, adopted := t.disc.ancestors[c.ppid]; !adopted || t.cfg.OrphanMarker == "" {
		return false
	}
	return t.marked(c.pid)
}

// join makes a process a member. One that began before following did brings
// the past with it, which is baseline.
func (t *Tree) join(pid int, st stat) *member {
	m := newMember(t.cfg.Proc, pid, st)
	t.members = append(t.members, m)
	t.byPID[pid] = m
	if t.root == nil {
		t.publishSet()
		return m
	}
	if p := t.byPID[st.ppid]; p != nil {
		t.askIgnores(p)
	}
	if t.caps.opened {
		t.readMember(m)
		t.readIO(m)
		if int64(st.start+1)*t.tickNS < t.openNS {
			t.ledger.baseline.add(m.cur.total())
			t.ledger.ioBaseline.add(m.bytes)
		}
	}
	return m
}

// findAncestors lists who may adopt orphans of the tree: init, and any
// ancestor of the root that is a subreaper (prctl(2), PR_SET_CHILD_SUBREAPER).
func (d *discovery) findAncestors(t *Tree, ppid int) {
	d.ancestors = map[int]struct{}{1: {}}
	for pid := ppid; pid > 1; {
		d.ancestors[pid] = struct{}{}
		st, err := t.statOf(pid)
		if err != nil || st.ppid == pid {
			return
		}
		pid = st.ppid
	}
}

// walkChildren looks at the children files of the members' leading threads. It
// misses children of other threads: the full scan finds those.
func (t *Tree) walkChildren() {
	if t.disc.noLists {
		return
	}
	for i := 0; i < len(t.members); i++ {
		pid := strconv.Itoa(t.members[i].pid)
		b, err := os.ReadFile(t.cfg.Proc + "/" + pid + "/task/" + pid + "/children")
		if err != nil {
			t.disc.noLists = i == 0 && vanished(err)
			continue
		}
		t.disc.cands = t.disc.cands[:0]
		for v, rest, ok := procfile.Uint(b); ok; v, rest, ok = procfile.Uint(rest) {
			t.consider(int(v))
		}
		t.adopt()
	}
}

// marked reports whether the process began with the marker in its environment.
// The environment holds secrets: it is compared here and wiped.
func (t *Tree) marked(pid int) bool {
	env, err := os.ReadFile(t.cfg.Proc + "/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	defer clear(env)
	for entry := range bytes.SplitSeq(env, []byte{0}) {
		if string(entry) == t.cfg.OrphanMarker {
			return true
		}
	}
	return false
}
