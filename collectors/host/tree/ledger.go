//go:build linux

package tree

// ledger holds what the sum over the members does not show.
type ledger struct {
	baseline, retired     usage
	ioBaseline, ioRetired ioCount
	out                   usage   // newest published; never steps back
	ioOut                 ioCount // likewise
	ioWhole               bool    // ioOut speaks for every member
}

// maxPasses bounds how often a tick reads the tree while members keep vanishing.
const maxPasses = 4

// readAll takes a reading of every member from which settle can tell where
// vanished ones went. The kernel adds a child to its parent before the child's
// files fail, so a parent must be read after its child was found gone; and a
// parent must be read before its living children, or a child reaped in between
// stands in both. Reading again, parents first, until a pass finds nobody gone
// gives both. It returns false if the last pass allowed still found some: they
// stay members until the next tick.
func (t *Tree) readAll() bool {
	for pass := range maxPasses {
		found := 0
		for _, m := range t.members {
			if m.gone {
				continue
			}
			if pass == 0 {
				t.readMember(m)
			} else {
				t.readStat(m)
			}
			if m.gone {
				found++
				m.gone = pass < maxPasses-1
			}
		}
		if found == 0 {
			return true
		}
	}
	return false
}

// settle finds out where the usage of vanished members went, and removes them.
// complete is what readAll returned: while it is false the gains that nobody
// explained are kept for the next tick.
func (t *Tree) settle(complete bool) {
	removed := false
	for _, m := range t.members {
		if m.gone {
			removed = true
			t.retire(m)
		}
	}
	if complete {
		for _, m := range t.members {
			m.seen = m.cur.reaped
		}
	}
	if removed {
		t.removeGone()
	}
}

// retire decides about one vanished member: nothing is to be done when the
// gain of an ancestor covers it, else its last figures join the retired sum.
func (t *Tree) retire(m *member) {
	last := m.cur.total()
	parent := t.byPID[m.cur.ppid]
	for p := parent; p != nil; p = t.byPID[p.cur.ppid] {
		if p.cur.reaped.minus(p.seen).covers(last) {
			p.seen.add(last)
			return
		}
		if p == parent && !p.gone {
			p.lost = true // alive, and yet it did not reap its own child
			break
		}
	}
	t.ledger.retired.add(last)
	t.ledger.ioRetired.add(m.bytes)
}

// removeGone drops vanished members and keeps the order of the others.
func (t *Tree) removeGone() {
	kept := t.members[:0]
	for _, m := range t.members {
		if m.gone {
			t.drop(m)
			delete(t.byPID, m.pid)
			continue
		}
		kept = append(kept, m)
	}
	clear(t.members[len(kept):])
	t.members = kept
	t.publishSet()
}

// total is what the tree has used since following began.
func (t *Tree) total() usage {
	sum := t.ledger.retired
	for _, m := range t.members {
		sum.add(m.cur.total())
	}
	t.ledger.out = t.ledger.out.max(sum.minus(t.ledger.baseline))
	return t.ledger.out
}

// ioTotal is what the tree has moved since following began; false while the
// counters of a member may not be read, because a part would pass for all. When
// following has ended it is the last total.
func (t *Tree) ioTotal() (ioCount, bool) {
	if t.ended {
		return t.ledger.ioOut, t.ledger.ioWhole
	}
	sum := t.ledger.ioRetired
	t.ledger.ioWhole = true
	for _, m := range t.members {
		t.ledger.ioWhole = t.ledger.ioWhole && !m.noIO
		sum.add(m.bytes)
	}
	t.ledger.ioOut = t.ledger.ioOut.max(sum.minus(t.ledger.ioBaseline))
	return t.ledger.ioOut, t.ledger.ioWhole
}
