package agent

import (
	"os"
	"testing"
)

func TestParseStatm(t *testing.T) {
	page := float64(os.Getpagesize())
	for _, c := range []struct {
		text string
		want float64
		ok   bool
	}{
		{"1234 56 7 8 0 9 0\n", 56 * page, true},
		{"1234 56", 0, false},
		{"1234", 0, false},
		{"", 0, false},
		{"1 -2 3", 0, false},
		{"1 99999999999999999999 3", 0, false},
	} {
		if got, ok := parseStatm([]byte(c.text)); got != c.want || ok != c.ok {
			t.Errorf("parseStatm(%q): got %v, %v; want %v, %v", c.text, got, ok, c.want, c.ok)
		}
	}
}

// FuzzParseStatm: any text gives a whole, not negative number of pages or
// nothing.
func FuzzParseStatm(f *testing.F) {
	f.Add([]byte("1234 56 7 8 0 9 0\n"))
	f.Add([]byte("1 2 "))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := parseStatm(b)
		if !ok && got != 0 || got < 0 {
			t.Errorf("parseStatm(%q): got %v, %v", b, got, ok)
		}
	})
}

func TestProcessReadsItself(t *testing.T) {
	var p process
	rss, ok := p.rss()
	if !ok || rss < 1<<20 || rss > 1<<40 {
		t.Errorf("rss: got %v, %v; want some megabytes", rss, ok)
	}
	if cpu, ok := p.cpu(); !ok || cpu <= 0 {
		t.Errorf("cpu: got %v, %v; want some seconds", cpu, ok)
	}
	for range 2 {
		if err := p.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}
