package store

import (
	"bytes"
	"fmt"
	"strconv"
)

// StepOf is the _step of a history line, -1 without one. Only the row's own
// counts, not what lies in values.
func StepOf(line []byte) int64 {
	depth := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			end := endOfString(line, i)
			if depth == 1 && string(line[i:end]) == `"_step"` {
				if step, ok := numberAfterColon(line[end:]); ok {
					return step
				}
			}
			i = end - 1
		}
	}
	return -1
}

// endOfString is the index behind the closing quote of the string at i.
func endOfString(line []byte, i int) int {
	for j := i + 1; j < len(line); j++ {
		switch line[j] {
		case '\\':
			j++
		case '"':
			return j + 1
		}
	}
	return len(line)
}

// numberAfterColon reads a whole number that is not negative.
func numberAfterColon(rest []byte) (int64, bool) {
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(rest, " \t"), []byte{':'})
	rest = bytes.TrimLeft(rest, " \t")
	end := bytes.IndexAny(rest, ",} \t")
	if !ok || end < 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(rest[:end]), 10, 64)
	return n, err == nil && n >= 0
}

// withStep adds the step that shared mode leaves to the server.
func withStep(line []byte, step int64) []byte {
	row := bytes.TrimSuffix(bytes.TrimSpace(line), []byte{'}'})
	sep := ","
	if len(bytes.TrimSpace(row)) == 1 {
		sep = ""
	}
	return fmt.Appendf(bytes.Clone(row), `%s"_step":%d}`, sep, step)
}
