package console

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTakeGivesOneRunAtATime(t *testing.T) {
	s := New(Options{})
	take := func(maxBytes, wantOffset int, want ...string) {
		t.Helper()
		offset, lines := s.Take(maxBytes)
		for i := range lines {
			lines[i] = strings.TrimPrefix(lines[i], stamp)
		}
		if !slices.Equal(lines, want) || len(want) > 0 && offset != wantOffset {
			t.Errorf("Take(%d) is %d, %q, want %d, %q", maxBytes, offset, lines, wantOffset, want)
		}
	}
	s.Write(false, noon, "a\nb\nc\nd\n")
	take(1000, 0, "a", "b", "c", "d")
	take(1000, 0)
	s.Write(false, noon, "\x1b[A\x1b[A\x1b[AB\x1b[B\x1b[BD")
	take(1000, 1, "B")
	take(1000, 3, "dD")
	take(1000, 0)
	s.Write(false, noon, "\n1\n2\n3\n")
	take(60, 4, "1", "2")
	take(1, 6, "3")
	s.Write(false, noon, "\x1b[A\x1b[A\x1b[AX\x1b[B\x1b[BZ")
	for range height {
		s.Write(true, noon, "e\n")
	}
	take(1000, 4, "X")
	take(70, 6, "3Z", "ERROR "+stamp+"e")
	for lines := []string{""}; len(lines) > 0; {
		_, lines = s.Take(1000)
	}
	if lines, bytes := s.Pending(); lines != 0 || bytes != 0 {
		t.Errorf("pending are %d lines, %d bytes, want none", lines, bytes)
	}
}

func TestTakeAcrossTheWindow(t *testing.T) {
	s := New(Options{})
	for i := range 3 * height {
		s.Write(false, noon, fmt.Sprintln(i))
	}
	if lines, bytes := s.Pending(); lines != 3*height || bytes < 3*height*len(stamp) {
		t.Errorf("pending are %d lines, %d bytes, want %d lines", lines, bytes, 3*height)
	}
	var got []string
	for {
		offset, lines := s.Take(300)
		if len(lines) == 0 {
			break
		}
		if offset != len(got) {
			t.Fatalf("offset %d after %d lines", offset, len(got))
		}
		got = append(got, lines...)
	}
	for i := range 3 * height {
		if want := stamp + fmt.Sprint(i); got[i] != want {
			t.Fatalf("line %d is %q, want %q", i, got[i], want)
		}
	}
}

// TestReplayGivesTheSameLines: after a settled replay of what was sent, the
// next Take is the one that the uninterrupted Screen gives.
func TestReplayGivesTheSameLines(t *testing.T) {
	var records []string
	for i := range 300 {
		records = append(records, fmt.Sprintf("step %d\n\x1b[Aagain\rbar %d", i, i), strings.Repeat("\x1b[A", i%40)+"x\n\n\n")
	}
	for cut := range records {
		whole, again := New(Options{}), New(Options{})
		for i, r := range records[:cut] {
			at := noon.Add(time.Duration(i) * time.Second)
			whole.Write(i%2 == 0, at, r)
			again.Write(i%2 == 0, at, r)
			again.Settle()
			for lines := []string{""}; len(lines) > 0; {
				_, lines = whole.Take(100)
			}
		}
		at := noon.Add(time.Hour)
		whole.Write(true, at, records[cut])
		again.Write(true, at, records[cut])
		for {
			o1, l1 := whole.Take(200)
			o2, l2 := again.Take(200)
			if o1 != o2 || !slices.Equal(l1, l2) {
				t.Fatalf("cut at %d: got %d, %q, want %d, %q", cut, o2, l2, o1, l1)
			}
			if len(l1) == 0 {
				break
			}
		}
	}
}

// FuzzWrite: where records are cut changes nothing, lines stay valid text
// without newlines, and every number is given before a later one.
func FuzzWrite(f *testing.F) {
	f.Add("a\r\nb\x1b[A\x1b[Bü\xff\x1b", "\xc3\xbc\n[A", uint8(3))
	f.Fuzz(func(t *testing.T, out, err string, cut uint8) {
		whole, split := New(Options{}), New(Options{})
		whole.Write(false, noon, out)
		whole.Write(true, noon, err)
		for len(out) > 0 {
			n := min(len(out), int(cut)+1)
			split.Write(false, noon, out[:n])
			out = out[n:]
		}
		split.Write(true, noon, err)
		whole.End()
		split.End()
		next := 0
		for {
			o1, l1 := whole.Take(1000)
			o2, l2 := split.Take(1000)
			if o1 != o2 || !slices.Equal(l1, l2) {
				t.Fatalf("cut every %d bytes: got %d, %q, want %d, %q", int(cut)+1, o2, l2, o1, l1)
			}
			if len(l1) == 0 {
				break
			}
			if o1 != next {
				t.Fatalf("offset %d, want %d", o1, next)
			}
			next += len(l1)
			for _, l := range l1 {
				if strings.ContainsRune(l, '\n') || strings.ToValidUTF8(l, "") != l {
					t.Fatalf("line %q", l)
				}
			}
		}
		if next != whole.Counts().Lines {
			t.Fatalf("%d lines taken of %d", next, whole.Counts().Lines)
		}
	})
}
