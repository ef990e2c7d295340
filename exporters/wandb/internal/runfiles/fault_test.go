package runfiles

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

func TestNamesThatAreRefused(t *testing.T) {
	for _, name := range []string{"", ".", "/etc/passwd", "../x", "a/../../x", "a/../b", "..", "a\x00b", "a\xff", "a/.."} {
		s := newStore(t)
		u, _ := s.uploader(Options{})
		if err := u.Add(name, Now); !errors.Is(err, ErrRefused) {
			t.Errorf("Add(%q): %v, want ErrRefused", name, err)
		}
		if err := finished(t, u); err != nil || len(s.asked) > 0 {
			t.Errorf("%q: Finish: %v, asked %q", name, err, s.asked)
		}
		counted(t, u, Counts{Offered: 1, Dropped: 1, Refused: 1})
	}
}

// FuzzCleanName: what is accepted stays below the root.
func FuzzCleanName(f *testing.F) {
	for _, s := range []string{"a/b", "./a//b/", "../a", "a\\..\\b", "C:x", "con", "ü\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		clean, err := cleanName(name)
		if err != nil {
			return
		}
		if again, err := cleanName(clean); again != clean || err != nil {
			t.Errorf("%q gives %q gives %q, %v", name, clean, again, err)
		}
		if !filepath.IsLocal(clean) || strings.ContainsRune(clean, 0) || slices.Contains(strings.Split(clean, "/"), "..") {
			t.Errorf("%q gives %q", name, clean)
		}
	})
}

func TestMissingFilesAreCounted(t *testing.T) {
	s := newStore(t)
	u, dir := s.uploader(Options{})
	write(t, dir, "here", "x")
	for _, name := range []string{"gone", "here", "gone/deeper"} {
		_ = u.Add(name, Live)
	}
	if err := finished(t, u); err != nil {
		t.Fatal(err)
	}
	counted(t, u, Counts{Offered: 3, Sent: 1, Dropped: 2, Missing: 2})
}

// TestFilesThatChange: each row changes the file while its first upload is on
// its way.
func TestFilesThatChange(t *testing.T) {
	check := func(what string, change func(path string), want string) {
		t.Run(what, func(t *testing.T) {
			s := newStore(t)
			u, dir := s.uploader(Options{})
			path := filepath.Join(dir, "f")
			s.put = func(_ http.ResponseWriter, _ string, try int, _ []byte) bool {
				if try == 1 {
					change(path)
				}
				return false
			}
			write(t, dir, "f", "first")
			_ = u.Add("f", Now)
			if err := finished(t, u); err != nil {
				t.Fatal(err)
			}
			if got, puts := s.has("f"); got != want || puts != 2 {
				t.Errorf("stored is %q after %d puts, want %q after 2", got, puts, want)
			}
			counted(t, u, Counts{Offered: 1, Sent: 1, Unsteady: 1})
		})
	}
	check("longer", func(p string) { _ = os.WriteFile(p, []byte("first and more"), 0o600) }, "first and more")
	check("shorter", func(p string) { _ = os.WriteFile(p, []byte("f"), 0o600) }, "f")
	check("replaced", func(p string) {
		_ = os.WriteFile(p+".new", []byte("other"), 0o600)
		at := time.Now().Add(time.Hour)
		_ = os.Chtimes(p+".new", at, at)
		_ = os.Rename(p+".new", p)
	}, "other")
}

// TestMixturesAreSentAgain: bytes that change between the first reading and
// the sending, with size and time as before, are found by their digest.
func TestMixturesAreSentAgain(t *testing.T) {
	s := newStore(t)
	u, dir := s.uploader(Options{})
	path := filepath.Join(dir, "f")
	at := time.Now().Add(-time.Hour)
	overwrite := func(text string) {
		_ = os.WriteFile(path, []byte(text), 0o600)
		_ = os.Chtimes(path, at, at)
	}
	overwrite("first")
	client := &meddler{Client: u.o.Client}
	client.before = func(n int) {
		if n == 1 {
			overwrite("other")
		}
	}
	u.o.Client = client
	_ = u.Add("f", Now)
	if err := finished(t, u); err != nil {
		t.Fatal(err)
	}
	if got, puts := s.has("f"); got != "other" || puts != 2 {
		t.Errorf("stored is %q after %d puts, want the second version after 2", got, puts)
	}
	counted(t, u, Counts{Offered: 1, Sent: 1, Unsteady: 1})
}

func TestTruncatedWhileSent(t *testing.T) {
	s := newStore(t)
	u, dir := s.uploader(Options{})
	client := &meddler{Client: u.o.Client}
	client.before = func(n int) {
		if n == 1 {
			_ = os.Truncate(filepath.Join(dir, "f"), 3)
		}
	}
	u.o.Client = client
	write(t, dir, "f", "a longer text")
	_ = u.Add("f", Now)
	if err := finished(t, u); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.has("f"); got != "a l" {
		t.Errorf("stored is %q", got)
	}
	counted(t, u, Counts{Offered: 1, Sent: 1, Unsteady: 1})
}

