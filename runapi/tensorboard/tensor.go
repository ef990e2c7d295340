package tensorboard

import (
	"encoding/binary"
	"errors"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// tensor is what we use of a TensorProto: numbers in row-major order, or texts.
type tensor struct {
	dtype   uint64
	dims    []int64
	content []byte    // all numbers, as the machine had them; else:
	numbers []float64 // from the field of the type; the last one stands for all that follow
	texts   [][]byte
}

// Numbers of the enum DataType.
const (
	dtFloat, dtDouble, dtInt32, dtUint8, dtInt16, dtInt8 = 1, 2, 3, 4, 5, 6
	dtInt64, dtBool, dtBfloat16, dtUint16, dtHalf        = 9, 10, 14, 17, 19
	dtUint32, dtUint64                                   = 22, 23
)

var (
	errTensor = errors.New("tensor is not of plain numbers")
	errShape  = errors.New("tensor has another number of values than its shape says")
)

// maxTensor bounds the numbers of a tensor: what we read has a few thousand.
const maxTensor = 1 << 20

func parseTensor(data []byte) (tensor, error) {
	const dtype, shape, content, texts = 1, 2, 4, 8
	var t tensor
	err := eachField(data, func(f field) error {
		switch f.num {
		case dtype:
			t.dtype = f.varint
		case shape:
			return t.parseShape(f.bytes)
		case content:
			t.content = append([]byte(nil), f.bytes...)
		case texts:
			t.texts = append(t.texts, append([]byte(nil), f.bytes...))
		default:
			t.parseNumbers(f)
		}
		return nil
	})
	return t, err
}

// parseShape reads a TensorShapeProto.
func (t *tensor) parseShape(data []byte) error {
	const dim, size = 2, 1
	return eachField(data, func(f field) error {
		if f.num != dim {
			return nil
		}
		var length int64
		err := eachField(f.bytes, func(f field) error {
			if f.num == size {
				length = int64(f.varint)
			}
			return nil
		})
		t.dims = append(t.dims, length)
		return err
	})
}

// parseNumbers reads the repeated field of a type.
func (t *tensor) parseNumbers(f field) {
	const floats, doubles, ints, int64s, bools, halves, uint32s, uint64s = 5, 6, 7, 10, 11, 13, 16, 17
	switch f.num {
	case floats:
		if f.typ != protowire.BytesType {
			t.numbers = append(t.numbers, float64(f.float()))
		}
		for b := f.bytes; len(b) >= 4; b = b[4:] {
			t.numbers = append(t.numbers, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
		}
	case doubles:
		t.numbers = f.doubles(t.numbers)
	case ints, int64s, bools, halves, uint32s, uint64s:
		if f.typ == protowire.VarintType {
			t.numbers = append(t.numbers, t.integer(f.varint))
		}
		for b := f.bytes; len(b) > 0; {
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return
			}
			b = b[n:]
			t.numbers = append(t.numbers, t.integer(v))
		}
	}
}

// integer is the number that a varint of the tensor's type stands for. The type
// is written before the numbers.
func (t *tensor) integer(v uint64) float64 {
	switch t.dtype {
	case dtHalf:
		return half(uint16(v))
	case dtBfloat16:
		return float64(math.Float32frombits(uint32(v) << 16))
	case dtUint64, dtUint32:
		return float64(v)
	}
	return float64(int64(v))
}

// floats returns the numbers of the tensor, one for each cell of its shape.
func (t *tensor) floats() ([]float64, error) {
	cells := int64(1)
	for _, d := range t.dims {
		if d < 0 || d > maxTensor || cells*d > maxTensor {
			return nil, errShape
		}
		cells *= d
	}
	numbers := t.numbers
	if len(t.content) > 0 {
		var err error
		if numbers, err = t.unpack(); err != nil {
			return nil, err
		}
		if int64(len(numbers)) != cells {
			return nil, errShape
		}
		return numbers, nil
	}
	if len(t.texts) > 0 || int64(len(numbers)) > cells || len(numbers) == 0 && cells > 0 {
		return nil, errShape
	}
	for int64(len(numbers)) < cells {
		numbers = append(numbers, numbers[len(numbers)-1])
	}
	return numbers, nil
}

// unpack reads content, which is little endian on every machine that trains.
func (t *tensor) unpack() ([]float64, error) {
	size, read := t.cell()
	if size == 0 {
		return nil, errTensor
	}
	if len(t.content)%size != 0 || len(t.content)/size > maxTensor {
		return nil, errShape
	}
	numbers := make([]float64, 0, len(t.content)/size)
	for b := t.content; len(b) > 0; b = b[size:] {
		numbers = append(numbers, read(b))
	}
	return numbers, nil
}

// cell returns the size of a number in content and what reads one; 0 for a type
// that is no plain number.
func (t *tensor) cell() (int, func([]byte) float64) {
	le := binary.LittleEndian
	switch t.dtype {
	case dtFloat:
		return 4, func(b []byte) float64 { return float64(math.Float32frombits(le.Uint32(b))) }
	case dtDouble:
		return 8, func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) }
	case dtInt32:
		return 4, func(b []byte) float64 { return float64(int32(le.Uint32(b))) }
	case dtInt64:
		return 8, func(b []byte) float64 { return float64(int64(le.Uint64(b))) }
	case dtUint32:
		return 4, func(b []byte) float64 { return float64(le.Uint32(b)) }
	case dtUint64:
		return 8, func(b []byte) float64 { return float64(le.Uint64(b)) }
	case dtInt16:
		return 2, func(b []byte) float64 { return float64(int16(le.Uint16(b))) }
	case dtUint16:
		return 2, func(b []byte) float64 { return float64(le.Uint16(b)) }
	case dtHalf:
		return 2, func(b []byte) float64 { return half(le.Uint16(b)) }
	case dtBfloat16:
		return 2, func(b []byte) float64 { return float64(math.Float32frombits(uint32(le.Uint16(b)) << 16)) }
	case dtInt8:
		return 1, func(b []byte) float64 { return float64(int8(b[0])) }
	case dtUint8, dtBool:
		return 1, func(b []byte) float64 { return float64(b[0]) }
	}
	return 0, nil
}

// half reads an IEEE 754 number of 16 bits.
func half(bits uint16) float64 {
	sign, exponent, fraction := 1.0, int(bits>>10&0x1f), float64(bits&0x3ff)
	if bits>>15 != 0 {
		sign = -1
	}
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 0x1f:
		if fraction != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}
