package console

import "unicode/utf8"

// height is the number of lines that a terminal shows and that can change.
const height = 32

// A terminal follows the cursor of one stream over its last lines.
type terminal struct {
	stderr bool
	view   [height]int // numbers of the lines shown, from the top
	lines  int         // how many of view are in use
	x, y   int         // the cursor; y may be below the last line
	esc    escape
	cut    []byte // beginning of a character that the last write ended in
}

// An escape says how much of an escape sequence was read.
type escape uint8

const (
	escNone escape = iota
	escSeen        // ESC
	escOpen        // ESC [
)

// write moves the cursor and puts text.
func (t *terminal) write(s *Screen, text string) {
	text = t.whole(text)
	for len(text) > 0 {
		if t.esc != escNone {
			text = text[t.escaped(s, text):]
			continue
		}
		n := plain(text)
		if n > 0 {
			t.put(s, text[:n])
		}
		if n < len(text) {
			t.control(text[n])
			n++
		}
		text = text[n:]
	}
}

// plain returns the length of the text before the next control character that
// means something.
func plain(text string) int {
	for i := range len(text) {
		if c := text[i]; c == '\n' || c == '\r' || c == '\x1b' {
			return i
		}
	}
	return len(text)
}

// control acts on \r, \n and ESC.
func (t *terminal) control(c byte) {
	switch c {
	case '\r':
		t.x = 0
	case '\n':
		t.x = 0
		t.down()
	case '\x1b':
		t.esc = escSeen
	}
}

// escaped goes on with an escape sequence and returns the number of bytes of
// text that it used. A sequence that is not known is text, with the character
// that ended it.
func (t *terminal) escaped(s *Screen, text string) int {
	switch {
	case t.esc == escSeen && text[0] == '[':
		t.esc = escOpen
		return 1
	case t.esc == escOpen && text[0] == 'A':
		t.y, t.esc = max(t.y-1, 0), escNone
		return 1
	case t.esc == escOpen && text[0] == 'B':
		t.esc = escNone
		t.down()
		return 1
	}
	t.give(s)
	if text[0] == '\n' {
		return 0
	}
	_, n := utf8.DecodeRuneInString(text)
	t.put(s, text[:n])
	return n
}

// give puts the escape sequence read so far as text.
func (t *terminal) give(s *Screen) {
	switch t.esc {
	case escSeen:
		t.put(s, "\x1b")
	case escOpen:
		t.put(s, "\x1b[")
	}
	t.esc = escNone
}

// down moves the cursor one line down and scrolls at the bottom.
func (t *terminal) down() {
	t.y++
	if t.y < height {
		return
	}
	t.y--
	if t.lines > 0 {
		copy(t.view[:], t.view[1:t.lines])
		t.lines--
	}
}

// put writes characters at the cursor. Lines come to exist down to the
// cursor's when there is something to put on it.
func (t *terminal) put(s *Screen, text string) {
	for ; t.lines <= t.y; t.lines++ {
		t.view[t.lines] = s.nextLine(t.stderr)
	}
	t.x += s.put(t.view[t.y], t.x, text)
}

// whole returns text with the cut character of the write before put together,
// and keeps the one that text ends in.
func (t *terminal) whole(text string) string {
	if len(t.cut) > 0 {
		text = string(t.cut) + text
		t.cut = t.cut[:0]
	}
	for i := len(text) - 1; i >= max(0, len(text)-utf8.UTFMax+1); i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRuneInString(text[i:]) {
				t.cut = append(t.cut, text[i:]...)
				text = text[:i]
			}
			break
		}
	}
	return text
}

// end puts a sign for the cut character: nothing will complete it. Half an
// escape sequence shows nothing.
func (t *terminal) end(s *Screen) {
	if len(t.cut) > 0 {
		t.put(s, string(utf8.RuneError))
		t.cut = t.cut[:0]
	}
}
