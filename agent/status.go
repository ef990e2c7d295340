package agent

import (
	"time"

	"github.com/wandb-agent/wandb-agent/agent/internal/ring"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// maxPast is how many ended outputs Status remembers.
const maxPast = 64

// Status is the account of an agent at one moment.
type Status struct {
	Running bool
	Uptime  time.Duration // since Run began; 0 before
	Sources []SourceStatus
	Outputs []OutputStatus
	Past    []OutputStatus // outputs that were drained, the newest 64
	Series  int            // slots of the schema in use or waiting for reuse
	Refused uint64         // series refused at the ceiling
	// HardwareFill and RowsFill are the parts of the ring's lanes that hold
	// frames, 0 to 1. A lane that was once full stays near 1.
	HardwareFill, RowsFill float64
	Unknown                uint64 // frames appended for a source that is none
	Abandoned              uint64 // sources and outputs that did not end in time
}

// SourceStatus is the account of one source. Ticks + Missed is the number of
// ticks that were due, apart from those that fell into a gap.
type SourceStatus struct {
	Name         string
	Run          sample.RunID
	Every        time.Duration
	Ticks        uint64        // samples tried
	Missed       uint64        // ticks without one: still collecting, late, or benched
	Errors       uint64        // samples that failed, panics included
	Panics       uint64        // of those, panics
	LastErr      string        // why the last sample failed; "" if it did not
	Benched      bool          // failing, and asked less often
	Stuck        bool          // one Collect has missed more than ten ticks
	LastDuration time.Duration // of the last sample
	LastOK       time.Time     // wall time of the last good sample; zero if none
}

// OutputStatus is the account of one output in frames. At every moment
// Offered = Sent + Dropped + Pending.
type OutputStatus struct {
	Name          string
	Offered       uint64    // frames appended that the output selects
	Sent          uint64    // confirmed by the receiver
	Dropped       uint64    // refused, lost, or left when the output ended
	Lost          uint64    // part of Dropped: overwritten in the ring before they were sent
	Pending       uint64    // not yet sent
	EventsDropped uint64    // events pushed out by newer ones
	Exports       uint64    // calls of Export that returned
	Failed        uint64    // of those, with an error
	LastErr       string    // of the last Export; "" if it succeeded
	LastOK        time.Time // wall time of the last Export that succeeded; zero if none
}

// Status returns the account as it is now.
func (a *Agent) Status() Status {
	st := Status{
		Series:       a.schema.Len(),
		Refused:      a.schema.Refused(),
		HardwareFill: a.ring.Fill(ring.Hardware),
		RowsFill:     a.ring.Fill(ring.Rows),
		Unknown:      a.unknown.Load(),
		Abandoned:    a.abandoned.Load(),
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	st.Running = a.phase == running
	if a.phase != idle {
		st.Uptime = time.Duration(a.clock.Now() - a.started)
	}
	for _, s := range a.sources {
		st.Sources = append(st.Sources, s.status())
	}
	for _, o := range a.outputs {
		st.Outputs = append(st.Outputs, o.status())
	}
	st.Past = append(st.Past, a.past...)
	return st
}

func (s *source) status() SourceStatus {
	st := s.snapshot()
	return SourceStatus{
		Name: s.Name, Run: s.Run, Every: s.Every,
		Ticks: st.ticks, Missed: st.missed, Errors: st.errs, Panics: st.panics,
		LastErr: text(st.lastErr), Benched: st.benched, Stuck: st.stuck,
		LastDuration: st.took, LastOK: s.agent.wallTime(st.lastOK),
	}
}

func (o *output) status() OutputStatus {
	n := o.cursor.Counts()
	o.mu.Lock()
	defer o.mu.Unlock()
	return OutputStatus{
		Name: o.Name, Offered: n.Offered, Sent: n.Sent, Dropped: n.Dropped, Lost: n.Lost, Pending: n.Pending,
		EventsDropped: o.events.dropped, Exports: o.last.exports, Failed: o.last.failed,
		LastErr: text(o.last.err), LastOK: o.agent.wallTime(o.last.ok),
	}
}

// wallTime turns a Clock time into the host's wall time; 0 is the zero Time.
func (a *Agent) wallTime(t int64) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return a.host.Load().Wall(t)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
