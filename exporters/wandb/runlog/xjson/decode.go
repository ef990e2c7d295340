package xjson

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Decode parses one value of extended JSON and refuses anything after it but
// white space. Integers that fit come back as int64, other numbers as
// float64, objects as map[string]any (the last of two equal keys wins).
func Decode(text []byte) (any, error) {
	d := decoder{text: text}
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if d.space(); d.pos != len(text) {
		return nil, d.fail("more text after the value")
	}
	return v, nil
}

type decoder struct {
	text []byte
	pos  int
}

func (d *decoder) fail(why string) error {
	end := min(len(d.text), d.pos+16)
	return fmt.Errorf("parse JSON at byte %d %q: %s", d.pos, d.text[d.pos:end], why)
}

func (d *decoder) space() {
	for d.pos < len(d.text) {
		switch d.text[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *decoder) peek() byte {
	if d.pos < len(d.text) {
		return d.text[d.pos]
	}
	return 0
}

func (d *decoder) word(w string) bool {
	if len(d.text)-d.pos >= len(w) && string(d.text[d.pos:d.pos+len(w)]) == w {
		d.pos += len(w)
		return true
	}
	return false
}

func (d *decoder) value(depth int) (any, error) {
	if depth > MaxDepth {
		return nil, d.fail(fmt.Sprintf("nested deeper than %d levels", MaxDepth))
	}
	d.space()
	switch c := d.peek(); {
	case c == '{':
		return d.object(depth)
	case c == '[':
		return d.list(depth)
	case c == '"':
		return d.str()
	case c == '-' && !d.word("-Infinity"), c >= '0' && c <= '9':
		return d.number()
	case c == '-':
		return math.Inf(-1), nil
	}
	switch {
	case d.word("null"):
		return nil, nil
	case d.word("true"):
		return true, nil
	case d.word("false"):
		return false, nil
	case d.word("NaN"):
		return math.NaN(), nil
	case d.word("Infinity"):
		return math.Inf(1), nil
	}
	return nil, d.fail("no value starts here")
}

func (d *decoder) object(depth int) (any, error) {
	out := map[string]any{}
	for first := true; ; first = false {
		d.pos++ // the brace or comma
		d.space()
		if first && d.word("}") {
			return out, nil
		}
		if d.peek() != '"' {
			return nil, d.fail("want a key")
		}
		key, err := d.str()
		if err != nil {
			return nil, err
		}
		if d.space(); !d.word(":") {
			return nil, d.fail("want a colon")
		}
		if out[key], err = d.value(depth + 1); err != nil {
			return nil, err
		}
		if d.space(); d.word("}") {
			return out, nil
		}
		if d.peek() != ',' {
			return nil, d.fail("want a comma or }")
		}
	}
}

func (d *decoder) list(depth int) (any, error) {
	out := []any{}
	for first := true; ; first = false {
		d.pos++ // the bracket or comma
		d.space()
		if first && d.word("]") {
			return out, nil
		}
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		if d.space(); d.word("]") {
			return out, nil
		}
		if d.peek() != ',' {
			return nil, d.fail("want a comma or ]")
		}
	}
}

func (d *decoder) digits() bool {
	start := d.pos
	for c := d.peek(); c >= '0' && c <= '9'; c = d.peek() {
		d.pos++
	}
	return d.pos > start
}

func (d *decoder) number() (any, error) {
	start := d.pos
	d.word("-")
	lead := d.peek()
	first := d.pos
	if !d.digits() || lead == '0' && d.pos-first > 1 {
		return nil, d.fail("want a digit other than a leading zero")
	}
	whole := true
	if d.word(".") {
		if whole = false; !d.digits() {
			return nil, d.fail("want a digit")
		}
	}
	if c := d.peek(); c == 'e' || c == 'E' {
		whole = false
		d.pos++
		if c := d.peek(); c == '+' || c == '-' {
			d.pos++
		}
		if !d.digits() {
			return nil, d.fail("want a digit")
		}
	}
	text := string(d.text[start:d.pos])
	if whole && text != "-0" { // an integer zero has no sign to keep
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(f, 0) { // out of range reads as infinity, as Python does
		return nil, d.fail(err.Error())
	}
	return f, nil
}

func (d *decoder) str() (string, error) {
	d.pos++ // the opening quote
	var out []byte
	for d.pos < len(d.text) {
		switch c := d.text[d.pos]; {
		case c == '"':
			d.pos++
			return string(out), nil
		case c < 0x20:
			return "", d.fail("control character in a string")
		case c == '\\':
			r, err := d.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		case c < utf8.RuneSelf:
			out = append(out, c)
			d.pos++
		default:
			r, n := utf8.DecodeRune(d.text[d.pos:])
			out = utf8.AppendRune(out, r)
			d.pos += n
		}
	}
	return "", d.fail("string without an end")
}

// escape reads a backslash sequence, two of them for a surrogate pair.
func (d *decoder) escape() (rune, error) {
	if d.pos+1 >= len(d.text) {
		return 0, d.fail("string without an end")
	}
	c := d.text[d.pos+1]
	switch c {
	case '"', '\\', '/':
		d.pos += 2
		return rune(c), nil
	case 'u':
		return d.unicode()
	}
	for i, short := range "bfnrt" {
		if rune(c) == short {
			d.pos += 2
			return rune("\b\f\n\r\t"[i]), nil
		}
	}
	return 0, d.fail("unknown escape")
}

func (d *decoder) unicode() (rune, error) {
	r, ok := d.hex4()
	if !ok {
		return 0, d.fail("want \\u and four hex digits")
	}
	if utf16.IsSurrogate(r) {
		save := d.pos
		if low, ok := d.hex4(); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, nil
			}
		}
		d.pos = save
		return utf8.RuneError, nil
	}
	return r, nil
}

func (d *decoder) hex4() (rune, bool) {
	if d.pos+6 > len(d.text) || d.text[d.pos] != '\\' || d.text[d.pos+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(d.text[d.pos+2:d.pos+6]), 16, 16)
	if err != nil {
		return 0, false
	}
	d.pos += 6
	return rune(n), true
}
