package runlog

import (
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Edit adds records to the log of a run that is over: before its end, where every
// reader takes them, and an upload that had sent all of it finds something new. A
// run that was not ended is repaired by the way. change is told what the run adds
// up to and returns what is to be added; nothing of it is written when change
// returns an error. While the writer is alive the error is ErrLocked.
//
// An edit that is cut off by a crash may be in the log in part; the log is ended
// by the next Edit or [Repair]. The state that Edit returns has the change.
func Edit(dir *Dir, change func(*State) ([]*wandbpb.Record, error)) (*State, error) {
	r := repair{dir: dir, state: NewState(), change: change}
	if err := r.run(); err != nil {
		return nil, err
	}
	return r.state, nil
}

// plan asks what is to be added.
func (r *repair) plan() (err error) {
	if r.change != nil {
		r.more, err = r.change(r.state)
	}
	return err
}

// add writes it.
func (r *repair) add() error {
	for _, rec := range r.more {
		if err := r.w.Write(rec); err != nil {
			return err
		}
		_ = r.state.Apply(rec) // one bad value does not spoil the rest
	}
	return nil
}