func TestNeverStillIsSaid(t *testing.T) {
	s := newStore(t)
	var said atomic.Int32
	u, dir := s.uploader(Options{Dropped: func(string, error) { said.Add(1) }})
	client := &meddler{Client: u.o.Client}
	client.before = func(n int) { _ = os.Truncate(filepath.Join(dir, "f"), int64(100-n)) }
	u.o.Client = client
	write(t, dir, "f", strings.Repeat("x", 100))
	_ = u.Add("f", Now)
	if err := finished(t, u); err != nil {
		t.Fatal(err)
	}
	counted(t, u, Counts{Offered: 1, Dropped: 1, Unsteady: 3})
	if said.Load() != 1 || s.told["f"] != 0 {
		t.Errorf("said %d times, told %d, want once, never", said.Load(), s.told["f"])
	}
}

func TestOutagesDropNothing(t *testing.T) {
	for _, where := range []string{"ask", "put"} {
		t.Run(where, func(t *testing.T) {
			s := newStore(t)
			var broken atomic.Bool
			var refused atomic.Int32
			broken.Store(true)
			fail := func(w http.ResponseWriter) bool {
				if broken.Load() {
					refused.Add(1)
					return answer(w, http.StatusServiceUnavailable)
				}
				return false
			}
			if where == "ask" {
				s.ask = func(w http.ResponseWriter, _ []string) bool { return fail(w) }
			} else {
				s.put = func(w http.ResponseWriter, _ string, _ int, _ []byte) bool { return fail(w) }
			}
			u, dir := s.uploader(Options{Delay: time.Millisecond})
			finish := run(t, u)
			for _, name := range []string{"a", "b"} {
				write(t, dir, name, name)
				_ = u.Add(name, Now)
			}
			eventually(t, "the outage is felt", func() bool { return refused.Load() >= 2 })
			if c := u.Counts(); c.Pending() != 2 {
				t.Errorf("counts are %+v, want 2 pending", c)
			}
			broken.Store(false)
			if err := finish(); err != nil {
				t.Fatal(err)
			}
			counted(t, u, Counts{Offered: 2, Sent: 2})
		})
	}
}

func TestFinishSaysWhatIsPending(t *testing.T) {
	s := newStore(t)
	s.put = func(w http.ResponseWriter, name string, _ int, _ []byte) bool {
		return name == "a" && answer(w, http.StatusBadGateway)
	}
	u, dir := s.uploader(Options{Retry: api.RetryPolicy{Max: 2, WaitMin: time.Microsecond, WaitMax: time.Microsecond}})
	write(t, dir, "a", "a")
	write(t, dir, "b", "b")
	_ = u.Add("a", Now)
	_ = u.Add("b", Now)
	if err := finished(t, u); err == nil || !strings.Contains(err.Error(), "1 pending") || !strings.Contains(err.Error(), "502") || strings.Contains(err.Error(), "signature") {
		t.Errorf("Finish: %v, want 1 pending for status 502, without the signature", err)
	}
	counted(t, u, Counts{Offered: 2, Sent: 1})
	if _, puts := s.has("a"); puts < 3 {
		t.Errorf("a was tried %d times, want 3", puts)
	}
}

func TestFinishWaitsForTheServer(t *testing.T) {
	s := newStore(t)
	var asked atomic.Int32
	s.ask = func(w http.ResponseWriter, _ []string) bool {
		return asked.Add(1) < 5 && answer(w, http.StatusServiceUnavailable)
	}
	u, dir := s.uploader(Options{Retry: api.RetryPolicy{Max: 10, WaitMin: time.Microsecond, WaitMax: time.Microsecond}})
	write(t, dir, "a", "a")
	_ = u.Add("a", End)
	if err := finished(t, u); err != nil {
		t.Fatal(err)
	}
	counted(t, u, Counts{Offered: 1, Sent: 1})
}

func TestARefusedKeyIsNotWaitedFor(t *testing.T) {
	s := newStore(t)
	s.ask = func(w http.ResponseWriter, _ []string) bool { return answer(w, http.StatusUnauthorized) }
	u, dir := s.uploader(Options{})
	write(t, dir, "a", "a")
	_ = u.Add("a", Now)
	if err := finished(t, u); api.Classify(err, api.GraphQL) != api.Auth {
		t.Errorf("Finish: %v, want status 401", err)
	}
	counted(t, u, Counts{Offered: 1})
}

func TestARefusedNameHarmsNoOther(t *testing.T) {
	s := newStore(t)
	s.ask = func(w http.ResponseWriter, names []string) bool {
		return slices.Contains(names, "bad") && answer(w, http.StatusBadRequest)
	}
	u, dir := s.uploader(Options{})
	for _, name := range []string{"a", "b", "bad", "c", "d"} {
		write(t, dir, name, name)
		_ = u.Add(name, Now)
	}
	if err := finished(t, u); err != nil {
		t.Fatal(err)
	}
	counted(t, u, Counts{Offered: 5, Sent: 4, Dropped: 1})
}

func TestURLsThatExpire(t *testing.T) {
	s := newStore(t)
	s.put = func(w http.ResponseWriter, name string, try int, _ []byte) bool {
		return (name == "never" || try < 3) && answer(w, http.StatusForbidden)
	}
	u, dir := s.uploader(Options{})
	for _, name := range []string{"third", "never"} {
		write(t, dir, name, name)
		_ = u.Add(name, Now)
	}
	if err := finished(t, u); err != nil {
		t.Fatal(err)
	}
	counted(t, u, Counts{Offered: 2, Sent: 1, Dropped: 1})
	if _, puts := s.has("never"); puts != 3 {
		t.Errorf("never was sent %d times, want 3", puts)
	}
}
