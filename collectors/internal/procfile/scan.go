package procfile

import "bytes"

// Line splits b after its first line; the newline belongs to neither part.
func Line(b []byte) (line, rest []byte) {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// Field splits b after its first run of bytes that are neither space nor tab,
// leading blanks skipped. field is empty at the end of b.
func Field(b []byte) (field, rest []byte) {
	i := skipBlank(b)
	j := i
	for j < len(b) && b[j] != ' ' && b[j] != '\t' {
		j++
	}
	return b[i:j], b[j:]
}

// Skip drops n fields.
func Skip(b []byte, n int) []byte {
	for ; n > 0; n-- {
		_, b = Field(b)
	}
	return b
}

// Uint scans a decimal number after leading blanks. ok is false when there is
// no digit or the number does not fit uint64; rest then is b unchanged.
func Uint(b []byte) (v uint64, rest []byte, ok bool) {
	i := skipBlank(b)
	start := i
	for ; i < len(b); i++ {
		d := b[i] - '0'
		if d > 9 {
			break
		}
		if v > (1<<64-1-uint64(d))/10 {
			return 0, b, false
		}
		v = v*10 + uint64(d)
	}
	if i == start {
		return 0, b, false
	}
	return v, b[i:], true
}

// Int scans a decimal number with an optional minus sign, as Uint does.
func Int(b []byte) (v int64, rest []byte, ok bool) {
	i := skipBlank(b)
	neg := i < len(b) && b[i] == '-'
	if neg {
		i++
	}
	if i >= len(b) || b[i]-'0' > 9 {
		return 0, b, false
	}
	u, rest, ok := Uint(b[i:])
	switch {
	case !ok || (neg && u > 1<<63) || (!neg && u > 1<<63-1):
		return 0, b, false
	case neg:
		return -int64(u), rest, true
	}
	return int64(u), rest, true
}

// Float scans a plain decimal such as 12.34 (no exponent), as Uint does.
func Float(b []byte) (v float64, rest []byte, ok bool) {
	u, rest, ok := Uint(b)
	if !ok {
		return 0, b, false
	}
	v = float64(u)
	if len(rest) < 2 || rest[0] != '.' {
		return v, rest, true
	}
	i, digits, scale := 1, uint64(0), 1.0
	for ; i < len(rest) && rest[i]-'0' <= 9; i++ {
		if scale < 1e15 {
			digits = digits*10 + uint64(rest[i]-'0')
			scale *= 10
		}
	}
	return v + float64(digits)/scale, rest[i:], true
}

func skipBlank(b []byte) int {
	i := 0
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	return i
}
