//go:build linux

package tree

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/internal/pidfd"
	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// Config says what to follow. The zero Config follows this very process.
type Config struct {
	Proc string // where procfs is mounted; default /proc
	Sys  string // where sysfs is mounted; default /sys
	PID  int    // root of the tree, as Proc numbers it; 0 is this process

	Every  time.Duration // fast source; default 1 s
	Medium time.Duration // I/O counters and full scan; default 10 s

	// MaxFDs bounds the descriptors kept open, up to three a member; members
	// beyond it are opened on each reading. 0 means a quarter of the soft
	// RLIMIT_NOFILE, at most 1024; negative keeps none.
	MaxFDs int

	// OrphanMarker is an environment entry, NAME=VALUE, that the root was
	// started with and that nothing outside its tree has. A process that was
	// adopted by init or by an ancestor of the root and carries it is a member.
	OrphanMarker string

	// CPULimit returns the CPU quota of the root's cgroup; nil or false is none.
	CPULimit func() (cpus float64, ok bool)

	Logger *slog.Logger // nil is silent
	Clock  sample.Clock // zero reads CLOCK_BOOTTIME
}

// ErrThread is returned by Open for a number that names a thread.
var ErrThread = errors.New("this is a thread, not a process")

// Tree follows a process and its descendants. Methods are safe for concurrent
// use. It opens no goroutine; Close releases its descriptors.
type Tree struct {
	cfg     Config
	rootPID int
	openNS  int64 // Clock time when following began
	tickNS  int64 // length of a clock tick
	page    uint64
	maxFDs  int
	exit    *pidfd.Handle // used under mu
	wake    chan struct{} // size one: the ends watch has something new

	mu      sync.Mutex // guards all below
	buf     procfile.Buffer
	openFDs int
	root    *member
	members []*member // parents before children
	byPID   map[int]*member
	ledger  ledger
	disc    discovery
	caps    capacity
	round   uint64
	ended   bool
	closed  bool
	ioErr   error // first refusal, logged once
	watchN  int

	setMu sync.RWMutex
	set   map[int]struct{}
}

// Open begins to follow cfg.PID: what its tree has used so far is the baseline
// and does not count. Errors name the file: a pid that does not exist is
// fs.ErrNotExist, a thread id is ErrThread.
func Open(cfg Config) (*Tree, error) {
	if cfg.PID < 0 {
		return nil, fmt.Errorf("follow process %d: not a process id", cfg.PID)
	}
	t := newTree(cfg)
	if err := t.openRoot(); err != nil {
		t.Close()
		return nil, fmt.Errorf("follow process %d: %w", t.rootPID, err)
	}
	if err := t.scan(); err != nil {
		t.Close()
		return nil, fmt.Errorf("follow process %d: %w", t.rootPID, err)
	}
	for _, m := range t.members {
		t.readMember(m)
		t.readIO(m)
		t.ledger.baseline.add(m.cur.total())
		t.ledger.ioBaseline.add(m.bytes)
	}
	t.caps.open(t)
	t.markWatched()
	return t, nil
}

func newTree(cfg Config) *Tree {
	if cfg.Proc == "" {
		cfg.Proc = "/proc"
	}
	if cfg.Sys == "" {
		cfg.Sys = "/sys"
	}
	if cfg.Every <= 0 {
		cfg.Every = time.Second
	}
	if cfg.Medium <= 0 {
		cfg.Medium = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	t := &Tree{
		cfg: cfg, rootPID: cfg.PID, openNS: cfg.Clock.Now(), maxFDs: fdBudget(cfg.MaxFDs),
		tickNS: int64(time.Second) / clockTicks(), page: uint64(os.Getpagesize()),
		wake: make(chan struct{}, 1), byPID: make(map[int]*member), set: make(map[int]struct{}),
	}
	return t
}

// openRoot holds the root process and makes it the first member.
func (t *Tree) openRoot() error {
	t.disc.open(t)
	if t.rootPID == 0 {
		t.rootPID = t.disc.self
	}
	var err error
	if t.exit, err = pidfd.Open(t.cfg.Proc, t.rootPID, !t.disc.ownNS); err != nil {
		return err
	}
	st, err := t.statOf(t.rootPID)
	if err != nil {
		return err
	}
	if st.thread {
		return ErrThread
	}
	if st.dead() {
		return fmt.Errorf("process has exited: %w", os.ErrProcessDone)
	}
	t.root = t.join(t.rootPID, st)
	t.disc.leader = st.session == t.rootPID
	t.disc.findAncestors(t, st.ppid)
	return nil
}

// statOf reads the stat file of any process once.
func (t *Tree) statOf(pid int) (stat, error) {
	path := t.cfg.Proc + "/" + strconv.Itoa(pid) + "/stat"
	f, err := procfile.Open(path)
	if err != nil {
		return stat{}, err
	}
	defer f.Close()
	b, err := f.ReadOnce(&t.buf)
	if err != nil {
		return stat{}, err
	}
	st, ok := parseStat(b)
	if !ok {
		return stat{}, fmt.Errorf("parse %s: %q", path, b[:min(len(b), 80)])
	}
	return st, nil
}

// Contains reports whether pid, as Config.Proc numbers it, is a living or
// unreaped member. It is at most one tick behind and does not wait for a tick.
func (t *Tree) Contains(pid int) bool {
	t.setMu.RLock()
	defer t.setMu.RUnlock()
	_, ok := t.set[pid]
	return ok
}

// publishSet makes the member list visible to Contains. Called under mu.
func (t *Tree) publishSet() {
	t.setMu.Lock()
	defer t.setMu.Unlock()
	clear(t.set)
	for _, m := range t.members {
		t.set[m.pid] = struct{}{}
	}
}

// Alive reports whether the root process has not exited.
func (t *Tree) Alive() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.ended && !t.closed && !t.exit.Exited()
}

// refresh brings the members and their figures up to date. Called under mu.
func (t *Tree) refresh() {
	if t.ended || t.closed {
		return
	}
	t.round++
	exited := t.exit.Exited()
	for _, m := range t.members { // before readAll: whoever is found gone here is settled with it
		if (m.watched || exited) && !m.gone {
			t.readIO(m)
		}
	}
	t.settle(t.readAll())
	if exited || t.root.gone || t.root.cur.dead() {
		t.finish()
		return
	}
	t.disc.discover(t)
	t.markWatched()
	t.total()
}

// finish fixes the last figures and lets go of every process: the root has
// exited, and with it what was followed.
func (t *Tree) finish() {
	t.total()
	t.ioTotal()
	t.ended = true
	t.release()
	t.wakeWatch()
}

func (t *Tree) release() {
	for _, m := range t.members {
		t.drop(m)
	}
	t.members = nil
	clear(t.byPID)
	t.disc.close()
	t.publishSet()
}

// Close lets go of all processes. Sources yield nothing afterwards.
func (t *Tree) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	t.closed = true
	t.release()
	if t.exit != nil {
		return t.exit.Close()
	}
	return nil
}

// Probe tells what process is followed.
func (t *Tree) Probe(f *sample.Facts) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	f.ProcessPID = t.rootPID
	if t.root != nil {
		f.ProcessStart = time.Now().Add(-time.Duration(t.ageNS(t.root, t.cfg.Clock.Now())))
	}
	if exe, err := os.Readlink(t.cfg.Proc + "/" + strconv.Itoa(t.rootPID) + "/exe"); err == nil {
		f.ProcessExe = exe
	}
	return nil
}
