package runapi

import (
	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
)

// Status says how a run fares, on its way to the disk, to the server and to
// each output. Offered = Sent + Dropped + Pending holds in every account.
type Status struct {
	Counters                      // of the run's log
	Upload   upload.Account       // of what the server gets; zero for a run that is kept
	Outputs  []agent.OutputStatus // of hardware samples: the run's log first, then Settings.Outputs
	Kept     error                // why an online run is not sent; nil when it is, or should not be
	Finished bool                 // Finish was called; the rest may still be on its way
}

// Synced says whether everything that was logged so far is where it should be:
// on disk and, for a run that is sent, at the server.
func (s *Status) Synced() bool {
	return s.Pending == 0 && s.Kept == nil && !s.Upload.Unsent() && s.Upload.PendingBytes == 0
}

// LastError is the newest trouble with the server, nil once a request succeeded,
// or why the run is kept.
func (s *Status) LastError() error {
	if s.Kept != nil {
		return s.Kept
	}
	return s.Upload.LastError
}

// Status returns the account as it is now, also after Finish. It waits for
// nothing but a Log that is being written.
func (r *Run) Status() Status {
	if r == nil || r.off {
		return Status{}
	}
	s := Status{Counters: r.Counters(), Upload: r.Upload(), Kept: r.kept}
	r.mu.Lock()
	s.Finished = r.finished
	r.mu.Unlock()
	if r.hw != nil {
		st := r.hw.agent.Status()
		s.Outputs = append(st.Outputs, st.Past...)
	}
	return s
}
