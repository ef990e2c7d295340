//go:build unix

package runfiles

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestWhatIsNoFileIsRefused: nothing is opened that waits, gives no end or
// lies outside.
func TestWhatIsNoFileIsRefused(t *testing.T) {
	s := newStore(t)
	u, dir := s.uploader(Options{})
	outside := t.TempDir()
	write(t, outside, "secret", "secret")
	write(t, dir, "inside", "inside")
	for name, target := range map[string]string{
		"absolute": filepath.Join(outside, "secret"),
		"upwards":  "../" + filepath.Base(outside) + "/secret",
		"folder":   outside,
		"loop":     "loop",
		"device":   "/dev/zero",
		"good":     "inside",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"absolute", "upwards", "folder/secret", "folder", "loop", "device", "pipe", "."} {
		_ = u.Add(name, Now)
	}
	_ = u.Add("good", Now)
	if err := finished(t, u); err != nil {
		t.Fatal(err)
	}
	counted(t, u, Counts{Offered: 9, Sent: 1, Dropped: 8, Refused: 8})
	if len(s.files) != 1 || string(s.files["good"]) != "inside" {
		t.Errorf("stored are %q, want the file inside alone", s.files)
	}
}

// TestPipesAreLeftAlone: a writer that waits for a reader goes on waiting.
func TestPipesAreLeftAlone(t *testing.T) {
	s := newStore(t)
	u, dir := s.uploader(Options{Delay: time.Millisecond, Poll: time.Millisecond})
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	go func() {
		w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		if err == nil {
			w.Close()
		}
		opened <- err
	}()
	time.Sleep(10 * time.Millisecond) // by then it waits, on most machines
	finish := run(t, u)
	_ = u.Add("pipe", Live)
	eventually(t, "the pipe is refused", func() bool { return u.Counts().Refused == 1 })
	if err := finish(); err != nil {
		t.Fatal(err)
	}
	counted(t, u, Counts{Offered: 2, Dropped: 2, Refused: 2})
	select {
	case err := <-opened:
		t.Errorf("the writer waits no more: %v", err)
	default:
		r, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		<-opened
	}
}

// TestFilesThatChangeTheirKind: what passed the first look is looked at again
// when it is open.
func TestFilesThatChangeTheirKind(t *testing.T) {
	s := newStore(t)
	u, dir := s.uploader(Options{})
	if err := os.Symlink("/proc/self/status", filepath.Join(dir, "outside")); err != nil {
		t.Fatal(err)
	}
	if _, err := u.openFile(&file{name: "outside"}); err == nil {
		t.Error("a file outside was opened")
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := u.openFile(&file{name: "pipe"})
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("a pipe was opened")
		}
	case <-time.After(20 * time.Second):
		t.Error("opening a pipe waits for its writer")
		if w, err := os.OpenFile(pipe, os.O_WRONLY, 0); err == nil {
			w.Close()
		}
		<-done
	}
}
