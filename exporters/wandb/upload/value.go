package upload

import (
	"bytes"
	"strconv"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// appendValue appends one value of extended JSON as the server shall have it:
// on one line, whole floats without fraction. What is not JSON is sent as the
// text it is.
func appendValue(dst, text []byte) []byte {
	if kind := numberKind(text); kind == plainNumber {
		return append(dst, text...)
	} else if kind == oddNumber {
		return appendOddNumber(dst, text)
	}
	s := scanner{text: text}
	if !s.value(0) || !s.end() {
		return xjson.AppendString(dst, string(text))
	}
	if !s.breaks {
		return append(dst, text...)
	}
	start := len(dst)
	dst = append(dst, text...)
	for i, c := range dst[start:] { // outside strings: inside they are not JSON
		if c == '\n' || c == '\r' {
			dst[start+i] = ' '
		}
	}
	return dst
}

const (
	noNumber = iota
	plainNumber
	oddNumber // with an exponent, a fraction of zeros, or too many digits
)

// numberKind looks at the most common values without parsing them.
func numberKind(text []byte) int {
	i := 0
	if i < len(text) && text[i] == '-' {
		i++
	}
	first := i
	for i < len(text) && text[i] >= '0' && text[i] <= '9' {
		i++
	}
	digits := i - first
	if digits == 0 || digits > 1 && text[first] == '0' {
		return noNumber
	}
	if i == len(text) {
		if digits > 18 || digits == 1 && first == 1 && text[first] == '0' {
			return oddNumber
		}
		return plainNumber
	}
	if text[i] == '.' {
		fraction := i + 1
		for i++; i < len(text) && text[i] >= '0' && text[i] <= '9'; i++ {
		}
		if i == fraction {
			return noNumber
		}
		if i == len(text) && text[i-1] != '0' {
			return plainNumber
		}
	}
	if i == len(text) || text[i] == 'e' || text[i] == 'E' {
		return oddNumber
	}
	return noNumber
}

func appendOddNumber(dst, text []byte) []byte {
	s := scanner{text: text}
	if !s.value(0) || !s.end() {
		return xjson.AppendString(dst, string(text))
	}
	if bytes.IndexByte(text, '.') < 0 && !bytes.ContainsAny(text, "eE") {
		if i, err := strconv.ParseInt(string(text), 10, 64); err == nil && string(text) != "-0" {
			return strconv.AppendInt(dst, i, 10)
		}
	}
	f, _ := strconv.ParseFloat(string(text), 64) // out of range reads as infinity, as Python does
	return xjson.AppendFloat(dst, f)
}

// scanner checks extended JSON without building it.
type scanner struct {
	text   []byte
	pos    int
	breaks bool // there are line breaks between the tokens
}

func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case '\n', '\r':
			s.breaks = true
		case ' ', '\t':
		default:
			return
		}
		s.pos++
	}
}

func (s *scanner) end() bool {
	s.space()
	return s.pos == len(s.text)
}

func (s *scanner) word(w string) bool {
	if len(s.text)-s.pos < len(w) || string(s.text[s.pos:s.pos+len(w)]) != w {
		return false
	}
	s.pos += len(w)
	return true
}

func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func (s *scanner) value(depth int) bool {
	if depth > xjson.MaxDepth {
		return false
	}
	s.space()
	switch c := s.peek(); {
	case c == '{':
		return s.list(depth, '}', true)
	case c == '[':
		return s.list(depth, ']', false)
	case c == '"':
		return s.str()
	case c == '-' && s.word("-Infinity"):
		return true
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	return s.word("null") || s.word("true") || s.word("false") || s.word("NaN") || s.word("Infinity")
}

// list reads the members of an object or list up to its closing mark.
func (s *scanner) list(depth int, end byte, keys bool) bool {
	s.pos++
	s.space()
	if s.peek() == end {
		s.pos++
		return true
	}
	for {
		if s.space(); keys {
			if s.peek() != '"' || !s.str() {
				return false
			}
			if s.space(); !s.word(":") {
				return false
			}
		}
		if !s.value(depth + 1) {
			return false
		}
		s.space()
		switch s.peek() {
		case end:
			s.pos++
			return true
		case ',':
			s.pos++
		default:
			return false
		}
	}
}

func (s *scanner) str() bool {
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return true
		case c < 0x20:
			return false
		case c == '\\':
			s.pos++
			if c := s.peek(); c == 'u' {
				for range 4 {
					if s.pos++; !isHex(s.peek()) {
						return false
					}
				}
			} else if bytes.IndexByte([]byte(`"\/bfnrt`), c) < 0 {
				return false
			}
		}
	}
	return false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (s *scanner) digits() int {
	start := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos - start
}

func (s *scanner) number() bool {
	s.word("-")
	lead := s.peek()
	if n := s.digits(); n == 0 || n > 1 && lead == '0' {
		return false
	}
	if s.word(".") && s.digits() == 0 {
		return false
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		return s.digits() > 0
	}
	return true
}
