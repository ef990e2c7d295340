package sample

import "errors"

// ErrChanged is returned by a collector whose set of series changed: the agent
// calls Describe again and discards what the failed Collect put.
var ErrChanged = errors.New("set of series changed")

// NoStep is the Step of frames that do not belong to a training step.
const NoStep int64 = -1

// Frame is one reading of many series at one time. Refs and Vals have equal
// length. A frame handed to a collector or in a batch belongs to the caller
// and is reused: copy what must be kept.
type Frame struct {
	Seq    uint64    // position in the agent's ring, from 1; set by the ring
	Source SourceID  // who collected it
	Step   int64     // training step, or NoStep
	Time   int64     // Clock time (CLOCK_BOOTTIME, ns) of the reading
	Refs   []Ref     // which series
	Vals   []float64 // and their values
}

// Put adds a reading. A value that could not be measured is simply not put.
func (f *Frame) Put(ref Ref, v float64) {
	f.Refs = append(f.Refs, ref)
	f.Vals = append(f.Vals, v)
}

// Reset empties the frame and keeps its memory, source and capacity.
func (f *Frame) Reset() {
	f.Seq, f.Step, f.Time = 0, NoStep, 0
	f.Refs, f.Vals = f.Refs[:0], f.Vals[:0]
}

// EventKind says what an Event is about.
type EventKind uint8

const (
	// EventGap is a hole in the timeline: suspend, or a stopped agent.
	EventGap EventKind = iota + 1
	// EventClockStep is a step of the wall clock.
	EventClockStep
	// EventXID is an NVIDIA XID error.
	EventXID
	// EventDeviceLost is a device that stopped answering.
	EventDeviceLost
	// EventDeviceBack is a lost device that answers again.
	EventDeviceBack
	// EventSeriesEnded is the end of a process or device with its series.
	EventSeriesEnded
	// EventCollector is a collector benched, stuck or back.
	EventCollector
)

// String returns the kind as it stands in logs and exports.
func (k EventKind) String() string {
	names := [...]string{"unknown", "gap", "clock_step", "xid", "device_lost", "device_back", "series_ended", "collector"}
	if int(k) >= len(names) {
		return names[0]
	}
	return names[k]
}

// Event is something that happened at a time, in words.
type Event struct {
	Time   int64    // Clock time, ns
	Source SourceID // who saw it
	Run    RunID    // "" for the host
	Kind   EventKind
	Text   string // for people: "no samples for 3m0s: suspend"
}

// Batch is what an exporter is handed: frames in order of Seq and the events
// of the same stretch. All of it belongs to the caller and is reused after
// Export returns.
type Batch struct {
	Schema *Schema // tells what the Refs of Frames mean
	Facts  *Facts  // static facts known so far; never nil, do not change
	Clock  Clock   // turns Time into wall time
	Events []Event // in order of their appearance
	Frames []Frame // in order of Seq
}
