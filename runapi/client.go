package runapi

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/pyclient"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
)

// How a run that follows processes waits for the official client in them before
// it is made at the server: the first client says whose run it is.
const (
	clientEvery = 100 * time.Millisecond // between looks while sending waits
	clientRest  = time.Second            // between looks after that
	clientCalm  = 3 * time.Second        // a tree without Python has none
	clientWait  = 2 * time.Minute        // for one with Python
)

// errClientOffline is why a run is kept whose client keeps it.
var errClientOffline = errors.New("the W&B client in the program is offline")

// defaultLabel tells what we measure from what another client of the run does.
const defaultLabel = "agent"

// awaitsClient says whether sending has to wait for a client. A run that was begun
// at the server, that has its client, or about which the server must be asked does not.
func (r *Run) awaitsClient() bool {
	if !r.set.FollowClient || r.set.mustAsk() {
		return false
	}
	if c := r.dir.Client(); c != nil { // an earlier process has met it
		return c.Online && c.Project == ""
	}
	_, err := os.Stat(upload.PositionPath(r.dir))
	return errors.Is(err, os.ErrNotExist)
}

// followClient looks for the official client in the processes that are followed,
// and goes with the first one until Finish.
func (r *Run) followClient() {
	f := r.newFollower()
	defer f.close()
	tick := time.NewTicker(clientEvery)
	defer tick.Stop()
	for pace := clientEvery; ; {
		f.step()
		if next := f.pace(); next != pace {
			pace = next
			tick.Reset(pace)
		}
		select {
		case <-r.stop:
			f.step()
			f.deps.finish(r, f.dir != nil)
			return
		case <-tick.C:
		}
	}
}

// follower is how far a run has come with its client. One goroutine owns it.
type follower struct {
	run    *Run
	find   pyclient.Finder
	begun  time.Time
	dir    *runlog.Dir // of the client; nil: none was met
	done   bool        // the client's run is known, or this one goes on alone
	late   bool        // it has our id, and the server had our run before
	warned bool
	said   consoleTail
	deps   pythonDeps
}

func (r *Run) newFollower() *follower {
	f := &follower{
		run: r, find: pyclient.Finder{Root: r.set.PID, Mark: r.set.OrphanMarker}, begun: time.Now(),
		said: consoleTail{dir: r.dir},
	}
	if f.dir = r.dir.ClientDir(); f.dir != nil {
		f.done = r.dir.Client().Project != "" || !r.dir.Client().Online
	}
	return f
}

// pace is the time until the next look.
func (f *follower) pace() time.Duration {
	if f.done {
		return clientRest
	}
	return clientEvery
}

func (f *follower) close() {
	f.said.close()
}

// step looks once.
func (f *follower) step() {
	if f.dir == nil {
		f.meet()
		f.deps.look(f.find.Interpreter())
	}
	if f.dir == nil {
		return
	}
	if !f.done {
		f.done = f.settle()
	}
}

// meet looks for the client, and gives up waiting for it some time.
func (f *follower) meet() {
	r := f.run
	for _, dir := range f.find.Look() {
		if around := dir.Around(); around != nil && around.Path != r.dir.Path {
			continue // it belongs to another exec
		}
		u := r.link.Load()
		c := r.clientOf(dir)
		if u != nil && u.sender() != nil { // the server has our run
			if c.Online && dir.RunID == r.set.ID {
				f.dir, f.done, f.late = dir, false, true
			} else {
				f.tooLate(dir)
			}
			return
		}
		if err := r.dir.Follow(dir, c); err != nil {
			r.logError("run not made one with that of the client", err)
			return
		}
		if u != nil {
			u.pause()
		}
		f.dir, f.done = dir, false
		return
	}
	if !f.done && f.waited() {
		f.done = true
		r.stopWaiting()
	}
}

// tooLate says once that a client has a run of its own.
func (f *follower) tooLate(dir *runlog.Dir) {
	if !f.warned {
		f.run.set.Logger.Warn("a W&B client began a run of its own: this one was sent already", "run", f.run.set.ID, "client", dir.RunID)
	}
	f.warned, f.done = true, true
}

// clientOf is what a client's directory says without its log.
func (r *Run) clientOf(dir *runlog.Dir) runlog.Client {
	return runlog.Client{
		RunID: dir.RunID, Online: strings.HasPrefix(filepath.Base(dir.Path), "run-"),
		Label: cmp.Or(r.set.Label, defaultLabel), Console: r.set.RunDir != nil,
	}
}

// waited says that no client is waited for any longer.
func (f *follower) waited() bool {
	d := time.Since(f.begun)
	if d >= clientWait || !f.find.Python() && d >= clientCalm {
		return true
	}
	parts, _ := f.run.dir.Parts() // a program with a run of this package is no Python
	for name := range parts {
		if strings.HasPrefix(name, programPart) {
			return true
		}
	}
	return false
}

// settle begins to send the run as one of the client's writers once it is known
// where that one's run is. The client's log says so, but is written in blocks of 32 KiB;
// what it prints comes sooner.
func (f *follower) settle() bool {
	r := f.run
	c := r.clientOf(f.dir)
	if !c.Online {
		if u := r.link.Load(); u != nil {
			u.keep(errClientOffline)
		}
		return true
	}
	if said := firstRunRecord(f.dir.LogPath()); said != nil {
		c.Entity, c.Project = said.GetEntity(), said.GetProject()
	}
	if entity, project, ok := f.said.find(c.RunID); ok {
		c.Entity, c.Project = entity, project
	}
	if c.Project == "" {
		return false
	}
	u := r.link.Load()
	if f.late && u != nil {
		if at := u.identity(); at.Project == "" {
			return false
		} else if at.Project != c.Project || at.Entity != cmp.Or(c.Entity, at.Entity) {
			f.tooLate(f.dir)
			return true
		}
		c.Late = true
		u.pause()
	}
	if err := r.dir.Follow(f.dir, c); err != nil {
		r.logError("run not made one with that of the client", err)
		return false
	}
	r.sendBeside()
	return true
}

// sendBeside sends the run as one of several writers.
func (r *Run) sendBeside() {
	u := r.link.Load()
	if u == nil || u.sender() != nil {
		return
	}
	client := r.client
	if c := r.dir.Client(); !c.Late {
		var err error
		if client, err = r.connect(true); err != nil {
			u.keep(err)
			return
		}
	}
	r.logError("run cannot be sent", r.beginUplink(u, client))
}

// stopWaiting sends the run, if it was not sent yet: as one of its own, unless it
// has a client.
func (r *Run) stopWaiting() {
	u := r.link.Load()
	if u == nil || u.sender() != nil {
		return
	}
	select {
	case <-u.ended:
		return
	default:
	}
	if r.dir.Client() != nil {
		r.sendBeside()
		return
	}
	r.logError("run cannot be sent", r.beginUplink(u, r.client))
}
