package console

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// noon is when the records of these tests were seen.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 123456789, time.FixedZone("", 3600))

// stamp is noon in front of a line.
const stamp = "2026-03-04T11:00:00.123456 "

// texts takes everything and returns the lines without their times.
func texts(t *testing.T, s *Screen) []string {
	t.Helper()
	var lines []string
	for {
		offset, run := s.Take(1 << 20)
		if len(run) == 0 {
			return lines
		}
		for i, l := range run {
			for len(lines) <= offset+i {
				lines = append(lines, "")
			}
			text, ok := strings.CutPrefix(strings.TrimPrefix(l, "ERROR "), stamp)
			if !ok {
				t.Fatalf("line %d is %q, want it to begin with %q", offset+i, l, stamp)
			}
			lines[offset+i] = text
		}
	}
}

func TestWriteShowsWhatATerminalShows(t *testing.T) {
	check := func(name, in string, want ...string) {
		t.Helper()
		s := New(Options{})
		s.Write(false, noon, in)
		if got := texts(t, s); !slices.Equal(got, want) {
			t.Errorf("%s: %q gives %q, want %q", name, in, got, want)
		}
		s = New(Options{})
		for i := range len(in) {
			s.Write(false, noon, in[i:i+1])
		}
		if got := texts(t, s); !slices.Equal(got, want) {
			t.Errorf("%s, byte by byte: %q gives %q, want %q", name, in, got, want)
		}
	}
	check("lines", "hello\nworld\n", "hello", "world")
	check("no text, no line", "\r\n\r")
	check("carriage return", " 10%\r 20%\r100%\n", "100%")
	check("what is behind stays", "long text\rab\n", "abng text")
	check("blanks at the end wait", "abc   \n   \nx y \n", "abc", "", "x y")
	check("blanks show with the next change", "a  \rX\n", "X  ")
	check("colours stay", "\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m")
	check("up and down", "one\ntwo\nthree\x1b[A\x1b[AX\x1b[BY\n", "one  X", "two   Y", "three")
	check("up stops at the top", "a\nb\n\x1b[A\x1b[A\x1b[A\x1b[Atop\n", "top", "b")
	check("empty lines", "a\n\n\nb\n\n", "a", "", "", "b")
	check("other sequences are text", "ab\x1b[2Kc\x1b[Hd\b\te\a\n", "ab\x1b[2Kc\x1b[Hd\b\te\a")
	check("escape escape", "\x1b\x1b[Aq\n", "\x1b\x1b[Aq")
	check("newline after escape", "a\x1b\nb\x1b[\nc", "a\x1b", "b\x1b[", "c")
	check("return after escape is text", "ab\x1b\rc\n", "ab\x1b\rc")
	check("characters, not bytes", "größe 漢字 🎉\r漢\n", "漢röße 漢字 🎉")
	check("broken text", "a\xffb\xe6\xbcc\n", "a\ufffdb\ufffd\ufffdc")
	check("scrolled before the first line", strings.Repeat("\n", 40)+"x\n", append(make([]string, 31), "x")...)
}

func TestLongLinesAreCutAndCounted(t *testing.T) {
	s := New(Options{})
	s.Write(false, noon, strings.Repeat("ü", maxLine)+"more\rÄ\n")
	if got, want := texts(t, s), []string{"Ä" + strings.Repeat("ü", maxLine-1)}; !slices.Equal(got, want) {
		t.Errorf("got a line of %d bytes, want %d", len(got[0]), len(want[0]))
	}
	if c := s.Counts(); c.Cut != 4 || c.Lines != 1 {
		t.Errorf("counts are %+v, want 4 characters cut in 1 line", c)
	}
}

