//go:build linux

package pidwatch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// check compares how a process ended, and that the source is named.
func check(t *testing.T, got, want ExitStatus) {
	t.Helper()
	if got.Source == "" {
		t.Errorf("status %v has no source", got)
	}
	got.Source, want.Source = "", ""
	got.Core = false // the machine's core pattern decides
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// tellsCollected reports whether this kernel knows the status of a process
// that its parent has collected.
func tellsCollected() bool {
	var u unix.Utsname
	unix.Uname(&u)
	var major, minor int
	fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor)
	return major > 6 || major == 6 && minor >= 15
}

func TestOwnChild(t *testing.T) {
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) {
			cmd := target(e.script)
			end, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			p, err := Open(cmd.Process.Pid)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if again, err := StartTicks(p.Pid()); again != p.StartTicks() || err != nil {
				t.Errorf("start ticks: got %d, %v, want %d", again, err, p.StartTicks())
			}
			end.Close()
			s, err := p.Wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			check(t, s, e.want)
		})
	}
}

// TestUnrelated needs the zombie reader for "never" and PIDFD_INFO_EXIT for
// "autoreap"; "collect" is whichever comes first.
func TestUnrelated(t *testing.T) {
	for _, collect := range []string{"collect", "autoreap", "never"} {
		for _, e := range endings {
			t.Run(collect+"/"+e.name, func(t *testing.T) {
				f := startFamily(t, collect, e.script)
				p, err := Open(f.pid)
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				f.end()
				s, err := p.Wait(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				want := e.want
				if collect == "autoreap" && !tellsCollected() {
					want = ExitStatus{}
				}
				check(t, s, want)
			})
		}
	}
}

// TestGetInfoRefused: without PIDFD_GET_INFO only a zombie tells its status.
func TestGetInfoRefused(t *testing.T) {
	for _, e := range endings {
		t.Run("zombie/"+e.name, func(t *testing.T) {
			f := startFamily(t, "never", e.script)
			check(t, watchElsewhere(t, role(t, "watch", itoa(f.pid), "refuse"), f), e.want)
		})
		t.Run("collected/"+e.name, func(t *testing.T) {
			f := startFamily(t, "autoreap", e.script)
			s := watchElsewhere(t, role(t, "watch", itoa(f.pid), "refuse"), f)
			check(t, s, ExitStatus{})
			if !strings.Contains(s.Source, "PIDFD_GET_INFO") {
				t.Errorf("source %q does not say what is missing", s.Source)
			}
		})
	}
}

// TestOtherUser: somebody who may not trace the process sees field 52 as 0,
// which is not exit 0.
func TestOtherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to start a watcher as another user")
	}
	other := func(pid int) *exec.Cmd {
		cmd := role(t, "watch", itoa(pid))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		return cmd
	}
	for _, e := range endings {
		t.Run("zombie/"+e.name, func(t *testing.T) {
			t.Parallel()
			f := startFamily(t, "never", e.script)
			check(t, watchElsewhere(t, other(f.pid), f), ExitStatus{})
		})
		t.Run("collected/"+e.name, func(t *testing.T) {
			f := startFamily(t, "collect", e.script)
			want := e.want
			if !tellsCollected() {
				want = ExitStatus{}
			}
			check(t, watchElsewhere(t, other(f.pid), f), want)
		})
	}
	t.Run("process of another user", func(t *testing.T) {
		cmd := target("exit 7")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if err := cmd.Start(); err != nil { // stdin is /dev/null: ends at once
			t.Fatal(err)
		}
		defer cmd.Wait()
		p, err := Open(cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		s, err := p.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		check(t, s, ExitStatus{Known: true, Code: 7})
	})
}

func TestOpenNobody(t *testing.T) {
	for _, pid := range []int{-1, 0, 1 << 30} {
		_, err := Open(pid)
		if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), itoa(pid)) {
			t.Errorf("Open(%d): got %v, want one that names the number and is ErrNotFound", pid, err)
		}
	}
}

func TestOpenThread(t *testing.T) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == itoa(os.Getpid()) {
			continue
		}
		var tid int
		for _, c := range e.Name() {
			tid = tid*10 + int(c-'0')
		}
		_, err := Open(tid)
		if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "thread of process "+itoa(os.Getpid())) {
			t.Errorf("Open(%d): got %v", tid, err)
		}
		return
	}
	t.Skip("the test has one thread")
}

// TestDiesDuringOpen: whenever it dies, Open finds it or says that it is gone.
func TestDiesDuringOpen(t *testing.T) {
	for range 200 {
		cmd := exec.Command("/bin/true")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- cmd.Wait() }()
		p, err := Open(cmd.Process.Pid)
		switch {
		case err != nil && !errors.Is(err, ErrNotFound):
			t.Errorf("Open: %v", err)
		case err == nil:
			s, err := p.Wait(t.Context())
			if err != nil || s.Known && (s.Code != 0 || s.Signal != 0) {
				t.Errorf("got %v, %v, want exit 0 or unknown", s, err)
			}
			p.Close()
		}
		<-done
	}
}

func TestOpenAtOtherStart(t *testing.T) {
	start, err := StartTicks(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	p, err := OpenAt(os.Getpid(), start)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if _, err := OpenAt(os.Getpid(), start+1); !errors.Is(err, ErrNotFound) {
		t.Errorf("another start time: got %v, want ErrNotFound", err)
	}
}

func TestWaitEnds(t *testing.T) {
	p, err := Open(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ended context: got %v", err)
	}
	closed := make(chan error)
	go func() { _, err := p.Wait(context.Background()); closed <- err }()
	time.Sleep(20 * time.Millisecond)
	p.Close()
	if err := <-closed; !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: got %v, want os.ErrClosed", err)
	}
}

// TestWaitSleeps: waiting costs no CPU time.
func TestWaitSleeps(t *testing.T) {
	p, err := Open(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var before, after unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &before)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	p.Wait(ctx)
	unix.Getrusage(unix.RUSAGE_SELF, &after)
	spent := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	if spent > 100*time.Millisecond {
		t.Errorf("half a second of waiting took %v of CPU time", spent)
	}
}

func FuzzParseStat(f *testing.F) {
	self, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(self)
	f.Add([]byte("7 (a) b) c) Z 1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 1792\n"))
	f.Add([]byte("7 (sh"))
	f.Add([]byte("7 (sh) R"))
	f.Fuzz(func(t *testing.T, line []byte) {
		s, err := parseStat(line)
		if err != nil {
			return
		}
		fields := bytes.FieldsFunc(line[bytes.LastIndexByte(line, ')')+1:], func(r rune) bool { return r == ' ' || r == '\n' })
		if len(fields) < 50 || fields[0][0] != s.state {
			t.Errorf("accepted %q as %+v", line, s)
		}
	})
}
