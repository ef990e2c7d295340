package upload

// node is one key of a row with nested keys. Nodes of one level form a list in
// the order in which their keys came.
type node struct {
	key         []byte
	value       []byte // copy of the value; nil: an object
	first, last int    // index of the first and the last child, 0: none
	next        int    // index of the next sibling, 0: none
}

// nest appends the members of a row with nested keys, objects kept together
// under the place of their first key. Of two values for one path the later
// stands, and a value replaces an object or the other way round.
func (m *rowMaker) nest() {
	m.tree = append(m.tree[:0], node{}) // the row itself
	clear(m.index)
	for i := range m.fields {
		f := &m.fields[i]
		value, ok := m.valueOf(f)
		if !ok {
			continue
		}
		at := 0
		for _, part := range f.path {
			m.tree[at].value = nil
			at = m.child(at, part)
		}
		m.tree[at].value = append([]byte{}, value...)
		m.tree[at].first, m.tree[at].last = 0, 0
	}
	m.members(0)
}

// childKey finds children of nodes that have many.
type childKey struct {
	parent int
	key    string
}

// fewChildren are looked through one by one.
const fewChildren = 16

// child finds or adds the child of node at with a key.
func (m *rowMaker) child(at int, key []byte) int {
	seen, i := 0, m.tree[at].first
	for ; i != 0 && seen < fewChildren; i = m.tree[i].next {
		if string(m.tree[i].key) == string(key) {
			return i
		}
		seen++
	}
	if i != 0 {
		if found, ok := m.index[childKey{at, string(key)}]; ok {
			return found
		}
	}
	n := len(m.tree)
	m.tree = append(m.tree, node{key: key})
	if last := m.tree[at].last; m.tree[at].first == 0 {
		m.tree[at].first = n
	} else {
		m.tree[last].next = n
	}
	m.tree[at].last = n
	if seen == fewChildren {
		if m.index == nil {
			m.index = map[childKey]int{}
		}
		m.index[childKey{at, string(key)}] = n
	}
	return n
}

func (m *rowMaker) members(at int) {
	for i := m.tree[at].first; i != 0; i = m.tree[i].next {
		m.member2(m.tree[i].key)
		if m.tree[i].value != nil {
			m.line = append(m.line, m.tree[i].value...)
			continue
		}
		m.line = append(m.line, '{')
		m.members(i)
		m.line = append(m.line, '}')
	}
}
