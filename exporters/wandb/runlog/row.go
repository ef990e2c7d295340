package runlog

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Key is the path of a history or summary value, rendered once as the
// protobuf bytes of its nested_key field so that a row only copies it. Equal
// paths give equal keys, so a Key can index a map.
type Key string

// NewKey renders a path; one part for a flat key. Dots are literal: they do
// not split. Parts that are not UTF-8 have the bad bytes replaced by U+FFFD.
func NewKey(path ...string) Key {
	var b []byte
	for _, part := range path {
		b = protowire.AppendTag(b, itemNestedKey, protowire.BytesType)
		b = protowire.AppendString(b, strings.ToValidUTF8(part, "\ufffd"))
	}
	return Key(b)
}

// Path gives back what NewKey was given.
func (k Key) Path() []string {
	var path []string
	for b := []byte(k); len(b) > 0; {
		_, _, n := protowire.ConsumeTag(b)
		if n < 0 {
			return path
		}
		part, m := protowire.ConsumeBytes(b[n:])
		if m < 0 {
			return path
		}
		path = append(path, string(part))
		b = b[n+m:]
	}
	return path
}

// NewStatKey renders the key of a [StatItem]: a W&B system metric name without
// the "system." prefix, such as gpu.0.temp.
func NewStatKey(name string) []byte {
	b := protowire.AppendTag(nil, statKey, protowire.BytesType)
	return protowire.AppendString(b, strings.ToValidUTF8(name, "\ufffd"))
}

// ItemKind says which field of an [Item] holds the value.
type ItemKind uint8

const (
	Float ItemKind = iota // F
	Int                   // I
	JSON                  // JSON
)

// Item is one value of a row.
type Item struct {
	Key  Key      // from [NewKey]
	Kind ItemKind // which of the following counts
	F    float64  // NaN and the infinities included
	I    int64
	JSON []byte // one value of extended JSON (package xjson), valid UTF-8
}

// Row is one finished step of a run. The writer adds the items _step,
// _runtime and _timestamp itself: the tools that upload a log derive nothing.
type Row struct {
	Step      int64   // from 0, growing
	Runtime   float64 // seconds since the run began, with earlier sessions of a resumed run
	Timestamp float64 // seconds since 1970
	Items     []Item
}

// StatItem is one system metric of a sample; Key comes from [NewStatKey].
type StatItem struct {
	Key   []byte
	Value float64
}

var (
	stepKey      = NewKey("_step")
	runtimeKey   = NewKey("_runtime")
	timestampKey = NewKey("_timestamp")

	writerRowKey     = NewKey(writerKey)
	writerStepRowKey = NewKey(writerStepKey)
)
