package gitrepo

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendPatch appends changes to dst in the form of git diff, which git apply
// takes. Files that are too large or no text are named only, as git names binary
// ones. What is above 16 MiB in all is left out; whole says whether nothing was.
func AppendPatch(dst []byte, changes []Change) (patch []byte, whole bool) {
	begin := len(dst)
	whole = true
	for i := range changes {
		n := len(dst)
		dst = changes[i].appendTo(dst)
		if len(dst)-begin > maxPatch {
			dst, whole = dst[:n], false
		}
	}
	return dst, whole
}

func (c *Change) appendTo(dst []byte) []byte {
	from, to := quotePath("a/"+c.Path), quotePath("b/"+c.Path)
	dst = fmt.Appendf(dst, "diff --git %s %s\n", from, to)
	mode := ""
	switch {
	case c.Status == 'A':
		dst = fmt.Appendf(dst, "new file mode %06o\n", c.newMode)
	case c.Status == 'D':
		dst = fmt.Appendf(dst, "deleted file mode %06o\n", c.oldMode)
	case c.oldMode != c.newMode:
		dst = fmt.Appendf(dst, "old mode %06o\nnew mode %06o\n", c.oldMode, c.newMode)
	default:
		mode = fmt.Sprintf(" %06o", c.newMode)
	}
	if c.oldID == c.newID {
		return dst
	}
	dst = fmt.Appendf(dst, "index %s..%s%s\n", shownID(c.oldID, c.newID), shownID(c.newID, c.oldID), mode)
	if c.Status == 'A' {
		from = "/dev/null"
	}
	if c.Status == 'D' {
		to = "/dev/null"
	}
	if !c.shown || isBinary(c.old) || isBinary(c.new) {
		return fmt.Appendf(dst, "Binary files %s and %s differ\n", from, to)
	}
	if len(c.old)+len(c.new) == 0 {
		return dst
	}
	dst = fmt.Appendf(dst, "--- %s\n+++ %s\n", from, to)
	return appendHunks(dst, c.old, c.new)
}

// shownID is an object id, or that of nothing.
func shownID(id, other string) string {
	if id == "" {
		return strings.Repeat("0", len(other))
	}
	return id
}

// isBinary is git's rule: a zero byte near the beginning.
func isBinary(data []byte) bool { return bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0 }

// quotePath writes a path as git does: in quotes when it holds what could be
// misread.
func quotePath(path string) string {
	plain := utf8.ValidString(path)
	for i := range len(path) {
		plain = plain && path[i] >= ' ' && path[i] < 0x7f && path[i] != '"' && path[i] != '\\'
	}
	if plain {
		return path
	}
	b := []byte{'"'}
	for i := range len(path) {
		switch c := path[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c >= 0x7f:
			b = fmt.Appendf(b, `\%03o`, c)
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}

// around is how many lines around a change are shown.
const around = 3

// appendHunks appends the hunks of a unified diff.
func appendHunks(dst, old, new []byte) []byte {
	a, b := lines(old), lines(new)
	edits := diff(a, b)
	for i := 0; i < len(edits); {
		j := i + 1
		for j < len(edits) && edits[j].a0-edits[j-1].a1 <= 2*around {
			j++
		}
		dst = appendHunk(dst, a, b, edits[i:j])
		i = j
	}
	return dst
}

func appendHunk(dst []byte, a, b [][]byte, edits []edit) []byte {
	first, last := edits[0], edits[len(edits)-1]
	before := min(around, first.a0)
	after := min(around, len(a)-last.a1)
	a0, a1, b0, b1 := first.a0-before, last.a1+after, first.b0-before, last.b1+after
	dst = append(dst, "@@ -"...)
	dst = append(appendRange(dst, a0, a1), " +"...)
	dst = append(appendRange(dst, b0, b1), " @@\n"...)
	at := a0
	for _, e := range edits {
		dst = appendLines(dst, ' ', a[at:e.a0])
		dst = appendLines(dst, '-', a[e.a0:e.a1])
		dst = appendLines(dst, '+', b[e.b0:e.b1])
		at = e.a1
	}
	return appendLines(dst, ' ', a[at:a1])
}

// appendRange appends the lines from i to j, counted from 1; an empty range names
// the line before it.
func appendRange(dst []byte, i, j int) []byte {
	n := j - i
	first := i + min(n, 1)
	dst = strconv.AppendInt(dst, int64(first), 10)
	if n != 1 {
		dst = strconv.AppendInt(append(dst, ','), int64(n), 10)
	}
	return dst
}

func appendLines(dst []byte, sign byte, list [][]byte) []byte {
	for _, line := range list {
		dst = append(append(dst, sign), line...)
		if len(line) == 0 || line[len(line)-1] != '\n' {
			dst = append(dst, "\n\\ No newline at end of file\n"...)
		}
	}
	return dst
}

// lines splits a text behind each line end.
func lines(text []byte) (list [][]byte) {
	for line := range bytes.Lines(text) {
		list = append(list, line)
	}
	return list
}
