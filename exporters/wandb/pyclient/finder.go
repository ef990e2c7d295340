package pyclient

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// Finder looks for the client's runs in one tree of processes. Its zero value
// finds nothing: Root or Mark is needed. One goroutine at a time may use it.
type Finder struct {
	Proc string // where procfs is; "" is /proc
	Root int    // process whose descendants count, itself included; 0: only Mark counts
	Mark string // environment entry NAME=VALUE that only processes of the tree have; "": only Root counts

	newest   int         // pid that was given last
	young    map[int]int // processes that may still become something, and how often they were looked at
	services []int
	python   int // first interpreter that was seen; 0: none
}

// How often, and after how many looks, a new process is looked at: it may be a
// copy of its parent that has not become its own program yet.
var looksAt = []int{0, 1, 4, 12}

// maxBirths is how many new processes are looked at one by one; beyond, all
// processes are listed.
const maxBirths = 4096

// Python says whether a Python interpreter was seen in the tree.
func (f *Finder) Python() bool { return f.python != 0 }

// Interpreter returns the process id of the first Python interpreter that was seen
// in the tree; 0 when there was none.
func (f *Finder) Interpreter() int { return f.python }

// Look returns the run directories whose logs the client's services in the tree
// have open now, those of the service that was found first before others.
func (f *Finder) Look() []*runlog.Dir {
	f.meet()
	var dirs []*runlog.Dir
	f.services = slices.DeleteFunc(f.services, func(pid int) bool {
		logs, err := f.openLogs(pid)
		dirs = append(dirs, logs...)
		return err != nil
	})
	return dirs
}

// Service says whether a service of the client was found that has not ended.
func (f *Finder) Service() bool { return len(f.services) > 0 }

// meet looks at the processes that were born since the last call.
func (f *Finder) meet() {
	newest, ok := f.newestPID()
	switch first := f.young == nil; {
	case first:
		f.young = map[int]int{}
		f.list()
	case !ok || newest < f.newest || newest-f.newest > maxBirths:
		f.list()
	default:
		for pid := f.newest + 1; pid <= newest; pid++ {
			f.young[pid] = 0
		}
	}
	f.newest = newest
	for pid, looks := range f.young {
		f.young[pid] = looks + 1
		if slices.Contains(looksAt, looks) && f.look(pid) || looks >= looksAt[len(looksAt)-1] {
			delete(f.young, pid)
		}
	}
}

// list takes all processes for new ones.
func (f *Finder) list() {
	entries, err := os.ReadDir(f.proc())
	if err != nil {
		return
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && !slices.Contains(f.services, pid) {
			f.young[pid] = 0
		}
	}
}

// newestPID is the newest process id of our namespace.
func (f *Finder) newestPID() (int, bool) {
	text, err := os.ReadFile(f.proc() + "/loadavg")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(text))
	if len(fields) != 5 {
		return 0, false
	}
	pid, err := strconv.Atoi(fields[4])
	return pid, err == nil
}

// look sees what a process is; done: it is known, or gone.
func (f *Finder) look(pid int) (done bool) {
	exe, err := os.Readlink(f.of(pid, "exe"))
	if os.IsNotExist(err) {
		return true
	}
	name := filepath.Base(exe)
	service := isService(name) || isService(f.comm(pid))
	python := strings.HasPrefix(name, "python") || strings.HasPrefix(name, "pypy")
	if !service && (!python || f.python != 0) || !f.inTree(pid) {
		return false
	}
	if service {
		f.services = append(f.services, pid)
		return true
	}
	f.python = pid
	return false // an old client's service is Python and takes its name later
}

// isService knows the names of the client's service: that of the program, and
// that which older ones give themselves.
func isService(name string) bool {
	return name == "wandb-core" || strings.HasPrefix(name, "wandb-service")
}

func (f *Finder) comm(pid int) string {
	text, _ := os.ReadFile(f.of(pid, "comm"))
	return strings.TrimSpace(string(text))
}

// inTree says whether a process belongs to the tree. Of several marks the last
// counts: an exec inside another one has a tree of its own.
func (f *Finder) inTree(pid int) bool {
	if f.Mark != "" {
		name, _, _ := strings.Cut(f.Mark, "=")
		environ, _ := os.ReadFile(f.of(pid, "environ"))
		last := ""
		for entry := range bytes.SplitSeq(environ, []byte{0}) {
			if bytes.HasPrefix(entry, []byte(name+"=")) {
				last = string(entry)
			}
		}
		if last != "" {
			return last == f.Mark
		}
	}
	for depth := 0; f.Root > 0 && pid > 1 && depth < 256; depth++ {
		if pid == f.Root {
			return true
		}
		pid = f.parent(pid)
	}
	return false
}

// parent returns the parent of a process; 0 if it is gone.
func (f *Finder) parent(pid int) int {
	text, err := os.ReadFile(f.of(pid, "stat"))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // the name may hold anything
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

// openLogs lists the run directories whose logs a process has open. The error
// says that it is gone.
func (f *Finder) openLogs(pid int) ([]*runlog.Dir, error) {
	entries, err := os.ReadDir(f.of(pid, "fd"))
	if err != nil || len(entries) == 0 { // an ended process that nobody has waited for has none
		return nil, os.ErrNotExist
	}
	var dirs []*runlog.Dir
	for _, e := range entries {
		path, err := os.Readlink(filepath.Join(f.of(pid, "fd"), e.Name()))
		if err != nil || !strings.HasSuffix(path, ".wandb") || !strings.Contains(filepath.Base(filepath.Dir(path)), "run-") {
			continue
		}
		if dir, err := runlog.OpenDir(path); err == nil {
			dirs = append(dirs, dir)
		}
	}
	return dirs, nil
}

// Writing says whether any process here has the log of a run directory open.
// The client takes no lock, so that this is the only way to know. Processes of others may not
// be visible.
func Writing(dir *runlog.Dir) bool {
	f := Finder{}
	want, err := os.Stat(dir.LogPath())
	if err != nil {
		return false
	}
	entries, _ := os.ReadDir(f.proc())
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || !isService(f.comm(pid)) {
			continue
		}
		open, _ := f.openLogs(pid)
		for _, d := range open {
			if have, err := os.Stat(d.LogPath()); err == nil && os.SameFile(have, want) {
				return true
			}
		}
	}
	return false
}

func (f *Finder) proc() string {
	if f.Proc == "" {
		return "/proc"
	}
	return f.Proc
}

func (f *Finder) of(pid int, file string) string {
	return f.proc() + "/" + strconv.Itoa(pid) + "/" + file
}
