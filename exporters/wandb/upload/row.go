package upload

import (
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// rowMaker turns history records into history lines without building Go
// values of them.
//
// The step rule: rows go out in the order of the log, each with its own _step if
// that is above the last one sent, else with the last one plus one. A server
// keeps one row per step, so a step that came twice would hide a row.
type rowMaker struct {
	shift    int64   // added to every step: where the server's run goes on
	earlier  float64 // added to _runtime, seconds: earlier sessions of the run
	shared   bool    // the server assigns steps
	writer   string  // whose the row is, if that must be said
	part     bool    // the row as its writer logged it, not as folding numbered it
	lastStep int64   // of the last row made; -1 before the first
	moved    int64   // rows whose step the rule changed

	own    int64 // step of the row in its log
	said   bool  // the row says whose it is
	line   []byte
	fields []field
	value  []byte
	tree   []node
	index  map[childKey]int
}

// field is one item of a row, its parts inside the record.
type field struct {
	path  [][]byte // more than one part for a nested key
	value []byte
}

// make returns the line of a history record, valid until the next call; nil
// if the body is damaged.
func (m *rowMaker) make(body []byte) []byte {
	nested, step, ok := m.parse(body)
	if !ok {
		return nil
	}
	if m.part {
		m.asLogged()
	}
	m.line = append(m.line[:0], '{')
	if nested {
		m.nest()
	} else {
		m.flat()
	}
	if !step.inItems && step.inRecord && !m.shared {
		m.member("_step")
		m.line = strconv.AppendInt(m.line, m.step(step.num), 10)
	}
	m.say()
	m.line = append(m.line, '}')
	return m.line
}

// asLogged takes back what folding adds to a row of a part.
func (m *rowMaker) asLogged() {
	var own []byte
	for i := range m.fields {
		if m.fields[i].is(writerStepKey) {
			own = m.fields[i].value
		}
	}
	if own == nil {
		return
	}
	m.said = false
	m.fields = slices.DeleteFunc(m.fields, func(f field) bool { return f.is(writerStepKey) || f.is(writerKey) })
	for i := range m.fields {
		if m.fields[i].is("_step") {
			m.fields[i].value = own
		}
	}
}

// foundStep is where a record says its step: among the items, or beside them.
type foundStep struct {
	inItems, inRecord bool
	num               int64
}

// parse finds the items of a record.
func (m *rowMaker) parse(body []byte) (nested bool, step foundStep, ok bool) {
	const historyItem, historyStep = 1, 2
	m.fields, m.said = m.fields[:0], false
	for b := body; len(b) > 0; {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return false, step, false
		}
		b = b[n:]
		if typ != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
				return false, step, false
			}
			b = b[n:]
			continue
		}
		v, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return false, step, false
		}
		b = b[n:]
		switch num {
		case historyItem:
			f := m.addField()
			if !f.parse(v) {
				return false, step, false
			}
			nested = nested || len(f.path) > 1
			step.inItems = step.inItems || f.is("_step")
			m.said = m.said || f.is(writerStepKey)
		case historyStep:
			step.inRecord, step.num = true, stepNum(v)
		}
	}
	return nested, step, true
}

// addField extends the list and reuses what its cells hold.
func (m *rowMaker) addField() *field {
	if len(m.fields) < cap(m.fields) {
		m.fields = m.fields[:len(m.fields)+1]
	} else {
		m.fields = append(m.fields, field{})
	}
	f := &m.fields[len(m.fields)-1]
	f.path, f.value = f.path[:0], nil
	return f
}

func stepNum(b []byte) int64 {
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 || num != 1 || typ != protowire.VarintType {
		return 0
	}
	v, n := protowire.ConsumeVarint(b[n:])
	if n < 0 {
		return 0
	}
	return int64(v)
}

func (f *field) parse(b []byte) bool {
	var key []byte
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return false
		}
		b = b[n:]
		if typ != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
				return false
			}
			b = b[n:]
			continue
		}
		v, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return false
		}
		b = b[n:]
		switch num {
		case itemKey:
			key = v
		case itemNestedKey:
			if f.path = append(f.path, v); len(f.path) > xjson.MaxDepth {
				return false
			}
		case itemValue:
			f.value = v
		}
	}
	if len(f.path) == 0 {
		f.path = append(f.path, key)
	}
	return true
}

func (f field) is(name string) bool { return len(f.path) == 1 && string(f.path[0]) == name }

// flat appends the members of a row without nested keys.
func (m *rowMaker) flat() {
	for i := range m.fields {
		f := &m.fields[i]
		if value, ok := m.valueOf(f); ok {
			m.member2(f.path[0])
			m.line = append(m.line, value...)
		}
	}
}

// valueOf is what a field is sent as; false if it is not sent.
func (m *rowMaker) valueOf(f *field) ([]byte, bool) {
	m.value = m.value[:0]
	switch {
	case len(f.path[0]) == 0 || f.path[0][0] != '_' || len(f.path) > 1:
	case f.is("_step"):
		if m.shared {
			return nil, false
		}
		step, err := strconv.ParseInt(string(f.value), 10, 64)
		if err != nil {
			step = m.fraction(f.value)
		}
		m.value = strconv.AppendInt(m.value, m.step(step), 10)
		return m.value, true
	case m.earlier != 0 && f.is("_runtime"):
		if v, err := strconv.ParseFloat(string(f.value), 64); err == nil {
			m.value = xjson.AppendFloat(m.value, v+m.earlier)
			return m.value, true
		}
	}
	m.value = appendValue(m.value, f.value)
	return m.value, len(m.value) > 0 && string(m.value) != "{}"
}

// fraction reads a step that is no integer.
func (m *rowMaker) fraction(text []byte) int64 {
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsNaN(v) || math.Abs(v) > 1<<53 {
		return m.lastStep - m.shift // not above the last: the rule gives the next one
	}
	return int64(v)
}

// step applies the step rule to a step of the log.
func (m *rowMaker) step(own int64) int64 {
	m.own = own
	step := own + m.shift
	if step <= m.lastStep {
		step = m.lastStep + 1
		m.moved++
	}
	m.lastStep = step
	return step
}

// member begins a member whose key needs no escapes.
func (m *rowMaker) member(key string) {
	m.comma()
	m.line = append(append(append(m.line, '"'), key...), '"', ':')
}

func (m *rowMaker) member2(key []byte) {
	m.comma()
	m.line = append(appendKey(m.line, key), ':')
}

func (m *rowMaker) comma() {
	if c := m.line[len(m.line)-1]; c != '{' {
		m.line = append(m.line, ',')
	}
}

// appendKey appends key quoted.
func appendKey(dst, key []byte) []byte {
	for _, c := range key {
		if c < 0x20 || c == '"' || c == '\\' || c >= 0x80 {
			return xjson.AppendString(dst, string(key))
		}
	}
	return append(append(append(dst, '"'), key...), '"')
}