func TestStreamsShareNumbersAndTheWindow(t *testing.T) {
	s := New(Options{})
	s.Write(false, noon, "out ")
	s.Write(true, noon, "err\n")
	s.Write(false, noon, "rest\n")
	if got, want := texts(t, s), []string{"out rest", "err"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for range height {
		s.Write(true, noon, "e\n")
	}
	s.Write(false, noon, "\x1b[Alate\n")
	texts(t, s)
	if c := s.Counts(); c.Late != 4 || c.Lines != height+2 {
		t.Errorf("counts are %+v, want 4 late characters and %d lines", c, height+2)
	}
}

func TestLinesHaveTimeStreamAndLabel(t *testing.T) {
	check := func(o Options, stderr bool, want string) {
		t.Helper()
		s := New(o)
		s.Write(stderr, noon, "a")
		s.Write(stderr, noon.Add(time.Hour), `<b"`)
		if _, got := s.Take(1000); len(got) != 1 || got[0] != want {
			t.Errorf("%+v, stderr %v: got %q, want %q", o, stderr, got, want)
		}
	}
	check(Options{}, false, stamp+`a<b"`)
	check(Options{}, true, "ERROR "+stamp+`a<b"`)
	check(Options{Label: "node 1"}, true, "ERROR "+stamp+`[node 1] a<b"`)
	check(Options{Structured: true}, false, `{"ts":"2026-03-04T11:00:00.123456","content":"a\u003cb\""}`)
	check(Options{Structured: true, Label: "n"}, true, `{"level":"error","ts":"2026-03-04T11:00:00.123456","label":"n","content":"a\u003cb\""}`)
}

func TestLoggedLinesAreNotInterpreted(t *testing.T) {
	s := New(Options{})
	s.Write(false, noon, "a")
	s.Line(noon, "first\n\x1b[A\rsecond \n")
	s.Line(noon, "")
	s.Line(noon, strings.Repeat("x", maxLine+1))
	s.Write(false, noon, "b")
	if got, want := texts(t, s), []string{"ab", "first", "\x1b[A\rsecond ", "", strings.Repeat("x", maxLine+1)}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEndShowsHalfACharacter(t *testing.T) {
	s := New(Options{})
	s.Write(false, noon, "a\x1b[")
	s.Write(true, noon, "b\xf0\x9f")
	s.End()
	if got, want := texts(t, s), []string{"a", "b\ufffd"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTextIsTheLinesAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName(""))
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := New(Options{Label: "l", Text: NewText(f)})
	var want strings.Builder
	for i := range 5000 {
		s.Write(i%3 == 0, noon, fmt.Sprintf("wrong\rline %d of many, long enough to fill the buffer\n", i))
		fmt.Fprintf(&want, "line %d of many, long enough to fill the buffer\n", i)
		if i%1000 == 0 {
			s.Write(i%3 == 0, noon, "to be shortened\x1b[B")
			s.Write(i%3 == 0, noon, "\x1b[A\r")
			if err := s.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = s.Sync()
	got, _ := os.ReadFile(path)
	if len(got) == 0 || strings.Count(string(got), "\n") != s.Counts().Lines {
		t.Fatalf("file has %d lines, want %d", strings.Count(string(got), "\n"), s.Counts().Lines)
	}
	if !strings.HasSuffix(string(got), "line 4999 of many, long enough to fill the buffer\n") {
		t.Errorf("file ends in %q", got[max(0, len(got)-100):])
	}
}

func TestTextReportsItsError(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "x"))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	s := New(Options{Text: NewText(f)})
	s.Write(false, noon, "a\n")
	if err := s.Sync(); err == nil {
		t.Error("Sync on a closed file: no error")
	}
	if got := texts(t, s); !slices.Equal(got, []string{"a"}) {
		t.Errorf("lines are %q, want them unharmed", got)
	}
}

func TestFileName(t *testing.T) {
	check := func(label, want string) {
		t.Helper()
		if got := FileName(label); got != want {
			t.Errorf("FileName(%q) is %q, want %q", label, got, want)
		}
	}
	check("", "output.log")
	check("rank-1", "output_rank-1.log")
	check("a/../b\x00\n.", "output_a_.._b_.log")
}
