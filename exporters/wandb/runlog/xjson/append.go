package xjson

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendFloat appends v in its shortest form that reads back as the same
// float64. It does not allocate.
func AppendFloat(dst []byte, v float64) []byte {
	switch {
	case v != v:
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	}
	// Exponents only where plain digits would be long, as JavaScript does.
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	// Small whole numbers are common (counters, epochs) and integers print
	// several times faster than floats.
	if i := int64(v); float64(i) == v && i > -1<<53 && i < 1<<53 && (i != 0 || !math.Signbit(v)) {
		return strconv.AppendInt(dst, i, 10)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 64)
}

// AppendInt appends v.
func AppendInt(dst []byte, v int64) []byte { return strconv.AppendInt(dst, v, 10) }

const hex = "0123456789abcdef"

// AppendString appends s quoted. Bytes that are not UTF-8 become U+FFFD; the
// characters <, > and & stay as they are. It does not allocate.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		if b < 0x20 || b == '"' || b == '\\' {
			dst = AppendEscape(append(dst, s[start:i]...), b)
			start = i + 1
		}
		i++
	}
	return append(append(dst, s[start:]...), '"')
}

// AppendEscape appends the escape of a byte that cannot stand in a string as it
// is: a control character, a quote or a backslash.
func AppendEscape(dst []byte, b byte) []byte {
	switch b {
	case '"', '\\':
		return append(dst, '\\', b)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
}
