package upload

import (
	"bytes"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// statsMaker turns stats records into events lines.
type statsMaker struct {
	start float64 // of the run, seconds since 1970
	label string  // added to keys that have none, "" for none

	line []byte
	key  []byte
}

// labelMark stands before the label in a key of a system metric.
const labelMark = "/l:"

// make returns the line of a stats record, valid until the next call; nil if
// the body is damaged.
func (m *statsMaker) make(body []byte) []byte {
	const timestamp, item = 2, 3
	at := 0.0
	eachField(body, func(num protowire.Number, v []byte) {
		if num == timestamp {
			at = timestampSeconds(v)
		}
	})
	m.line = append(m.line[:0], `{"_wandb":true,"_timestamp":`...)
	m.line = xjson.AppendFloat(m.line, at)
	m.line = append(m.line, `,"_runtime":`...)
	m.line = xjson.AppendFloat(m.line, at-m.start)
	ok := eachField(body, func(num protowire.Number, v []byte) {
		if num == item {
			m.item(v)
		}
	})
	if !ok {
		return nil
	}
	m.line = append(m.line, '}')
	return m.line
}

func (m *statsMaker) item(body []byte) {
	const statKey, statValue = 1, 16
	var value []byte
	m.key = append(m.key[:0], "system."...)
	eachField(body, func(num protowire.Number, v []byte) {
		switch num {
		case statKey:
			m.key = append(m.key, v...)
		case statValue:
			value = v
		}
	})
	if m.label != "" && !bytes.Contains(m.key, []byte(labelMark)) {
		m.key = append(append(m.key, labelMark...), m.label...)
	}
	m.line = append(m.line, ',')
	m.line = append(appendKey(m.line, m.key), ':')
	m.line = appendValue(m.line, value)
}

// eachField shows the length-delimited fields of a message; false where it is
// damaged.
func eachField(b []byte, fn func(protowire.Number, []byte)) bool {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return false
		}
		b = b[n:]
		if typ == protowire.BytesType {
			v, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return false
			}
			fn(num, v)
			b = b[n:]
			continue
		}
		if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

// timestampSeconds reads a google.protobuf.Timestamp.
func timestampSeconds(b []byte) float64 {
	sec, nanos := timestampParts(b)
	return float64(sec) + float64(nanos)/1e9
}

func timestampParts(b []byte) (sec int64, nanos int64) {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return sec, nanos
		}
		b = b[n:]
		if typ != protowire.VarintType {
			if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
				return sec, nanos
			}
			b = b[n:]
			continue
		}
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return sec, nanos
		}
		b = b[n:]
		switch num {
		case 1:
			sec = int64(v)
		case 2:
			nanos = int64(int32(v))
		}
	}
	return sec, nanos
}
