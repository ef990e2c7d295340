package stream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// maxDepth bounds the nesting of values.
const maxDepth = 128

var errEnd = errors.New("the text ends too early")

// parser scans JSON, with NaN and the infinities as values.
type parser struct {
	text []byte
	at   int
}

// peek skips white space and returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return c
		}
	}
	return 0
}

func (p *parser) expect(c byte) error {
	switch got := p.peek(); got {
	case c:
		p.at++
		return nil
	case 0:
		return errEnd
	default:
		return fmt.Errorf("%q where %q belongs", got, c)
	}
}

func (p *parser) end() error {
	if p.peek() != 0 || p.at < len(p.text) {
		return errors.New("text behind the value")
	}
	return nil
}

// object calls field for each name, with the parser at its value.
func (p *parser) object(field func(name string) error) error {
	if err := p.expect('{'); err != nil {
		return err
	}
	return p.items('}', func() error {
		name, err := p.text1()
		if err != nil {
			return err
		}
		if err := p.expect(':'); err != nil {
			return err
		}
		return field(string(name))
	})
}

// list calls item with the parser at each value.
func (p *parser) list(item func() error) error {
	if err := p.expect('['); err != nil {
		return err
	}
	return p.items(']', item)
}

func (p *parser) items(last byte, item func() error) error {
	if p.peek() == last {
		p.at++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if p.peek() == last {
			p.at++
			return nil
		}
		if err := p.expect(','); err != nil {
			return err
		}
	}
}

// text1 reads a string.
func (p *parser) text1() ([]byte, error) {
	raw, escaped, err := p.quoted()
	if err != nil {
		return nil, err
	}
	if !escaped {
		return bytes.Clone(raw[1 : len(raw)-1]), nil
	}
	return unescape(raw)
}

// quoted finds the end of a string.
func (p *parser) quoted() (raw []byte, escaped bool, err error) {
	switch c := p.peek(); c {
	case '"':
	case 0:
		return nil, false, errEnd
	default:
		return nil, false, fmt.Errorf("%q where a string belongs", c)
	}
	start := p.at
	for i := p.at + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '"':
			p.at = i + 1
			raw = p.text[start:p.at]
			if !utf8.Valid(raw) {
				return nil, false, errors.New("a string that is not UTF-8")
			}
			return raw, escaped, nil
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return nil, false, errors.New("a control character in a string")
		}
	}
	return nil, false, errEnd
}

// unescape resolves the escapes that lines of JSON have, and leaves rare ones
// to encoding/json.
func unescape(raw []byte) ([]byte, error) {
	out := make([]byte, 0, len(raw))
	for i := 1; i < len(raw)-1; i++ {
		next := bytes.IndexByte(raw[i:len(raw)-1], '\\')
		if next < 0 {
			return append(out, raw[i:len(raw)-1]...), nil
		}
		out = append(out, raw[i:i+next]...)
		i += next + 1
		switch raw[i] {
		case '"', '\\', '/':
			out = append(out, raw[i])
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 'r':
			out = append(out, '\r')
		default:
			var s string
			err := json.Unmarshal(raw, &s)
			return []byte(s), err
		}
	}
	return out, nil
}

// skip passes over any value.
func (p *parser) skip(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("values nest deeper than %d", maxDepth)
	}
	switch c := p.peek(); c {
	case 0:
		return errEnd
	case '{':
		p.at++
		return p.items('}', func() error {
			if _, _, err := p.quoted(); err != nil {
				return err
			}
			if err := p.expect(':'); err != nil {
				return err
			}
			return p.skip(depth + 1)
		})
	case '[':
		p.at++
		return p.items(']', func() error { return p.skip(depth + 1) })
	case '"':
		_, _, err := p.quoted()
		return err
	}
	return p.word()
}

// word passes over a number or one of the bare words.
func (p *parser) word() error {
	start := p.at
	for p.at < len(p.text) && !ends[p.text[p.at]] {
		p.at++
	}
	w := p.text[start:p.at]
	if len(w) > 0 && (w[0] == '-' || w[0] >= '0' && w[0] <= '9') && isNumber(w) {
		return nil
	}
	switch string(w) {
	case "true", "false", "null", "NaN", "Infinity", "-Infinity":
		return nil
	}
	return fmt.Errorf("%.20q is no value", w)
}

// ends are the bytes behind a word.
var ends = [256]bool{' ': true, '\t': true, '\r': true, '\n': true, ',': true, ':': true, ']': true, '}': true}

// isNumber says whether text is a number as JSON has them.
func isNumber(text []byte) bool {
	if text[0] == '-' {
		text = text[1:]
	}
	n := digits(text)
	if n == 0 || n > 1 && text[0] == '0' {
		return false
	}
	text = text[n:]
	if len(text) > 0 && text[0] == '.' {
		n := digits(text[1:])
		if n == 0 {
			return false
		}
		text = text[n+1:]
	}
	if len(text) > 0 && text[0]|0x20 == 'e' {
		text = text[1:]
		if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
			text = text[1:]
		}
		return len(text) > 0 && digits(text) == len(text)
	}
	return len(text) == 0
}

// digits is how many digits text begins with.
func digits(text []byte) int {
	for i, c := range text {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(text)
}

// isObject says whether text is one object of extended JSON on one line.
func isObject(text []byte) bool {
	p := &parser{text: text}
	return p.peek() == '{' && bytes.IndexByte(text, '\n') < 0 && p.skip(0) == nil && p.end() == nil
}
