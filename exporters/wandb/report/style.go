package report

import "strings"

// style paints text for a terminal, or leaves it alone.
type style struct{ color bool }

// SGR parameters of ECMA-48.
const (
	bold   = "1"
	dim    = "2"
	green  = "32"
	yellow = "33"
	blue   = "34"
	red    = "31"
)

func (s style) paint(sgr, text string) string {
	if !s.color || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

// clean makes text from outside safe for a terminal: control characters,
// escape sequences among them, become U+FFFD; newlines become spaces.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r < 0x20 || (r >= 0x7f && r < 0xa0):
			return '\uFFFD'
		}
		return r
	}, text)
}

// cut shortens text to n runes, the last one an ellipsis.
func cut(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	if n < 1 {
		return ""
	}
	return string(r[:n-1]) + "…"
}
