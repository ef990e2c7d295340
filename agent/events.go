package agent

import "github.com/wandb-agent/wandb-agent/agent/sample"

// maxEvents is how many events wait for one output at most.
const maxEvents = 1024

// eventList keeps the events an output has not delivered. The zero list is
// empty. It is guarded by the lock of its output.
type eventList struct {
	waiting []sample.Event
	handed  int    // of waiting, how many are in the batch under way
	dropped uint64 // pushed out by newer ones
}

// add appends e and gives up the oldest event of a full list.
func (l *eventList) add(e sample.Event) {
	if len(l.waiting) == maxEvents {
		copy(l.waiting, l.waiting[1:])
		l.waiting = l.waiting[:maxEvents-1]
		if l.handed--; l.handed < 0 {
			l.handed = 0
			l.dropped++
		}
	}
	l.waiting = append(l.waiting, e)
}

// appendTo hands out all that wait.
func (l *eventList) appendTo(dst []sample.Event) []sample.Event {
	l.handed = len(l.waiting)
	return append(dst, l.waiting...)
}

// settle forgets the events handed out last.
func (l *eventList) settle(delivered bool) {
	if !delivered {
		l.dropped += uint64(l.handed)
	}
	l.waiting = append(l.waiting[:0], l.waiting[l.handed:]...)
	l.handed = 0
}

// Emit hands an event to the outputs that select its run; a gap and a step of
// the wall clock concern every output. A Time of 0 means now. Emit never
// blocks: of more than 1,024 events waiting for an output the oldest are
// dropped and counted.
func (a *Agent) Emit(e sample.Event) {
	if e.Time == 0 {
		e.Time = a.clock.Now()
	}
	everyone := e.Kind == sample.EventGap || e.Kind == sample.EventClockStep
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.outputs {
		if everyone || o.Select.matches(e.Run, false) {
			o.mu.Lock()
			o.events.add(e)
			o.mu.Unlock()
		}
	}
}
