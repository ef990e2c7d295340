package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Lines is a file of lines that only grows, with the place of each.
type Lines struct {
	path string
	file *os.File
	ends []int64 // offset behind each line and its line end
}

// openLines opens or makes the file. A last line without an end was cut off by
// a crash and goes.
func openLines(path string) (*Lines, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	l := &Lines{path: path, file: f}
	buf := make([]byte, 1<<20)
	var at int64
	for {
		n, err := f.Read(buf)
		for i := 0; i < n; {
			j := bytes.IndexByte(buf[i:n], '\n')
			if j < 0 {
				break
			}
			i += j + 1
			l.ends = append(l.ends, at+int64(i))
		}
		at += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			f.Close()
			return nil, err
		}
	}
	return l, f.Truncate(l.size())
}

func (l *Lines) size() int64 {
	if len(l.ends) == 0 {
		return 0
	}
	return l.ends[len(l.ends)-1]
}

// Count is how many lines there are.
func (l *Lines) Count() int64 { return int64(len(l.ends)) }

// Get reads lines from first on, n at most.
func (l *Lines) Get(first, n int64) ([][]byte, error) {
	n = min(n, l.Count()-first)
	if n <= 0 {
		return nil, nil
	}
	var start int64
	if first > 0 {
		start = l.ends[first-1]
	}
	text := make([]byte, l.ends[first+n-1]-start)
	if _, err := l.file.ReadAt(text, start); err != nil {
		return nil, fmt.Errorf("read %s: %w", l.path, err)
	}
	return bytes.Split(text[:len(text)-1], []byte{'\n'}), nil
}

// Append adds lines behind the last one.
func (l *Lines) Append(lines [][]byte) error {
	at := l.size()
	size := len(lines)
	for _, line := range lines {
		size += len(line)
	}
	text, ends := make([]byte, 0, size), slices.Grow(l.ends, len(lines))
	for _, line := range lines {
		text = append(append(text, line...), '\n')
		ends = append(ends, at+int64(len(text)))
	}
	if _, err := l.file.WriteAt(text, at); err != nil {
		return fmt.Errorf("write %s: %w", l.path, err)
	}
	l.ends = ends
	return nil
}

// Put stores lines from number at on. A gap is refused; so is other content
// for a line that is there: whoever sends a line again sends the same one.
func (l *Lines) Put(at int64, lines [][]byte) error {
	if at > l.Count() {
		return fmt.Errorf("%w: offset %d after %d lines", ErrGap, at, l.Count())
	}
	known := min(int64(len(lines)), l.Count()-at)
	have, err := l.Get(at, known)
	if err != nil {
		return err
	}
	for i, line := range have {
		if !bytes.Equal(line, lines[i]) {
			return fmt.Errorf("%w: line %d was %.100q, now %.100q", ErrChanged, at+int64(i), line, lines[i])
		}
	}
	return l.Append(lines[known:])
}

// Truncate keeps the first n lines.
func (l *Lines) Truncate(n int64) error {
	if n >= l.Count() {
		return nil
	}
	l.ends = l.ends[:n]
	return l.file.Truncate(l.size())
}

func (l *Lines) close() error { return l.file.Close() }

// What is wrong with lines that a client sends.
var (
	ErrGap     = errors.New("lines leave a gap")
	ErrChanged = errors.New("a line that is stored comes again with other content")
)
