//go:build linux

package host

import (
	"strconv"
	"unicode/utf8"

	"github.com/wandb-agent/wandb-agent/agent/catalog"
	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/collectors/internal/counter"
	"github.com/wandb-agent/wandb-agent/collectors/internal/procfile"
)

// registrar adds the series of one description to the schema and ends those
// of the description before that did not come again. Counters that stay keep
// their state.
type registrar struct {
	schema *sample.Schema
	since  int64 // start time of counters that were not there before
	live   map[sample.Ref]*counter.Counter
	next   map[sample.Ref]*counter.Counter // nil value: not a counter
	buf    procfile.Buffer                 // for readers while they describe
	err    error                           // first failure of the schema
}

// begin starts a description. last is the time of the newest reading: a
// device that appeared since then started counting after it.
func (r *registrar) begin(s *sample.Schema, last int64) {
	r.schema, r.err = s, nil
	r.since = max(last, counter.Boot)
	r.next = make(map[sample.Ref]*counter.Counter)
}

// commit ends the series that were not described again.
func (r *registrar) commit() {
	for ref := range r.live {
		if _, ok := r.next[ref]; !ok {
			r.schema.End(ref)
		}
	}
	r.live, r.next = r.next, nil
}

// gauge adds a series that is no counter.
func (r *registrar) gauge(name string, values ...string) sample.Ref {
	ref := r.add(name, values)
	r.next[ref] = nil
	return ref
}

// counter adds a cumulative series of which per raw units make one. It
// counts since boot, or since the reading before when isNew says that its device was not there then.
func (r *registrar) counter(rule counter.Rule, per float64, isNew bool, name string, values ...string) *counter.Counter {
	ref := r.add(name, values)
	c := r.live[ref]
	if c == nil {
		c = &counter.Counter{Ref: ref, Rule: rule, Per: per}
		start := counter.Boot
		if isNew {
			start = r.since
		}
		if r.err == nil {
			r.schema.SetStart(ref, start)
		}
	}
	r.next[ref] = c
	return c
}

// add adds a series; an empty value at the end stands for no label.
func (r *registrar) add(name string, values []string) sample.Ref {
	if r.err != nil {
		return 0
	}
	if n := len(values); n > 0 && values[n-1] == "" {
		values = values[:n-1]
	}
	ref, err := catalog.Add(r.schema, name, values...)
	if err != nil {
		r.err = err
	}
	return ref
}

// label makes a label value of the kernel's bytes: those that are not UTF-8 or
// not printable are written as \x and two hex digits, so that different names
// stay different.
func label(name []byte) string {
	if utf8.Valid(name) && printable(name) {
		return string(name)
	}
	var out []byte
	for len(name) > 0 {
		c, n := utf8.DecodeRune(name)
		if c == utf8.RuneError && n == 1 || !strconv.IsPrint(c) || c == '\\' {
			for _, b := range name[:n] {
				out = append(out, '\\', 'x', hex[b>>4], hex[b&15])
			}
		} else {
			out = append(out, name[:n]...)
		}
		name = name[n:]
	}
	return string(out)
}

const hex = "0123456789abcdef"

func printable(name []byte) bool {
	for _, c := range string(name) {
		if !strconv.IsPrint(c) || c == '\\' {
			return false
		}
	}
	return true
}
