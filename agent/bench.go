package agent

// benchAfter failures in a row put a source on the bench.
const benchAfter = 3

// maxSkip is the longest stretch of ticks that a benched source sits out.
const maxSkip = 60

// bench keeps a failing source from being asked at every tick. After three
// failures it sits out 1 tick, then 2, 4 and so on up to 60 between tries; the
// first success ends it. The zero bench is in play. Owned by the goroutine of
// its source.
type bench struct {
	fails int // in a row
	skip  int // ticks to sit out after the next failure, 0 while in play
	left  int // ticks still to sit out
}

// sitsOut reports whether this tick is to be skipped, and counts it.
func (b *bench) sitsOut() bool {
	if b.left == 0 {
		return false
	}
	b.left--
	return true
}

// failed notes a failure and reports whether it benched the source.
func (b *bench) failed() (benched bool) {
	b.fails++
	if b.fails < benchAfter {
		return false
	}
	benched = b.skip == 0
	b.skip = min(max(2*b.skip, 1), maxSkip)
	b.left = b.skip
	return benched
}

// succeeded notes a success and reports whether the source had been benched.
func (b *bench) succeeded() (back bool) {
	back = b.skip > 0
	*b = bench{}
	return back
}
