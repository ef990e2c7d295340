package console

import (
	"encoding/json"
	"time"
	"unicode/utf8"
)

// maxLine is the most characters that a line of a terminal holds.
const maxLine = 4096

// timeLayout is Python's isoformat, of UTC.
const timeLayout = "2006-01-02T15:04:05.000000"

// A line is a row of the window. Its memory is used again for later lines.
type line struct {
	text   []rune
	shown  int // characters up to the newest change: what readers get
	at     time.Time
	stderr bool
	dirty  bool
}

// reset makes l a new, empty line.
func (l *line) reset(at time.Time, stderr bool) {
	text := l.text[:0]
	if cap(text) > maxLine {
		text = nil
	}
	*l = line{text: text, at: at, stderr: stderr}
}

// put overwrites characters from x on. It returns the number of characters in
// text, how many of them lay beyond the longest line, and whether a reader
// sees a difference. As in the official client a blank put at the end of a
// line shows only once something follows it.
func (l *line) put(x int, text string) (n, cut int, changed bool) {
	for i := 0; i < len(text); n++ {
		c, size := rune(text[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(text[i:])
		}
		i += size
		switch at := x + n; {
		case at >= maxLine:
			cut++
		case l.set(at, c):
			changed = true
		}
	}
	return n, cut, changed
}

// set puts one character and returns whether it is another one than before.
func (l *line) set(at int, c rune) bool {
	for len(l.text) <= at {
		l.text = append(l.text, ' ')
	}
	if l.text[at] == c {
		return false
	}
	l.text[at] = c
	l.shown = len(l.text)
	return true
}

// string returns what is shown.
func (l *line) string() string { return string(l.text[:l.shown]) }

// A format says how lines look in the file stream.
type format struct {
	label      string
	structured bool
	buf        []byte
}

// render returns l as the server wants it.
func (f *format) render(l *line) string {
	if f.structured {
		if text, ok := f.object(l); ok {
			return text
		}
	}
	b := f.buf[:0]
	if l.stderr {
		b = append(b, "ERROR "...)
	}
	b = l.at.UTC().AppendFormat(b, timeLayout)
	b = append(b, ' ')
	if f.label != "" {
		b = append(append(append(b, '['), f.label...), "] "...)
	}
	for _, c := range l.text[:l.shown] {
		b = utf8.AppendRune(b, c)
	}
	f.buf = b
	return string(b)
}

// object returns l as a JSON object in one line.
func (f *format) object(l *line) (string, bool) {
	fields := struct {
		Level   string `json:"level,omitempty"`
		Time    string `json:"ts"`
		Label   string `json:"label,omitempty"`
		Content string `json:"content"`
	}{Time: l.at.UTC().Format(timeLayout), Label: f.label, Content: l.string()}
	if l.stderr {
		fields.Level = "error"
	}
	text, err := json.Marshal(fields)
	return string(text), err == nil
}
