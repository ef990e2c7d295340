package runapi

import (
	"errors"
	"strconv"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// minLogBytes is the smallest log that leaves room for something.
const minLogBytes = 64 << 10

var errMaxLogBytes = errors.New("want 0 or at least 65536 bytes")

func setMaxLogBytes(s *Settings, v string) (err error) {
	if s.MaxLogBytes, err = strconv.ParseInt(v, 10, 64); err != nil {
		return errMaxLogBytes
	}
	return nil
}

// boundLog makes the log smaller when it has reached its bound. Called with mu
// held.
func (r *Run) boundLog() {
	limit, size := r.set.MaxLogBytes, r.log.Size()
	if size >= r.wakeAt { // the upload must not wait for the next second
		r.wakeAt = size + limit/16
		r.link.Load().wake()
	}
	if size < max(r.trimAt, limit) {
		return
	}
	gone, err := r.trimLog(runlog.Trim{Limit: limit / 4 * 3, Goal: limit / 2})
	size = r.log.Size()
	r.trimAt, r.wakeAt = size+limit/8, size
	if err != nil {
		r.logError("run log not made smaller", err)
		return
	}
	if n := r.trimmed.Add(gone.Rows); n == gone.Rows && n > 0 {
		r.set.Logger.Error("rows are taken off the log before they were sent: the log has reached its bound", "run", r.set.ID, "rows", n, "bound", limit)
	}
}

// trimLog takes off what the server has, and the oldest of the rest if that
// does not make enough room.
func (r *Run) trimLog(t runlog.Trim) (runlog.Trimmed, error) {
	if rec := r.state.WholeSummary(); rec != nil { // what rows gave stands after they are gone
		if err := r.log.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: rec}}); err != nil {
			return runlog.Trimmed{}, err
		}
	}
	u := r.link.Load()
	if u == nil {
		return r.log.Trim(t)
	}
	up := u.sender()
	if up == nil { // it will begin with what the log has then
		return runlog.Trimmed{}, runlog.ErrNoTrim
	}
	return up.Trim(r.log, t)
}
