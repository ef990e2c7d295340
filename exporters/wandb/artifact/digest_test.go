package artifact

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

const (
	helloSum = "sZRqySSS0jR8YjW00mERhA==" // of "hello\n"
	emptySum = "1B2M2Y8AsgTpgAmY7PhCfg=="
)

// TestDigestVectors: digests as the official clients compute them.
func TestDigestVectors(t *testing.T) {
	f := func(want string, entries ...Entry) {
		t.Helper()
		m, err := NewManifest(entries)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Digest(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f("64e7c61456b10382e2f3b571ac24b659")
	f("11e94137dd9ed0998d85e143759a8949", Entry{Path: "b/empty", Digest: emptySum}, Entry{Path: "a.txt", Digest: helloSum})
	f("11e94137dd9ed0998d85e143759a8949", Entry{Path: "a.txt", Digest: helloSum, Size: 6, LocalPath: "/x"}, Entry{Path: "b/empty", Digest: emptySum, Ref: "s3://x"})
}

func TestSumFile(t *testing.T) {
	dir := t.TempDir()
	f := func(content, want string) {
		t.Helper()
		name := filepath.Join(dir, "f")
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, n, err := SumFile(name); got != want || n != int64(len(content)) || err != nil {
			t.Errorf("%q: got %s, %d, %v", content, got, n, err)
		}
	}
	f("hello\n", helloSum)
	f("", emptySum)
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{dir, fifo} {
		if _, _, err := SumFile(name); !errors.Is(err, ErrNotRegular) {
			t.Errorf("%s: got %v, want %v", name, err, ErrNotRegular)
		}
	}
}

func TestParseSum(t *testing.T) {
	for _, digest := range []string{"", "abc", "sZRqySSS0jR8YjW00mERhA", "sZRqySSS0jR8YjW00mERhB==", "s3://bucket/key", helloSum + helloSum} {
		if _, err := ParseSum(digest); err == nil {
			t.Errorf("%q: no error", digest)
		}
	}
	sum, err := ParseSum(helloSum)
	if err != nil || hexSum(sum[:]) != "b1946ac92492d2347c6235b4d2611184" || FormatSum(sum[:]) != helloSum {
		t.Errorf("got %x, %v", sum, err)
	}
}
