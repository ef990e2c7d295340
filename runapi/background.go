package runapi

import "time"

// tidyEvery is how often changed summary values and lines without an end are
// stored.
const tidyEvery = time.Second

// background stores what is kept back for a while. It ends when stop closes.
func (r *Run) background() {
	tick, files := time.NewTicker(tidyEvery), time.NewTicker(restageEvery)
	defer tick.Stop()
	defer files.Stop()
	looked, look := 0, !r.set.inside
	for {
		select {
		case <-r.stop:
			return
		case <-tick.C:
			r.tidy()
			r.lookForStop()
			r.link.Load().wake()
		case <-files.C:
			r.logError("saved files not renewed", r.restage(false))
			r.logNewMedia(false)
			if look {
				look = r.findFramework(looked)
				looked++
			}
		}
	}
}

// logError warns of an error that nobody else hears of; nil is none.
func (r *Run) logError(what string, err error) {
	if err != nil {
		r.set.Logger.Warn(what, "run", r.set.ID, "error", err)
	}
}

func (r *Run) tidy() {
	defer r.tellSummary()
	now := r.clock.Now()
	r.out.idle(now, int64(tidyEvery))
	r.err.idle(now, int64(tidyEvery))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return
	}
	if r.set.RunDir != nil && !r.set.inside {
		r.adopt()
	}
	r.logError("summary not stored", r.writeSummary())
	if r.set.MaxLogBytes > 0 {
		r.boundLog() // samples and console text have made it grow too
	}
}
