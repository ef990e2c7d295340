package runlog

import (
	"cmp"
	"strconv"
)

// order puts the log to join into first: one that was joined or sent before,
// since that must stay, then the lowest rank, then one of ours (exec around a
// program that keeps a log of its own), then the oldest.
func (m *member) order(o *member) int {
	flag := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	a, b := m.first.GetWriter(), o.first.GetWriter()
	return cmp.Or(
		flag(len(o.joined()) > 0)-flag(len(m.joined()) > 0),
		flag(o.sent)-flag(m.sent),
		flag(a.GetSecondary())-flag(b.GetSecondary()),
		cmp.Compare(a.GetOrder(), b.GetOrder()),
		flag(a == nil)-flag(b == nil),
		cmp.Compare(m.start, o.start),
		cmp.Compare(m.key, o.key),
		cmp.Compare(o.last, m.last),
	)
}

// distinct tells copies of one writer's directory from the one of them that
// has most.
func distinct(members []*member) (kept, copies []*member) {
	best := map[string]*member{}
	for _, m := range members {
		if b := best[m.key]; b == nil || len(b.joined()) == 0 && m.last > b.last {
			best[m.key] = m
		}
	}
	for _, m := range members {
		if best[m.key] == m {
			kept = append(kept, m)
		} else {
			copies = append(copies, m)
		}
	}
	return kept, copies
}

// name gives every writer a label that no other has.
func name(members []*member) {
	taken := map[string]bool{}
	for _, w := range members[0].joined() {
		taken[w.GetLabel()] = true
	}
	for i, m := range members {
		if i == 0 && len(m.joined()) > 0 {
			continue
		}
		m.client = i > 0 && m.isClientOf(members[0])
		m.inside = i > 0 && m.isInside(members[0])
		label := m.label
		switch {
		case label != "":
		case i == 0:
			label = "main"
		case m.inside, m.client:
			label = "program"
		default:
			label = cmp.Or(m.first.GetHost(), "writer")
		}
		m.label = label
		for n := 2; taken[m.label]; n++ {
			m.label = label + "-" + strconv.Itoa(n)
		}
		taken[m.label] = true
	}
}

// isInside says whether m is the official client in a command that exec runs: it
// has caught the console that exec has too.
func (m *member) isInside(front *member) bool {
	if c := front.dir.Client(); c != nil && m.client {
		return c.Console && front.spoke
	}
	return m.first.GetWriter() == nil && front.first.GetWriter() != nil && front.spoke && front.rows == 0 &&
		m.first.GetHost() == front.first.GetHost() && m.start >= front.start
}

// isClientOf says whether m is the client whose run front's directory belongs to.
func (m *member) isClientOf(front *member) bool {
	dir := front.dir.ClientDir()
	return dir != nil && resolved(dir.Path) == resolved(m.dir.Path)
}
