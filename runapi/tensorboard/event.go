package tensorboard

import (
	"errors"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// event is what we use of a message Event; see
// https://github.com/tensorflow/tensorboard/tree/master/tensorboard/compat/proto
// (event.proto, summary.proto, histogram.proto, tensor.proto). It holds no part
// of the bytes that it was read from.
type event struct {
	wall   float64 // Unix seconds
	step   int64
	values []value
}

// value is one tag of a summary.
type value struct {
	tag    string
	plugin string // only with the first value of a tag in a file
	kind   valueKind
	scalar float32
	image  []byte // encoded
	histo  histo
	tensor tensor
}

type valueKind uint8

const (
	other valueKind = iota
	scalarValue
	imageValue
	histoValue
	tensorValue
)

// histo is a HistogramProto: bucket i counts what lies below limits[i] and not
// below the limit before.
type histo struct {
	min, max        float64
	limits, buckets []float64
}

// errEvent is what is wrong with a record that is no Event.
var errEvent = errors.New("not an event")

// parseEvent reads a message Event.
func parseEvent(data []byte) (event, error) {
	const wallTime, step, summary = 1, 2, 5
	var e event
	err := eachField(data, func(f field) error {
		switch f.num {
		case wallTime:
			e.wall = f.double()
		case step:
			e.step = int64(f.varint)
		case summary:
			return eachField(f.bytes, func(f field) error {
				if f.num != 1 || f.typ != protowire.BytesType {
					return nil
				}
				v, err := parseValue(f.bytes)
				e.values = append(e.values, v)
				return err
			})
		}
		return nil
	})
	if err == nil && (math.IsNaN(e.wall) || math.IsInf(e.wall, 0)) {
		err = errEvent
	}
	return e, err
}

func parseValue(data []byte) (value, error) {
	const tag, simple, image, histogram, tensorField, metadata = 1, 2, 4, 5, 8, 9
	var v value
	err := eachField(data, func(f field) (err error) {
		switch f.num {
		case tag:
			v.tag = string(f.bytes)
		case simple:
			v.kind, v.scalar = scalarValue, f.float()
		case image:
			v.kind = imageValue
			const encoded = 4
			v.image, err = bytesField(f.bytes, encoded)
		case histogram:
			v.kind = histoValue
			v.histo, err = parseHisto(f.bytes)
		case tensorField:
			v.kind = tensorValue
			v.tensor, err = parseTensor(f.bytes)
		case metadata:
			const pluginData, pluginName = 1, 1
			var plugin, name []byte
			if plugin, err = bytesField(f.bytes, pluginData); err == nil {
				name, err = bytesField(plugin, pluginName)
			}
			v.plugin = string(name)
		}
		return err
	})
	return v, err
}

func parseHisto(data []byte) (histo, error) {
	const lowest, highest, limit, bucket = 1, 2, 6, 7
	var h histo
	err := eachField(data, func(f field) error {
		switch f.num {
		case lowest:
			h.min = f.double()
		case highest:
			h.max = f.double()
		case limit:
			h.limits = f.doubles(h.limits)
		case bucket:
			h.buckets = f.doubles(h.buckets)
		}
		return nil
	})
	return h, err
}

// bytesField returns a copy of the last field num of a message.
func bytesField(data []byte, num protowire.Number) (found []byte, err error) {
	err = eachField(data, func(f field) error {
		if f.num == num && f.typ == protowire.BytesType {
			found = f.bytes
		}
		return nil
	})
	return append([]byte(nil), found...), err
}

// field is one field of a message. What its type does not have is zero.
type field struct {
	num    protowire.Number
	typ    protowire.Type
	varint uint64 // also the bits of fixed ones
	bytes  []byte
}

// eachField shows the fields of a message to fn. The error is fn's, or
// errEvent.
func eachField(data []byte, fn func(field) error) error {
	for len(data) > 0 {
		num, typ, n := protowire.ConsumeTag(data)
		if n < 0 {
			return errEvent
		}
		data = data[n:]
		f := field{num: num, typ: typ}
		switch typ {
		case protowire.VarintType:
			f.varint, n = protowire.ConsumeVarint(data)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(data)
			f.varint = uint64(v)
		case protowire.Fixed64Type:
			f.varint, n = protowire.ConsumeFixed64(data)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(data)
		default:
			n = protowire.ConsumeFieldValue(num, typ, data)
		}
		if n < 0 {
			return errEvent
		}
		data = data[n:]
		if err := fn(f); err != nil {
			return err
		}
	}
	return nil
}

func (f field) double() float64 {
	if f.typ != protowire.Fixed64Type {
		return 0
	}
	return math.Float64frombits(f.varint)
}

func (f field) float() float32 {
	if f.typ != protowire.Fixed32Type {
		return 0
	}
	return math.Float32frombits(uint32(f.varint))
}

// doubles appends a repeated field, packed or not.
func (f field) doubles(to []float64) []float64 {
	if f.typ != protowire.BytesType {
		return append(to, f.double())
	}
	for b := f.bytes; len(b) >= 8; b = b[8:] {
		v, _ := protowire.ConsumeFixed64(b)
		to = append(to, math.Float64frombits(v))
	}
	return to
}
