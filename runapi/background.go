package runapi

import "time"

// tidyEvery is how often changed summary values and lines without an end are
// stored.
const tidyEvery = time.Second

// background stores what is kept back for a while. It ends when stop closes.
func (r *Run) background() {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-tick.C:
			r.tidy()
		}
	}
}

func (r *Run) tidy() {
	now := r.clock.Now()
	r.out.idle(now, int64(tidyEvery))
	r.err.idle(now, int64(tidyEvery))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return
	}
	if err := r.writeSummary(); err != nil {
		r.set.Logger.Warn("summary not stored", "run", r.set.ID, "error", err)
	}
}
