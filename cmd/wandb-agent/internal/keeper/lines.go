package keeper

import (
	"bytes"
	"unicode/utf8"
)

// maxTail is how long a line without an end may get before it is handed on.
const maxTail = 64 << 10

// lines cuts one stream's bytes into text that ends where a line ends ('\n',
// or the '\r' of a progress bar), so that the log's records and whoever looks
// for secrets in them see whole lines.
type lines struct {
	emit func(at int64, text []byte)
	tail []byte // the line that has not ended
	at   int64  // when its first byte was read
}

// add hands on what p completes and keeps the rest.
func (l *lines) add(at int64, p []byte) {
	end := lastBreak(p)
	if end > 0 {
		rest := p[:end]
		if len(l.tail) > 0 {
			first := 1 + bytes.IndexAny(rest, "\r\n")
			l.tail = append(l.tail, rest[:first]...)
			l.emit(l.at, l.tail)
			l.tail = l.tail[:0]
			rest = rest[first:]
		}
		if len(rest) > 0 {
			l.emit(at, rest)
		}
		p = p[end:]
	}
	if len(p) == 0 {
		return
	}
	if len(l.tail) == 0 {
		l.at = at
	}
	l.tail = append(l.tail, p...)
	if len(l.tail) >= maxTail {
		l.flush(false)
	}
}

// flush hands on the line that has not ended; the first bytes of a UTF-8
// sequence wait for the others unless there will be none.
func (l *lines) flush(final bool) {
	end := len(l.tail)
	if !final {
		end = lastWhole(l.tail)
	}
	if end == 0 {
		return
	}
	l.emit(l.at, l.tail[:end])
	l.tail = append(l.tail[:0], l.tail[end:]...)
}

func (l *lines) pending() bool { return len(l.tail) > 0 }

// lastBreak returns the index behind the last end of a line in p, 0 if none.
func lastBreak(p []byte) int {
	n := 1 + bytes.LastIndexByte(p, '\n')
	if r := 1 + bytes.LastIndexByte(p[n:], '\r'); r > 0 {
		return n + r
	}
	return n
}

// lastWhole returns the length of p without the beginning of a UTF-8 sequence
// at its end.
func lastWhole(p []byte) int {
	for i := len(p) - 1; i >= 0 && i >= len(p)-utf8.UTFMax; i-- {
		if utf8.RuneStart(p[i]) {
			if utf8.FullRune(p[i:]) {
				break
			}
			return i
		}
	}
	return len(p)
}
