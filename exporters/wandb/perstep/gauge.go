package perstep

// gauge integrates a value that goes up and down.
type gauge struct {
	pace
	v    float64 // newest reading
	from int64   // up to here it was integrated, the last mark or later
	now  area    // since the last mark
	done area    // of the step up to there
}

// area is what lies below a stretch of the curve. The zero area is none.
type area struct {
	sum, secs, top float64 // value times seconds, seconds, highest value
	some           bool
}

func (a *area) add(b area) {
	if !b.some {
		return
	}
	if !a.some || b.top > a.top {
		a.top = b.top
	}
	a.sum, a.secs, a.some = a.sum+b.sum, a.secs+b.secs, true
}

// read takes a reading at t.
func (g *gauge) read(t int64, v float64) {
	if t <= g.at {
		return
	}
	first := g.at == 0
	g.met(t)
	g.v = v
	if first {
		g.from = max(g.from, t)
		return
	}
	g.cover(max(g.from, t-g.limit()), t)
}

// mark ends a stretch of the step at now.
func (g *gauge) mark(now int64) {
	if g.at == 0 {
		g.from = now
		return
	}
	g.cover(g.from, min(now, g.at+g.limit()))
	g.done.add(g.now)
	g.now = area{}
	g.from = max(g.from, now)
}

// take ends the step at the last mark. ok: something is known of it.
func (g *gauge) take() (mean, top float64, ok bool) {
	a := g.done
	g.done = area{}
	switch {
	case a.some:
		return min(a.sum/a.secs, a.top), a.top, true
	case g.at != 0 && g.from-g.at <= g.limit(): // a step of no length
		return g.v, g.v, true
	}
	return 0, 0, false
}

// cover lets the newest reading stand from one time to another.
func (g *gauge) cover(from, to int64) {
	if to <= from {
		return
	}
	s := float64(to-from) / 1e9
	g.now.add(area{sum: g.v * s, secs: s, top: g.v, some: true})
	g.from = to
}
