package filestream

import (
	"unicode/utf8"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// MaxLine is the longest line that the server takes, in bytes (10 MiB less
// 100 KiB); longer ones must not be sent.
const MaxLine = 10<<20 - 100<<10

// MaxRequest is about how many bytes of lines one request may have.
const MaxRequest = 10 << 20

// Lines are lines of one file, kept as the JSON strings that a request has.
// The zero value is empty.
type Lines struct {
	body []byte // "line","line",... without a comma at the end
	ends []int  // where each line ends in body
}

// Append adds a line, which has no line break. It keeps nothing of it.
func (l *Lines) Append(line []byte) {
	if len(l.ends) > 0 {
		l.body = append(l.body, ',')
	}
	l.body = appendString(l.body, line)
	l.ends = append(l.ends, len(l.body))
}

// Len is the number of lines.
func (l *Lines) Len() int { return len(l.ends) }

// Bytes is their size in a request.
func (l *Lines) Bytes() int { return len(l.body) }

// Reset forgets the lines and keeps the memory, unless one huge line made it
// far larger than a request.
func (l *Lines) Reset() {
	if cap(l.body) > 4*MaxRequest {
		l.body = nil
	}
	l.body, l.ends = l.body[:0], l.ends[:0]
}

// DropFirst forgets the first n lines.
func (l *Lines) DropFirst(n int) {
	if n > 0 {
		*l = l.slice(n, l.Len())
	}
}

// slice is a view of the lines from i to before j.
func (l *Lines) slice(i, j int) Lines {
	if i >= j {
		return Lines{}
	}
	start := l.start(i)
	ends := make([]int, 0, j-i)
	for _, end := range l.ends[i:j] {
		ends = append(ends, end-start)
	}
	return Lines{body: l.body[start:l.ends[j-1]:l.ends[j-1]], ends: ends}
}

func (l *Lines) start(i int) int {
	if i == 0 {
		return 0
	}
	return l.ends[i-1] + 1 // behind the comma
}

// plain says which bytes stand in a JSON string as they are.
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf
	}
	return t
}()

// appendString appends line as a JSON string. Bytes that are not UTF-8 become
// U+FFFD.
func appendString(dst, line []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(line); {
		c := line[i]
		if plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(line[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, line[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		dst = append(dst, line[start:i]...)
		dst = xjson.AppendEscape(dst, c)
		i++
		start = i
	}
	return append(append(dst, line[start:]...), '"')
}
