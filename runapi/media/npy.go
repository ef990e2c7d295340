package media

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// file writes a .npy file of version 1.0 (numpy.lib.format): numbers in the order
// of rows, little-endian.
func (d numbers[N]) file(shape []int) File {
	return File{Dir: "tensor", Ext: ".npy", Write: func(w io.Writer) error {
		if _, err := w.Write(npyHeader(d.dtype(), shape)); err != nil {
			return err
		}
		return d.write(w)
	}}
}

// npyHeader is what stands before the numbers; their place is a multiple of 64.
func npyHeader(dtype string, shape []int) []byte {
	const magic = "\x93NUMPY\x01\x00"
	dims := make([]string, len(shape))
	for i, n := range shape {
		dims[i] = strconv.Itoa(n)
	}
	tuple := strings.Join(dims, ", ")
	if len(shape) == 1 {
		tuple += ","
	}
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", npyType[dtype], tuple)
	if room := 21 - len(dims[0]); room > 0 { // so that numpy may let the file grow
		dict += strings.Repeat(" ", room)
	}
	const before = len(magic) + 2
	dict += strings.Repeat(" ", 63-(before+len(dict))%64) + "\n"
	head := binary.LittleEndian.AppendUint16([]byte(magic), uint16(len(dict)))
	return append(head, dict...)
}

var npyType = map[string]string{
	"int8": "|i1", "int16": "<i2", "int32": "<i4", "int64": "<i8",
	"uint8": "|u1", "uint16": "<u2", "uint32": "<u4", "uint64": "<u8",
	"float32": "<f4", "float64": "<f8",
}

// dtype is numpy's name of the type of the numbers.
func (d numbers[N]) dtype() string {
	switch kind := reflect.TypeFor[N]().Kind(); kind {
	case reflect.Int:
		return "int64"
	case reflect.Uint:
		return "uint64"
	default:
		return kind.String()
	}
}

// chunkBytes is about how much is written at a time.
const chunkBytes = 64 << 10

func (d numbers[N]) write(w io.Writer) error {
	put := appendNumber[N](d.dtype())
	buf := make([]byte, 0, chunkBytes+8)
	for _, v := range d {
		if buf = put(buf, v); len(buf) >= chunkBytes {
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	_, err := w.Write(buf)
	return err
}

// appendNumber returns how a number of the type becomes bytes.
func appendNumber[N Number](dtype string) func([]byte, N) []byte {
	le := binary.LittleEndian
	switch dtype {
	case "float32":
		return func(b []byte, v N) []byte { return le.AppendUint32(b, math.Float32bits(float32(v))) }
	case "float64":
		return func(b []byte, v N) []byte { return le.AppendUint64(b, math.Float64bits(float64(v))) }
	case "int8", "uint8":
		return func(b []byte, v N) []byte { return append(b, byte(int64(v))) }
	case "int16", "uint16":
		return func(b []byte, v N) []byte { return le.AppendUint16(b, uint16(int64(v))) }
	case "int32", "uint32":
		return func(b []byte, v N) []byte { return le.AppendUint32(b, uint32(int64(v))) }
	case "uint64":
		return func(b []byte, v N) []byte { return le.AppendUint64(b, uint64(v)) }
	}
	return func(b []byte, v N) []byte { return le.AppendUint64(b, uint64(int64(v))) }
}
