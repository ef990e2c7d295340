package runapi

import (
	"strings"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/pydeps"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// requirementsFile is what servers call the Python packages of a run.
const requirementsFile = "requirements.txt"

// depsWait is how long Finish waits for the packages of a program that has just
// begun.
const depsWait = 2 * time.Second

// pythonDeps are the packages of the Python program that is followed. One goroutine
// owns it.
type pythonDeps struct {
	looked bool
	list   chan []string // has the packages once they are read; nil: no Python was seen
}

// look begins to read the packages of an interpreter, the first that was seen: 0 is
// none. They are read beside: directories of packages may be slow.
func (d *pythonDeps) look(pid int) {
	if d.looked || pid == 0 {
		return
	}
	d.looked = true
	process, err := pydeps.Look("", pid)
	if err != nil {
		return // it has ended
	}
	list := make(chan []string, 1)
	d.list = list
	go func() { list <- pydeps.Requirements(process.Sites()) }() // ends when the directories are read
}

// finish stores the packages, unless the official client in the program does.
func (d *pythonDeps) finish(r *Run, hasClient bool) {
	if d.list == nil || hasClient || r.set.DisableMeta || r.set.Secondary {
		return
	}
	select {
	case list := <-d.list:
		r.logError("packages of Python not stored", r.storeRequirements(list))
	case <-time.After(depsWait):
		r.set.Logger.Warn("packages of Python not stored: their directories are slow", "run", r.set.ID)
	}
}

func (r *Run) storeRequirements(list []string) error {
	if len(list) == 0 {
		return nil
	}
	text := r.mask.Known(strings.Join(list, "\n") + "\n")
	if err := r.writeFile(requirementsFile, []byte(text)); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.announce(wandbpb.FilesItem_NOW, requirementsFile)
}
