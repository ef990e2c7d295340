package runlog

import (
	"regexp"
	"strings"
	"testing"
)

func TestPlainLine(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                       "plain",
		"10%\r50%\r":                  "50%",
		"\x1b[1;31mred\x1b[0m":        "\x1b[1;31mred\x1b[0m",
		"\x1b[2A\x1b[2Kup \x1b]x and": "up x and",
		"\x1b7saved\x1b":              "saved",
		"half \x1b[12":                "half ",
	} {
		if got := plainLine([]byte(text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

var colour = regexp.MustCompile("\x1b\\[[^\x40-\x7e]*m")

// Whatever a program printed, a line of another writer moves no cursor.
func FuzzPlainLine(f *testing.F) {
	f.Add("a\rb\x1b[31mc\x1b[2Kd\x1b")
	f.Fuzz(func(t *testing.T, text string) {
		got := plainLine([]byte(text))
		if rest := colour.ReplaceAllString(got, ""); strings.ContainsAny(rest, "\r\x1b") {
			t.Errorf("%q: got %q, which moves the cursor", text, got)
		}
	})
}
