package tree

import (
	"os"
	"testing"
)

func TestParseStat(t *testing.T) {
	check := func(line string, want stat, ok bool) {
		t.Helper()
		if got, k := parseStat([]byte(line)); k != ok || (ok && got != want) {
			t.Errorf("parseStat(%q):\ngot  %+v %v\nwant %+v %v", line, got, k, want, ok)
		}
	}
	rest := "R 14003 14003 11259 0 -1 4194304 98 7 3 2 11 12 13 14 20 0 5 0 110871 3133440 407 18446744073709551615 1 2 3 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 1 2 3 4 5 6 7 0\n"
	want := stat{
		state: 'R', ppid: 14003, session: 11259, threads: 5, start: 110871, virtual: 3133440,
		own: usage{11, 12, 98, 3}, reaped: usage{13, 14, 7, 2},
	}
	check("14015 (cat) "+rest, want, true)
	check("14015 (a b) c) "+rest, want, true)
	check("14015 (tmux: server (1)) "+rest, want, true)
	check("14015 (x\ny) "+rest, want, true)
	check("14015 (cat) R 14003 1", stat{}, false)
	check("14015 cat R", stat{}, false)
	check("", stat{}, false)
}

func TestIgnoresChildren(t *testing.T) {
	check := func(mask string, want bool) {
		t.Helper()
		if got := ignoresChildren([]byte("Name:\tx\nSigIgn:\t" + mask + "\nSigCgt:\t0\n")); got != want {
			t.Errorf("SigIgn %s: got %v, want %v", mask, got, want)
		}
	}
	check("0000000000010000", true)
	check("0000000001011000", true)
	check("00000000000f0000", true)
	check("0000000000001000", false)
	check("0000000000020000", false)
	check("", false)
}

func TestParseIO(t *testing.T) {
	c, ok := parseIO([]byte("rchar: 9\nread_bytes: 10\nwrite_bytes: 30\ncancelled_write_bytes: 8\n"))
	if !ok || c != (ioCount{10, 22}) {
		t.Errorf("got %+v %v, want read 10, write 22", c, ok)
	}
	if _, ok := parseIO([]byte("rchar: 9\nread_bytes: 10\n")); ok {
		t.Error("half a file is taken for a reading")
	}
}

func FuzzParseStat(f *testing.F) {
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Add([]byte("1 (a) b) S 0 1 1 0 -1 1 2 3 4 5 6 7 -8 9 20 0 1 0 4 5 6"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, ok := parseStat(b)
		if !ok {
			return
		}
		// A longer name with any brackets changes nothing that was read.
		if again, ok := parseStat(append([]byte("9 (() x) S) 1 ("), b...)); !ok || again != s {
			t.Fatalf("parseStat(%q): %+v, with another name %+v %v", b, s, again, ok)
		}
	})
}

func FuzzParseIO(f *testing.F) {
	f.Add([]byte("rchar: 9\nread_bytes: 10\nwrite_bytes: 30\ncancelled_write_bytes: 8\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, ok := parseIO(b); ok {
			if again, ok := parseIO(append([]byte("other: 1\n"), b...)); !ok || again != c {
				t.Fatalf("parseIO(%q): %+v, with a line before %+v %v", b, c, again, ok)
			}
		}
	})
}
