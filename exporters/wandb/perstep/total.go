package perstep

// total shares out what a counter counts among the steps.
//
// Once there is a rate, counted + debt is at every moment the best estimate of
// what the counter had reached at the last mark: what a new reading
// corrects becomes debt, and is paid in the steps of the next interval.
type total struct {
	pace
	raw     float64 // newest reading
	v       float64 // counted by then, from the first reading on
	rate    float64 // per second, of the last interval
	isRate  bool    // there was an interval
	upto    int64   // the last mark, or the first reading
	counted float64 // given to steps
	debt    float64 // to be given to steps; negative: to be taken back
	left    float64 // seconds in which debt is paid
	done    float64 // share of the step up to the last mark
	known   bool    // there is one
}

// read takes a reading at t. A counter that fell began anew: its interval is
// not counted.
func (c *total) read(t int64, raw float64) {
	if t <= c.at {
		return
	}
	more := max(raw-c.raw, 0)
	c.raw = raw
	c.add(t, more)
}

// power takes a reading of a rate, which stands for the time since the one
// before.
func (c *total) power(t int64, perSecond float64) {
	if t > c.at {
		c.add(t, perSecond*float64(min(t-c.at, c.limit()))/1e9)
		c.rate = perSecond
	}
}

// add takes in what was counted between the newest reading and t.
func (c *total) add(t int64, more float64) {
	at := c.at
	c.met(t)
	if at == 0 {
		c.upto = max(c.upto, t)
		return
	}
	before := c.v
	c.v += more
	c.rate = more / (float64(t-at) / 1e9)
	if c.isRate && at > c.upto { // the estimate at the last mark stands
		return
	}
	reached := before + c.rate*float64(c.upto-at)/1e9
	if !c.isRate { // steps until now had no share
		c.isRate, c.counted = true, reached
		return
	}
	c.debt, c.left = reached-c.counted, float64(c.interval())/1e9
}

// mark ends a stretch of the step at now.
func (c *total) mark(now int64) {
	from := c.upto
	c.upto = max(now, from)
	if !c.isRate || from > c.at+c.limit() {
		return
	}
	until := min(c.upto, c.at+c.limit()) // no rate lasts for ever
	reached := c.v + c.rate*float64(until-c.at)/1e9
	share := reached - c.counted - c.debt // since the last mark
	share += c.pay(float64(until-from) / 1e9)
	if share < 0 {
		c.debt += share
		share = 0
	}
	c.counted += share
	c.done, c.known = c.done+share, true
}

// take ends the step at the last mark and returns its share. ok: something is
// known of it.
func (c *total) take() (share float64, ok bool) {
	share, ok = c.done, c.known
	c.done, c.known = 0, false
	return share, ok
}

// pay takes the part of debt that is due after so many seconds.
func (c *total) pay(seconds float64) float64 {
	part := c.debt
	if seconds < c.left {
		part *= seconds / c.left
	}
	c.left = max(c.left-seconds, 0)
	c.debt -= part
	return part
}
