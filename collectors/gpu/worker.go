package gpu

import (
	"log/slog"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// probeEvery is how often a GPU that was lost is looked for.
const probeEvery = time.Minute

// worker asks one GPU. It lives in one goroutine, from the library's
// initialisation until its stop channel closes, and a driver call that hangs
// holds this goroutine and nothing else.
type worker struct {
	slot     *deviceSlot
	lib      library
	reader   reader
	clock    sample.Clock
	log      *slog.Logger
	finished chan<- struct{}                // woken after each tick
	gone     chan<- code                    // the library as a whole failed
	event    func(sample.EventKind, string) // never blocks
	health   health
	probed   int64 // Clock time of the last look for a GPU that is not fine
}

func (w *worker) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			w.slot.leave()
			wake(w.finished)
			return
		case tick := <-w.slot.work:
			w.tick(tick)
		}
	}
}

// tick reads the GPU, or looks for it, and publishes the outcome.
func (w *worker) tick(tick uint64) {
	start := w.clock.Now()
	if w.health == fine || w.find(start) {
		w.note(w.reader.read(start), start)
	}
	w.slot.publish(tick, &w.reader, time.Duration(w.clock.Now()-start), w.health)
	wake(w.finished)
}

// note draws the consequences of a verdict.
func (w *worker) note(v verdict, now int64) {
	switch v {
	case healthy:
		return
	case libraryGone:
		w.reader.out.has = 0
		select {
		case w.gone <- w.reader.cause:
		default:
		}
	case staleHandle:
		if dev, c := w.lib.ByUUID(w.slot.facts.UUID); c == ok {
			w.reader.dev = dev
			return
		}
		w.turn(failed, now)
	case lost:
		w.turn(failed, now)
	case needsReset:
		w.turn(degraded, now)
	}
}

// turn marks the GPU as failed or degraded. Nothing is asked of it any more
// but, once a minute, whether it is back.
func (w *worker) turn(to health, now int64) {
	w.probed = now
	if w.health == to {
		return
	}
	w.health = to
	w.log.Warn("gpu does not answer", "gpu", w.slot.name, "state", healthStates[to], "answer", w.reader.cause.Error())
	w.event(sample.EventDeviceLost, w.slot.name+" ("+w.slot.facts.UUID+"): "+w.reader.cause.Error())
}

// find looks for a GPU that was lost, at most once a minute, and reports
// whether it answers again.
func (w *worker) find(now int64) bool {
	if now-w.probed < int64(probeEvery) {
		return false
	}
	w.probed = now
	dev, c := w.lib.ByUUID(w.slot.facts.UUID)
	if c != ok {
		return false
	}
	if _, _, c := dev.Utilization(); c.class() == classLost || c.class() == classReset {
		return false
	}
	errors := w.reader.errors
	w.reader = reader{dev: dev, log: w.log, errors: errors}
	w.health = fine
	w.log.Info("gpu answers again", "gpu", w.slot.name)
	w.event(sample.EventDeviceBack, w.slot.name+" ("+w.slot.facts.UUID+") answers again")
	return true
}

// wake makes a waiting receiver look again; the state is elsewhere.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
