package console

import (
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// flushBytes is how much text a Text collects before it writes.
const flushBytes = 64 << 10

// A Text is files/output.log: the text of all lines without times and labels,
// as the official client leaves it. Lines that can still change are written by
// Screen.Sync only.
type Text struct {
	file *os.File
	end  int64  // bytes of the file that hold final lines
	buf  []byte // final lines not yet in the file
	err  error
}

// NewText returns a Text that fills f, which must be empty and open for
// writing. The caller closes f, after the last Sync.
func NewText(f *os.File) *Text { return &Text{file: f} }

// final appends a line that will not change.
func (t *Text) final(l *line) {
	t.buf = appendLine(t.buf, l)
	if len(t.buf) >= flushBytes {
		t.flush()
	}
}

// flush writes the final lines.
func (t *Text) flush() {
	if t.err == nil {
		_, t.err = t.file.WriteAt(t.buf, t.end)
		t.end += int64(len(t.buf))
	}
	t.buf = t.buf[:0]
}

// Sync brings the file of Options.Text up to date. The first error that the
// file had is returned, now and later; the lines of Take have nothing to do
// with it.
func (s *Screen) Sync() error {
	t := s.text
	if t == nil {
		return nil
	}
	t.flush()
	if t.err == nil {
		t.err = t.tail(s)
	}
	if t.err != nil {
		return fmt.Errorf("write console text: %w", t.err)
	}
	return nil
}

// tail writes the lines that can still change behind the final ones.
func (t *Text) tail(s *Screen) error {
	var b []byte
	for n := s.oldest; n < s.next; n++ {
		b = appendLine(b, s.at(n))
	}
	if _, err := t.file.WriteAt(b, t.end); err != nil {
		return err
	}
	return t.file.Truncate(t.end + int64(len(b)))
}

// appendLine appends what l shows, and a newline.
func appendLine(dst []byte, l *line) []byte {
	for _, c := range l.text[:l.shown] {
		dst = utf8.AppendRune(dst, c)
	}
	return append(dst, '\n')
}

// FileName returns the name of the console file, below files/, of the writer
// with this label.
func FileName(label string) string {
	if label == "" {
		return "output.log"
	}
	safe := strings.Map(func(c rune) rune {
		switch {
		case c == '/' || c == 0:
			return '_'
		case unicode.IsControl(c):
			return -1
		}
		return c
	}, label)
	return "output_" + strings.TrimSpace(strings.TrimRight(safe, ".")) + ".log"
}
