package runlog

import (
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of the records that are written without building messages.
const (
	recordNum       = 1
	recordHistory   = 2
	recordStats     = 7
	recordOutputRaw = 13

	historyItem   = 1
	historyStep   = 2
	stepNum       = 1
	itemNestedKey = 2
	itemValueJSON = 16

	statsTimestamp = 2
	statsItem      = 3
	statKey        = 1

	outputType      = 1
	outputTimestamp = 2
	outputLine      = 3
	outputStdout    = 1

	timestampSeconds = 1
	timestampNanos   = 2
)

// headRoom is kept free in front of an encoded body for what is known last:
// the record's num and the body's tag and length.
const headRoom = 32

// encoder builds one record payload at a time in a buffer it reuses.
type encoder struct {
	buf []byte // headRoom bytes, then the body
}

func (e *encoder) reset() {
	if cap(e.buf) > 1<<20 { // one huge row must not stay for the run's life
		e.buf = nil
	}
	if e.buf == nil {
		e.buf = make([]byte, headRoom, 1024)
	}
	e.buf = e.buf[:headRoom]
}

// record puts the head in front of the body and returns the whole payload,
// which is valid until the next reset.
func (e *encoder) record(num int64, field protowire.Number) []byte {
	var head [headRoom]byte
	b := protowire.AppendTag(head[:0], recordNum, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(num))
	b = protowire.AppendTag(b, field, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(e.buf)-headRoom))
	start := headRoom - len(b)
	copy(e.buf[start:], b)
	return e.buf[start:]
}

func (e *encoder) row(r *Row) {
	e.reset()
	for i := range r.Items {
		e.item(&r.Items[i])
	}
	e.item(&Item{Key: runtimeKey, F: r.Runtime})
	e.item(&Item{Key: timestampKey, F: r.Timestamp})
	e.item(&Item{Key: stepKey, Kind: Int, I: r.Step})
	e.step(r.Step)
}

func (e *encoder) step(step int64) {
	e.buf = protowire.AppendTag(e.buf, historyStep, protowire.BytesType)
	if step == 0 {
		e.buf = append(e.buf, 0)
		return
	}
	e.buf = append(e.buf, byte(1+protowire.SizeVarint(uint64(step))))
	e.buf = protowire.AppendTag(e.buf, stepNum, protowire.VarintType)
	e.buf = protowire.AppendVarint(e.buf, uint64(step))
}

func (e *encoder) item(it *Item) {
	var scratch [32]byte
	value := it.JSON
	switch it.Kind {
	case Float:
		value = xjson.AppendFloat(scratch[:0], it.F)
	case Int:
		value = xjson.AppendInt(scratch[:0], it.I)
	}
	size := len(it.Key) + protowire.SizeTag(itemValueJSON) + protowire.SizeBytes(len(value))
	b := protowire.AppendTag(e.buf, historyItem, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(size))
	b = append(b, it.Key...)
	e.buf = appendJSONField(b, value)
}

func appendJSONField(b, value []byte) []byte {
	b = protowire.AppendTag(b, itemValueJSON, protowire.BytesType)
	return protowire.AppendBytes(b, value)
}

func (e *encoder) stats(nanos int64, items []StatItem) {
	e.reset()
	e.timestamp(statsTimestamp, nanos)
	for i := range items {
		var scratch [32]byte
		value := xjson.AppendFloat(scratch[:0], items[i].Value)
		size := len(items[i].Key) + protowire.SizeTag(itemValueJSON) + protowire.SizeBytes(len(value))
		e.buf = protowire.AppendTag(e.buf, statsItem, protowire.BytesType)
		e.buf = protowire.AppendVarint(e.buf, uint64(size))
		e.buf = append(e.buf, items[i].Key...)
		e.buf = appendJSONField(e.buf, value)
	}
}

func (e *encoder) output(stderr bool, nanos int64, line []byte) {
	e.reset()
	if !stderr { // STDERR is zero, which proto3 leaves out
		e.buf = append(e.buf, outputType<<3, outputStdout)
	}
	e.timestamp(outputTimestamp, nanos)
	e.buf = protowire.AppendTag(e.buf, outputLine, protowire.BytesType)
	e.buf = protowire.AppendBytes(e.buf, line)
}

// timestamp appends a google.protobuf.Timestamp field.
func (e *encoder) timestamp(field protowire.Number, nanos int64) {
	sec, ns := nanos/1e9, nanos%1e9
	if ns < 0 {
		sec, ns = sec-1, ns+1e9
	}
	var scratch [24]byte
	b := scratch[:0]
	if sec != 0 {
		b = protowire.AppendVarint(append(b, timestampSeconds<<3), uint64(sec))
	}
	if ns != 0 {
		b = protowire.AppendVarint(append(b, timestampNanos<<3), uint64(ns))
	}
	e.buf = protowire.AppendTag(e.buf, field, protowire.BytesType)
	e.buf = protowire.AppendBytes(e.buf, b)
}
