package console

import (
	"strings"
	"time"
)

// Options are what a Screen has to know of its run.
type Options struct {
	Label      string // names the writer in front of each line; empty for a run with one writer
	Structured bool   // lines as JSON objects, for servers with STRUCTURED_CONSOLE_LOGS
	Text       *Text  // gets the text of all lines; nil for none
}

// Counts say what became of the text.
type Counts struct {
	Lines int   // lines so far, which is the number of the next one
	Cut   int64 // characters beyond the 4096th of their line, which are lost
	Late  int64 // characters put on a line that could no longer change, which are lost
}

// A Screen turns console text into numbered lines. Make it with New.
type Screen struct {
	format    format
	text      *Text
	out, err  terminal
	now       time.Time    // of the record being written
	win       [height]line // line n is at n % height
	next      int          // number of the line after the last
	oldest    int          // number of the first line that can change
	dirty     int          // dirty lines in win
	final     []finalLine  // dirty lines that left win, by number
	finalSize int          // bytes in final
	counts    Counts
}

// A finalLine left the window before it was taken.
type finalLine struct {
	number int
	text   string
}

// New returns a Screen without lines. The first line has the number 0; whoever
// continues the lines of an earlier writer adds theirs.
func New(o Options) *Screen {
	return &Screen{
		format: format{label: o.Label, structured: o.Structured},
		text:   o.Text, err: terminal{stderr: true},
	}
}

// Write takes the text of one record, seen at the given time on stderr or else
// on stdout. It may begin and end anywhere, even within a character.
func (s *Screen) Write(stderr bool, at time.Time, text string) {
	s.now = at
	if stderr {
		s.err.write(s, text)
	} else {
		s.out.write(s, text)
	}
}

// Line appends lines that did not come from a terminal: they are never
// changed, interpreted or cut. One newline at the end of text is ignored.
func (s *Screen) Line(at time.Time, text string) {
	s.now = at
	for one := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		l := s.at(s.nextLine(false))
		l.text = append(l.text, []rune(one)...)
		l.shown = len(l.text)
	}
}

// End puts a replacement character for half of one at the end of the last
// writes. Call it when no record follows, before the last Take.
func (s *Screen) End() {
	s.out.end(s)
	s.err.end(s)
}

// Counts returns what was counted so far.
func (s *Screen) Counts() Counts {
	c := s.counts
	c.Lines = s.next
	return c
}

// at returns a line that can change, or nil.
func (s *Screen) at(number int) *line {
	if number < s.oldest {
		return nil
	}
	return &s.win[number%height]
}

// nextLine begins a line and returns its number. The oldest line leaves the
// window when it is full.
func (s *Screen) nextLine(stderr bool) int {
	if s.next-s.oldest == height {
		s.retire()
	}
	number := s.next
	s.next++
	l := s.at(number)
	l.reset(s.now, stderr)
	s.mark(l)
	return number
}

// retire makes the oldest line final.
func (s *Screen) retire() {
	l := s.at(s.oldest)
	if s.text != nil {
		s.text.final(l)
	}
	if l.dirty {
		text := s.format.render(l)
		s.final = append(s.final, finalLine{s.oldest, text})
		s.finalSize += len(text)
		s.clean(l)
	}
	s.oldest++
}

// put writes characters on a line and returns their number.
func (s *Screen) put(number, x int, text string) int {
	l := s.at(number)
	if l == nil {
		n := strings.Count(text, "") - 1
		s.counts.Late += int64(n)
		return n
	}
	n, cut, changed := l.put(x, text)
	s.counts.Cut += int64(cut)
	if changed {
		s.mark(l)
	}
	return n
}

// mark says that l has to be sent.
func (s *Screen) mark(l *line) {
	if !l.dirty {
		l.dirty = true
		s.dirty++
	}
}

// clean says that l needs not to be sent.
func (s *Screen) clean(l *line) {
	l.dirty = false
	s.dirty--
}
