package keeper

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// trapped is a keeper with a command that plays trapRole and is ready, and its worker too.
type trapped struct {
	*setup
	cmd *exec.Cmd
	out *bufio.Reader
}

// busyWait is a SignalPatience that a worker on a busy machine does not exceed.
const busyWait = 5 * time.Second

func startTrap(t *testing.T, worker string, patience time.Duration) *trapped {
	t.Helper()
	k := &trapped{setup: &setup{Argv: playing(t, "trap"), Worker: worker, Signal: patience}}
	k.cmd = keeperCmd(t, k.setup)
	out, err := k.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := k.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	k.out = bufio.NewReader(out)
	k.expect(t, "ready")
	if worker != "" {
		eventually(t, "a worker", func() bool { return readPID(k.Dir, "worker") != 0 })
	}
	return k
}

func (k *trapped) expect(t *testing.T, want string) {
	t.Helper()
	line, err := k.out.ReadString('\n')
	if line != want+"\n" {
		t.Fatalf("command printed %q, %v, want %q", line, err, want)
	}
}

// TestSignalsForwarded: to the keeper alone, with and without a worker to ask.
func TestSignalsForwarded(t *testing.T) {
	for _, worker := range []string{"", "good"} {
		t.Run("worker="+worker, func(t *testing.T) {
			k := startTrap(t, worker, 0)
			for _, s := range []syscall.Signal{
				syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM,
			} {
				k.cmd.Process.Signal(s)
				k.expect(t, "got "+s.String())
			}
			k.cmd.Wait()
			if o := readOutcome(t, k.setup); o.Status.Code != 9 {
				t.Errorf("got %v, want exit 9", o.Status)
			}
		})
	}
}

// TestGroupSignal: to the whole group, as schedulers and shells do it. The
// command gets it once, keeper and worker survive it. Without the witness the
// command gets each twice.
func TestGroupSignal(t *testing.T) {
	k := startTrap(t, "good", busyWait)
	worker := readPID(k.Dir, "worker")
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGUSR1, syscall.SIGHUP, syscall.SIGTERM} {
		syscall.Kill(-k.cmd.Process.Pid, s)
		k.expect(t, "got "+s.String())
		if s != syscall.SIGTERM {
			time.Sleep(600 * time.Millisecond) // a second one would come in this time
		}
	}
	if line, err := k.out.ReadString('\n'); err == nil {
		t.Errorf("then the command printed %q", line)
	}
	k.cmd.Wait()
	o := readOutcome(t, k.setup)
	if o.Status.Code != 9 || o.Restarts != 0 || readPID(k.Dir, "worker") != worker {
		t.Errorf("got %+v, want exit 9 and the first worker", o)
	}
}

// TestIgnoredHangup: under nohup the command ignores SIGHUP as it would without us.
func TestIgnoredHangup(t *testing.T) {
	s := &setup{Argv: sh("echo ready; while [ ! -e $0/stop ]; do sleep 0.02; done; exit 4")}
	s.Dir = t.TempDir()
	s.Argv = append(s.Argv, s.Dir)
	keeper := keeperCmd(t, s)
	cmd := exec.Command("/usr/bin/nohup", "/proc/self/exe")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Args[1] = exe
	cmd.Env, cmd.SysProcAttr = keeper.Env, keeper.SysProcAttr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); !strings.Contains(line, "ready") {
		t.Fatalf("got %q", line)
	}
	syscall.Kill(-cmd.Process.Pid, syscall.SIGHUP)
	time.Sleep(100 * time.Millisecond)
	os.WriteFile(filepath.Join(s.Dir, "stop"), nil, 0o600)
	cmd.Wait()
	if o := readOutcome(t, s); o.Status.Code != 4 {
		t.Errorf("got %v, want exit 4", o.Status)
	}
}

func TestWitness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const patience = 300 * time.Millisecond
		w := newWitness(patience)
		check := func(wantGroup, wantKnown bool) {
			t.Helper()
			if group, known := w.wait(syscall.SIGINT); group != wantGroup || known != wantKnown {
				t.Errorf("got %v, %v, want %v, %v", group, known, wantGroup, wantKnown)
			}
		}
		check(false, false) // no worker
		w.set(starting)
		check(false, false) // not ready in time
		go func() { time.Sleep(patience / 2); w.set(witnessing); w.report(syscall.SIGINT) }()
		check(true, true)
		check(false, true) // no report
		w.report(syscall.SIGINT)
		check(true, true)
		check(false, true) // used up
		w.report(syscall.SIGTERM)
		check(false, true) // another signal
		w.report(syscall.SIGINT)
		time.Sleep(2 * patience)
		check(false, true) // stale
		go func() { time.Sleep(patience / 2); w.report(syscall.SIGINT) }()
		check(true, true) // late
		second := make(chan bool)
		go func() { group, _ := w.wait(syscall.SIGINT); second <- group }()
		go func() { time.Sleep(patience / 2); w.report(syscall.SIGINT) }()
		check(true, true) // a busy worker gets two signals as one
		if !<-second {
			t.Error("the second of two signals that the worker got as one counts as sent to us alone")
		}
		go func() { time.Sleep(patience / 2); w.set(noWorker) }()
		check(false, false) // the worker died meanwhile
	})
}
