package runlog

import (
	"math"
	"slices"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// summary holds one leaf per path. No leaf lies below another: a value set at
// a path removes what was above and below it.
type summary struct {
	leaves map[Key]*leaf
	above  map[Key]int // how many leaves lie below a path
	dirty  []*leaf     // changed since the last take
}

// leaf is one summary value and what its aggregates need.
type leaf struct {
	key   Key
	def   *wandbpb.MetricRecord // nil: the plain last value
	step  *leaf                 // insert this one's value in rows that have this leaf
	plain bool                  // set by the user: aggregates are off for good
	pin   string                // JSON that stands for the leaf whatever rows say, "" if none
	row   int64                 // the last row that had it
	dirty bool
	gone  bool // removed from the summary
	met   bool // def and step are up to date

	last      Item // JSON is the leaf's own copy
	first     Item
	fixed     string // JSON that stands for the leaf until the next row, "" if none
	count     int64  // numbers seen
	total     float64
	low, high float64
	least     float64 // like low and high, without NaN; best is one of them
	most      float64
	real      bool    // least and most are set
	sketch    *sketch // what percentiles need; nil until a definition asks for them
	has       bool    // a value was seen
}

func (s *summary) leaf(key Key) *leaf {
	if l := s.leaves[key]; l != nil {
		return l
	}
	return s.newLeaf(key)
}

func (s *summary) newLeaf(key Key) *leaf {
	if s.leaves == nil {
		s.leaves, s.above = map[Key]*leaf{}, map[Key]int{}
	}
	path := key.Path()
	for n := 1; n < len(path); n++ {
		up := NewKey(path[:n]...)
		s.remove(up)
		s.above[up]++
	}
	s.removeBelow(key)
	l := &leaf{key: key}
	s.leaves[key] = l
	return l
}

func (s *summary) remove(key Key) {
	l := s.leaves[key]
	if l == nil {
		return
	}
	l.gone = true
	delete(s.leaves, key)
	path := key.Path()
	for n := 1; n < len(path); n++ {
		s.above[NewKey(path[:n]...)]--
	}
}

// removeBelow uses that the key of a path begins with the keys of the paths
// above it.
func (s *summary) removeBelow(key Key) {
	if s.above[key] == 0 {
		return
	}
	for k := range s.leaves {
		if len(k) > len(key) && strings.HasPrefix(string(k), string(key)) {
			s.remove(k)
		}
	}
}

func (s *summary) touch(l *leaf) {
	if !l.dirty {
		l.dirty = true
		s.dirty = append(s.dirty, l)
	}
}

// see folds one logged value in.
func (s *summary) see(l *leaf, it *Item) {
	l.fixed = ""
	copyItem(&l.last, it)
	if !l.has {
		l.has = true
		copyItem(&l.first, it)
	}
	if v, ok := number(it); ok {
		if l.count == 0 {
			l.low, l.high = v, v
		}
		l.count++
		l.total += v
		l.low, l.high = min(l.low, v), max(l.high, v)
		if v == v {
			l.extend(v)
		}
		if l.def != nil && wantsPercentiles(l.def.GetSummary()) {
			l.percentiles().add(v)
		}
	}
	s.touch(l)
}

// extend keeps the least and the greatest number.
func (l *leaf) extend(v float64) {
	if !l.real {
		l.least, l.most, l.real = v, v, true
	}
	l.least, l.most = min(l.least, v), max(l.most, v)
}

func wantsPercentiles(flags *wandbpb.MetricSummary) bool { return flags.GetP50() || flags.GetP95() }

func (l *leaf) percentiles() *sketch {
	if l.sketch == nil {
		l.sketch = &sketch{}
	}
	return l.sketch
}

func copyItem(dst, src *Item) {
	dst.Kind, dst.F, dst.I = src.Kind, src.F, src.I
	dst.JSON = append(dst.JSON[:0], src.JSON...)
}

func number(it *Item) (float64, bool) {
	switch it.Kind {
	case Float:
		return it.F, true
	case Int:
		return float64(it.I), true
	}
	return 0, false
}

// latest is the newest number of a leaf, 0 if there was none.
func (l *leaf) latest() float64 {
	v, _ := number(&l.last)
	return v
}

// appendValue appends the leaf's summary value; nothing if it has none.
func (l *leaf) appendValue(dst []byte) []byte {
	flags := l.def.GetSummary()
	switch {
	case l.pin != "":
		return append(dst, l.pin...)
	case flags.GetNone():
		return dst
	case l.fixed != "":
		return append(dst, l.fixed...)
	case !l.has:
		return dst
	case l.plain || !aggregates(flags):
		return appendItem(dst, &l.last)
	}
	return l.appendAggregates(dst, flags)
}

// aggregates says whether the summary is an object of chosen values.
func aggregates(flags *wandbpb.MetricSummary) bool {
	return flags.GetLast() || flags.GetFirst() || flags.GetMin() || flags.GetMax() || flags.GetMean() ||
		flags.GetBest() || wantsPercentiles(flags)
}

func (l *leaf) appendAggregates(dst []byte, flags *wandbpb.MetricSummary) []byte {
	start := len(dst)
	name := func(s string) {
		dst = append(append(append(dst, `,"`...), s...), `":`...)
	}
	if flags.GetBest() && l.real {
		name("best")
		best := l.least
		if l.def.GetGoal() == wandbpb.MetricRecord_GOAL_MAXIMIZE {
			best = l.most
		}
		dst = xjson.AppendFloat(dst, best)
	}
	if flags.GetFirst() {
		name("first")
		dst = appendItem(dst, &l.first)
	}
	if flags.GetLast() {
		name("last")
		dst = appendItem(dst, &l.last)
	}
	if flags.GetMax() && l.count > 0 {
		name("max")
		dst = xjson.AppendFloat(dst, l.high)
	}
	if flags.GetMean() && l.count > 0 {
		name("mean")
		dst = xjson.AppendFloat(dst, l.total/float64(l.count))
	}
	if flags.GetMin() && l.count > 0 {
		name("min")
		dst = xjson.AppendFloat(dst, l.low)
	}
	if s := l.sketch; s != nil && s.count > 0 {
		if flags.GetP50() {
			name("p50")
			dst = xjson.AppendFloat(dst, min(max(s.quantile(0.50), l.least), l.most))
		}
		if flags.GetP95() {
			name("p95")
			dst = xjson.AppendFloat(dst, min(max(s.quantile(0.95), l.least), l.most))
		}
	}
	if len(dst) == start { // only texts so far, only numbers wanted
		return dst
	}
	dst[start] = '{'
	return append(dst, '}')
}

func appendItem(dst []byte, it *Item) []byte {
	switch it.Kind {
	case Float:
		return xjson.AppendFloat(dst, it.F)
	case Int:
		return xjson.AppendInt(dst, it.I)
	}
	return append(dst, it.JSON...)
}

// apply takes a summary record. One set by the user turns the aggregates of
// its keys off and ends a pin; a pinned one stands until it is released; a
// derived one only stands in until the next row.
func (s *summary) apply(rec *wandbpb.SummaryRecord) {
	for _, item := range rec.GetUnpin() {
		if l := s.leaves[NewKey(itemPath(item)...)]; l != nil && l.pin != "" {
			l.pin = ""
			s.touch(l)
		}
	}
	for _, item := range rec.GetUpdate() {
		l := s.leaf(NewKey(itemPath(item)...))
		switch {
		case rec.GetPinned():
			l.pin = item.GetValueJson()
			continue
		case rec.GetDerived() && l.pin != "": // of a writer that does not know of the pin
			continue
		}
		l.pin, l.fixed = "", item.GetValueJson()
		l.plain = l.plain || !rec.GetDerived()
		s.touch(l)
	}
	for _, item := range rec.GetRemove() {
		key := NewKey(itemPath(item)...)
		s.remove(key)
		s.removeBelow(key)
	}
}

// take builds the record of what changed since the last take, nil if nothing
// did.
func (s *summary) take() *wandbpb.SummaryRecord {
	rec := &wandbpb.SummaryRecord{Derived: true}
	var buf []byte
	for _, l := range s.dirty {
		l.dirty = false
		if l.gone || l.pin != "" {
			continue
		}
		if buf = l.appendValue(buf[:0]); len(buf) > 0 {
			rec.Update = append(rec.Update, &wandbpb.SummaryItem{NestedKey: l.key.Path(), ValueJson: string(buf)})
		}
	}
	s.dirty = s.dirty[:0]
	if len(rec.Update) == 0 {
		return nil
	}
	slices.SortFunc(rec.Update, func(a, b *wandbpb.SummaryItem) int { return slices.Compare(a.NestedKey, b.NestedKey) })
	return rec
}

// whole builds the record of everything, nil if there is nothing.
func (s *summary) whole() *wandbpb.SummaryRecord {
	for _, l := range s.leaves {
		s.touch(l)
	}
	return s.take()
}

// tree gives the summary as nested objects.
func (s *summary) tree() map[string]any {
	out := map[string]any{}
	for _, l := range s.leaves {
		text := l.appendValue(nil)
		if len(text) == 0 {
			continue
		}
		v, err := xjson.Decode(text)
		if err != nil {
			v = string(text) // shown as it is rather than lost
		}
		path := l.key.Path()
		at := out
		for _, part := range path[:len(path)-1] {
			at = child(at, part)
		}
		at[path[len(path)-1]] = v
	}
	return out
}

// runtimeSeconds is _wandb.runtime, whole seconds.
func runtimeSeconds(v float64) int64 {
	if math.IsNaN(v) || v < 0 || v > math.MaxInt32 {
		return 0
	}
	return int64(v)
}

// Pinned says whether a record of the log has pinned the summary value at path.
func (s *State) Pinned(path ...string) bool { return s.summary.pinned(path) != "" }

// PinnedNumber is the number that is pinned at path; false if there is none.
func (s *State) PinnedNumber(path ...string) (float64, bool) {
	v, err := xjson.Decode([]byte(s.summary.pinned(path)))
	if err != nil {
		return 0, false
	}
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func (s *summary) pinned(path []string) string {
	if l := s.leaves[NewKey(path...)]; l != nil {
		return l.pin
	}
	return ""
}
