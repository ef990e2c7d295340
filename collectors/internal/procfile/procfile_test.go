//go:build unix

package procfile

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func write(t *testing.T, content string) *File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestReadTakesTheWholeFileEachTime(t *testing.T) {
	content := strings.Repeat("line of a kernel file\n", 1000)
	f := write(t, content)
	var buf Buffer
	for range 3 {
		b, err := f.Read(&buf)
		if err != nil || string(b) != content {
			t.Fatalf("Read: got %d bytes, %v; want %d", len(b), err, len(content))
		}
	}
	if b, err := f.ReadOnce(&buf); err != nil || string(b) != content {
		t.Fatalf("ReadOnce: got %d bytes, %v; want %d", len(b), err, len(content))
	}
	if n := testing.AllocsPerRun(100, func() { f.Read(&buf) }); n != 0 {
		t.Errorf("Read: %v allocations, want 0", n)
	}
}

func TestErrorsNamePathAndErrno(t *testing.T) {
	_, err := Open("/does/not/exist")
	if !errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), "/does/not/exist") {
		t.Errorf("Open of nothing: got %v", err)
	}
	f := write(t, "x")
	f.Close()
	if _, err := f.Read(new(Buffer)); !errors.Is(err, syscall.EBADF) {
		t.Errorf("Read after Close: got %v, want EBADF", err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestScan(t *testing.T) {
	u := func(in string, want uint64, rest string, ok bool) {
		t.Helper()
		v, r, k := Uint([]byte(in))
		if v != want || string(r) != rest || k != ok {
			t.Errorf("Uint(%q): got %d %q %v, want %d %q %v", in, v, r, k, want, rest, ok)
		}
	}
	u("42 7", 42, " 7", true)
	u(" \t18446744073709551615", math.MaxUint64, "", true)
	u("18446744073709551616", 0, "18446744073709551616", false)
	u("kB", 0, "kB", false)
	u("", 0, "", false)
	i := func(in string, want int64, ok bool) {
		t.Helper()
		if v, _, k := Int([]byte(in)); v != want || k != ok {
			t.Errorf("Int(%q): got %d %v, want %d %v", in, v, k, want, ok)
		}
	}
	i("-9223372036854775808", math.MinInt64, true)
	i("9223372036854775807", math.MaxInt64, true)
	i("9223372036854775808", 0, false)
	i("- 1", 0, false)
	f := func(in string, want float64, ok bool) {
		t.Helper()
		if v, _, k := Float([]byte(in)); v != want || k != ok {
			t.Errorf("Float(%q): got %v %v, want %v %v", in, v, k, want, ok)
		}
	}
	f("0.27 0.30", 0.27, true)
	f("12", 12, true)
	f(".5", 0, false)
	if fld, rest := Field([]byte("  ab\tc")); string(fld) != "ab" || string(rest) != "\tc" {
		t.Errorf("Field: got %q %q", fld, rest)
	}
	if l, rest := Line([]byte("a\nb")); string(l) != "a" || string(rest) != "b" {
		t.Errorf("Line: got %q %q", l, rest)
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range []string{"42 7", "-1", " 1.25 x", "18446744073709551616", "cpu  1 2 3\ncpu0"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, rest, ok := Uint(b); ok {
			digits := bytes.TrimLeft(b[:len(b)-len(rest)], " \t")
			if want, err := strconv.ParseUint(string(digits), 10, 64); err != nil || want != v {
				t.Fatalf("Uint(%q): got %d, strconv %d %v", b, v, want, err)
			}
		}
		if v, rest, ok := Int(b); ok {
			digits := bytes.TrimLeft(b[:len(b)-len(rest)], " \t")
			if want, err := strconv.ParseInt(string(digits), 10, 64); err != nil || want != v {
				t.Fatalf("Int(%q): got %d, strconv %d %v", b, v, want, err)
			}
		}
		if v, _, ok := Float(b); ok && (v < 0 || math.IsNaN(v)) {
			t.Fatalf("Float(%q): got %v", b, v)
		}
		line, rest := Line(b)
		if bytes.ContainsRune(line, '\n') || len(line)+len(rest) > len(b) {
			t.Fatalf("Line(%q): %q %q", b, line, rest)
		}
	})
}
