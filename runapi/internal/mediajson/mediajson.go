// Package mediajson writes the JSON of media files and of objects in artifacts
// byte for byte as the official client does, so that equal values have equal
// hashes: keys sorted, floats with a fraction or an exponent, NaN and the
// infinities as bare words.
//
//	Append        files of a run: no spaces
//	AppendSpaced  objects of an artifact: spaces behind commas and colons, ASCII only
package mediajson

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// Raw is JSON that is written as it is.
type Raw []byte

// MarshalJSON gives it to other encoders.
func (r Raw) MarshalJSON() ([]byte, error) { return r, nil }

// Member is one of an object whose members stand in an order.
type Member struct {
	Key   string
	Value any
}

// Members are an object in the order that is given.
type Members []Member

// Object is the object without an order.
func (m Members) Object() map[string]any {
	o := make(map[string]any, len(m))
	for _, e := range m {
		if inner, ok := e.Value.(Members); ok {
			e.Value = inner.Object()
		}
		o[e.Key] = e.Value
	}
	return o
}

// Append appends v without spaces. What is not listed in the package comment
// of xjson is an error.
func Append(dst []byte, v any) ([]byte, error) { return Style{}.Append(dst, v) }

// AppendSpaced appends v as objects in artifacts are written.
func AppendSpaced(dst []byte, v any) ([]byte, error) { return Style{Spaced: true}.Append(dst, v) }

// Style is how JSON looks.
type Style struct{ Spaced bool }

// Comma is what stands between two elements.
func (s Style) Comma() string {
	if s.Spaced {
		return ", "
	}
	return ","
}

func (s Style) colon() string {
	if s.Spaced {
		return ": "
	}
	return ":"
}

// Append appends v.
func (s Style) Append(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case Raw:
		return append(dst, v...), nil
	case string:
		return s.text(dst, v), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case float64:
		return AppendFloat(dst, v), nil
	case map[string]any:
		return s.object(dst, v)
	case Members:
		return s.members(dst, v)
	case []any:
		return list(s, dst, v)
	case []string:
		return list(s, dst, v)
	case []float64:
		return list(s, dst, v)
	case []int64:
		return list(s, dst, v)
	}
	return s.other(dst, v)
}

// other brings v into the types of Append.
func (s Style) other(dst []byte, v any) ([]byte, error) {
	text, err := xjson.AppendValue(nil, v)
	if err != nil {
		return dst, err
	}
	plain, err := xjson.Decode(text)
	if err != nil {
		return dst, err
	}
	return s.Append(dst, plain)
}

func (s Style) object(dst []byte, m map[string]any) ([]byte, error) {
	list := make(Members, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, Member{key, m[key]})
	}
	return s.members(dst, list)
}

func (s Style) members(dst []byte, m Members) ([]byte, error) {
	dst = append(dst, '{')
	for i, e := range m {
		if i > 0 {
			dst = append(dst, s.Comma()...)
		}
		dst = append(s.text(dst, e.Key), s.colon()...)
		var err error
		if dst, err = s.Append(dst, e.Value); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func list[T any](s Style, dst []byte, v []T) ([]byte, error) {
	dst = append(dst, '[')
	for i := range v {
		if i > 0 {
			dst = append(dst, s.Comma()...)
		}
		var err error
		if dst, err = s.Append(dst, v[i]); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// AppendFloat appends v so that it reads back as a float.
func AppendFloat(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return xjson.AppendFloat(dst, v)
	case v == math.Trunc(v) && math.Abs(v) < 1e16:
		return strconv.AppendFloat(dst, v, 'f', 1, 64)
	case math.Abs(v) >= 1e16 || v != 0 && math.Abs(v) < 1e-4:
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 64)
}

const hex = "0123456789abcdef"

// text appends t quoted. Bytes that are not UTF-8 become U+FFFD.
func (s Style) text(dst []byte, t string) []byte {
	if !s.Spaced {
		return xjson.AppendString(dst, t)
	}
	dst = append(dst, '"')
	for len(t) > 0 {
		c, n := utf8.DecodeRuneInString(t)
		t = t[n:]
		if at := slices.Index(escaped, c); at >= 0 {
			dst = append(dst, '\\', letters[at])
			continue
		}
		if c >= ' ' && c < utf8.RuneSelf {
			dst = append(dst, byte(c))
			continue
		}
		if c > 0xffff {
			c -= 0x10000
			dst = unicodeEscape(dst, 0xd800+c>>10)
			c = 0xdc00 + c&0x3ff
		}
		dst = unicodeEscape(dst, c)
	}
	return append(dst, '"')
}

var escaped = []rune("\"\\\n\r\t\b\f")

const letters = `"\nrtbf`

func unicodeEscape(dst []byte, c rune) []byte {
	return append(dst, '\\', 'u', hex[c>>12&15], hex[c>>8&15], hex[c>>4&15], hex[c&15])
}
