package keeper

import (
	"sync"
	"time"
)

// relay moves all streams of a command to ours and to the log. The keeper has
// one; a worker makes one when its keeper is gone.
type relay struct {
	outs   [2]*output
	pumps  []*pump
	logger *logger
	wg     sync.WaitGroup // of the pumps
}

func newRelay(consoles []*console, outs [2]*output, to Console, q *queue, hangUp func(*console)) *relay {
	r := &relay{outs: outs, logger: newLogger(q, to)}
	for _, c := range consoles {
		out := outs[0]
		if c.stderr {
			out = outs[1]
		}
		r.pumps = append(r.pumps, &pump{from: c, to: out, q: q, hangUp: hangUp})
	}
	return r
}

// start starts what finish waits for.
func (r *relay) start() {
	go r.logger.run()
	for _, p := range r.pumps {
		r.wg.Go(p.run)
	}
}

// drain returns when every stream has ended, or the grace is over and what the
// pipes held then has been passed on. The command has ended.
func (r *relay) drain() {
	for _, p := range r.pumps {
		p.stop()
	}
	r.wg.Wait()
}

// finish waits for the log, for at most patience. Call it after drain.
func (r *relay) finish(patience time.Duration) (lost int64, err error) {
	return r.logger.finish(patience)
}

// foldTime is how much longer a worker may take that folds in all of the
// console: a second for each 32 MiB.
func (r *relay) foldTime() time.Duration {
	return time.Duration(r.logger.q.takenBytes()/(32<<20)) * time.Second
}

func (r *relay) unsent() int64 { return r.outs[0].unsent + r.outs[1].unsent }
