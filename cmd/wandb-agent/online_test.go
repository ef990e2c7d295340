//go:build linux

package main

import (
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
)

// onlineKey is the key that the server of these tests takes.
var onlineKey = strings.Repeat("0", 39) + "7"

// proof is a server that keeps what it gets, behind faults.
type proof struct {
	*server.Server
	faults *faults.Handler
	front  *faults.Server
}

func serve(t *testing.T) *proof {
	t.Helper()
	s, err := server.Open(server.Options{Dir: t.TempDir(), Key: onlineKey})
	if err != nil {
		t.Fatal(err)
	}
	h := faults.New(s)
	front, err := faults.Start(h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		front.Close()
		s.Close()
		if bad := s.Violations(); len(bad) > 0 {
			t.Errorf("the server was told things that are wrong: %q", bad)
		}
	})
	return &proof{s, h, front}
}

// online is wandb-agent with the server in its environment.
func (p *proof) online(args ...string) *exec.Cmd {
	cmd := exec.Command("wandb-agent", args...)
	cmd.Env = append(os.Environ(), "WANDB_MODE=online", "WANDB_BASE_URL="+p.front.URL(), "WANDB_API_KEY="+onlineKey,
		"WANDB_RUN_ID=r1", "WANDB_PROJECT=p", "WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL=0.1", "HOME=/no-home")
	return cmd
}

// stored is the run r1; nil as long as there is none.
func (p *proof) stored() *server.Run {
	run, err := p.Run(server.DefaultEntity, "p", "r1")
	if err != nil {
		return nil
	}
	return run
}

// TestExecSendsItsRun: rows of the program inside, console, hardware and exit, as
// one run at the server. The key is in no file and in no message.
func TestExecSendsItsRun(t *testing.T) {
	p, dir := serve(t), t.TempDir()
	cmd := p.online(execArgs(dir, "sh", "-c", "part inside && sleep 2")...) // long enough for a first sample on a busy machine
	s := says(t, cmd)
	if s.code != 0 || !strings.Contains(s.stderr, "view it:") {
		t.Fatalf("exit %d: %s", s.code, s.stderr)
	}
	run := p.stored()
	if run == nil || len(run.History) != 21 || run.State != "finished" || run.DisplayName != "from inside" || len(run.Events) == 0 {
		t.Fatalf("stored: %+v", run)
	}
	if !slices.ContainsFunc(run.Console, func(line string) bool { return strings.Contains(line, "training") }) {
		t.Errorf("console %q", run.Console)
	}
	if !strings.Contains(run.Config, `"lr"`) || !strings.Contains(run.Summary, `"best":7`) {
		t.Errorf("config %s, summary %s", run.Config, run.Summary)
	}
	files := map[string]string{"stdout": s.stdout, "stderr": s.stderr}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			text, _ := os.ReadFile(path)
			files[path] = string(text)
		}
		return err
	})
	for name, text := range files {
		if strings.Contains(text, onlineKey) {
			t.Errorf("%s holds the key", name)
		}
	}
	if len(files) < 5 {
		t.Errorf("only %d files were looked at", len(files))
	}
}

// TestStopOnTheServerEndsTheCommand. Seen to fail without StopCommand.
func TestStopOnTheServerEndsTheCommand(t *testing.T) {
	p, dir := serve(t), t.TempDir()
	cmd := p.online(execArgs(dir, "sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.05; done")...)
	collect := record(t, cmd)
	start(t, cmd)
	eventually(t, "the run at the server", func() bool { return p.stored() != nil })
	if err := p.RequestStop(server.DefaultEntity, "p", "r1"); err != nil {
		t.Fatal(err)
	}
	code := done(t, cmd)
	if _, errs := collect(); code != 9 || !strings.Contains(errs, "somebody stopped the run") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if run := p.stored(); run.ExitCode == nil || *run.ExitCode != 9 {
		t.Errorf("stored exit %v", run.ExitCode)
	}
}

// TestStopMayBeIgnored: the command goes on to its own end.
func TestStopMayBeIgnored(t *testing.T) {
	p, dir := serve(t), t.TempDir()
	args := execArgs(dir, waiting(dir, "exit 4")...)
	cmd := p.online(slices.Insert(args, 1, "--on-stop", "ignore")...)
	start(t, cmd)
	eventually(t, "the run at the server", func() bool { return p.stored() != nil })
	if err := p.RequestStop(server.DefaultEntity, "p", "r1"); err != nil {
		t.Fatal(err)
	}
	before := len(p.Requests(0))
	eventually(t, "answers that say stop", func() bool { return len(p.Requests(0)) > before+5 })
	touch(t, filepath.Join(dir, "go"))
	if code := done(t, cmd); code != 4 {
		t.Errorf("exit %d, want 4", code)
	}
}

// TestInterruptEndsTheSending: the server hangs, the command is over, and a
// Ctrl-C ends exec within two seconds with the command's status, and attach with
// 3. Seen to fail without commandEnded in keeper (exec) and without the cancel in
// finishUntil (attach).
func TestInterruptEndsTheSending(t *testing.T) {
	for _, name := range []string{"exec", "attach"} {
		t.Run(name, func(t *testing.T) {
			p, dir := serve(t), t.TempDir()
			p.faults.Add(faults.On(faults.Match{Path: "/file_stream"}, faults.Action{Kind: faults.Hang}))
			command := waiting(dir, "exit 4")
			cmd, want := p.online(execArgs(dir, command...)...), 4
			if name == "attach" {
				target := exec.Command(command[0], command[1:]...)
				start(t, target)
				cmd, want = p.online("attach", "--pid", strconv.Itoa(target.Process.Pid), "--dir", dir), 3
			}
			collect := record(t, cmd)
			start(t, cmd)
			eventually(t, "the run at the server", func() bool { return p.stored() != nil })
			touch(t, filepath.Join(dir, "go"))
			eventually(t, "the end of the log", func() bool {
				run, ok := loaded(dir)
				return ok && run.Exit != nil
			})
			time.Sleep(300 * time.Millisecond)
			began := time.Now()
			cmd.Process.Signal(syscall.SIGINT)
			code := done(t, cmd)
			took := time.Since(began)
			if _, errs := collect(); code != want || !strings.Contains(errs, "wandb-agent sync "+dir) {
				t.Errorf("exit %d, want %d: %s", code, want, errs)
			}
			if took > 2*time.Second+5*time.Second { // what a loaded machine may add
				t.Errorf("it took %v", took)
			}
			t.Logf("it took %v", took)
		})
	}
}

// TestKilledWorkersSendEverythingOnce: each worker goes on where the one before
// was killed.
func TestKilledWorkersSendEverythingOnce(t *testing.T) {
	p, dir := serve(t), t.TempDir()
	stop := filepath.Join(dir, "stop")
	script := "i=0; while [ ! -e " + stop + " ]; do i=$((i+1)); echo line $i; sleep 0.01; done"
	cmd := p.online()
	cmd.Path, cmd.Args[0] = exec.Command("part").Path, "part"
	cmd.Args = append(cmd.Args, "quick", dir, "sh", "-c", script)
	start(t, cmd)
	killed := 0
	for range killRounds(t, 5) {
		worker := 0
		eventually(t, "another worker", func() bool {
			worker = workerOf(cmd.Process.Pid)
			return worker != 0 && worker != killed
		})
		eventually(t, "the run at the server", func() bool { return p.stored() != nil })
		time.Sleep(time.Duration(rand.Int64N(int64(300 * time.Millisecond))))
		if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
			t.Fatalf("worker %d: %v", worker, err)
		}
		killed = worker
	}
	touch(t, stop)
	if code := done(t, cmd); code != 0 {
		t.Errorf("exit %d", code)
	}
	run := p.stored()
	for i, line := range run.Console {
		if !strings.HasSuffix(line, " line "+strconv.Itoa(i+1)) {
			t.Fatalf("line %d of the console is %q", i, line)
		}
	}
	local, ok := loaded(dir)
	if !ok {
		t.Fatal("no run here")
	}
	lines := 0
	for _, c := range local.Console {
		lines += strings.Count(c.Text, "\n")
	}
	if len(run.Console) != lines || len(run.Events) != len(local.Stats) || run.State != "finished" {
		t.Errorf("stored %d lines and %d samples, here %d and %d; state %s", len(run.Console), len(run.Events), lines, len(local.Stats), run.State)
	}
}

// TestUnsentIsSaid: attach exits with 3 when there is no key, and when the server
// is gone.
func TestUnsentIsSaid(t *testing.T) {
	p := serve(t)
	p.front.Stop()
	for want, key := range map[string]string{"no credentials": "WANDB_API_KEY=", "connection refused": "WANDB_API_KEY=" + onlineKey} {
		dir := t.TempDir()
		target := exec.Command("sleep", "0.3")
		start(t, target)
		cmd := p.online("attach", "--pid", strconv.Itoa(target.Process.Pid), "--dir", dir, "--finish-timeout", "1s")
		cmd.Env = append(cmd.Env, key)
		if s := says(t, cmd); s.code != 3 || !strings.Contains(s.stderr, want) || !strings.Contains(s.stderr, "wandb-agent sync "+dir) {
			t.Errorf("exit %d, want 3 and %q: %s", s.code, want, s.stderr)
		}
	}
}

// TestExecSendsTheRowsOfItsRanks: two programs inside count their steps each
// from 0. Every row of both is stored once, under a step of its own.
func TestExecSendsTheRowsOfItsRanks(t *testing.T) {
	p, dir := serve(t), t.TempDir()
	script := "for RANK in 0 1; do RANK=$RANK WORLD_SIZE=2 part inside & done; wait"
	if s := says(t, p.online(execArgs(dir, "sh", "-c", script)...)); s.code != 0 || strings.Contains(s.stderr, "part:") {
		t.Fatalf("exit %d: %s", s.code, s.stderr)
	}
	run := p.stored()
	if run == nil || len(run.History) != 42 {
		t.Fatalf("stored: %+v, want 42 rows", run)
	}
	of := map[string]int{}
	for i, line := range run.History {
		var row struct {
			Step   int    `json:"_step"`
			Own    int    `json:"_writer_step"`
			Writer string `json:"_writer"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil || row.Step != i || row.Own > 20 {
			t.Errorf("row %d: %v: got %s", i, err, line)
		}
		of[row.Writer]++
	}
	// A row that comes before its writer's name is known says which log it is from.
	if len(of) < 2 || of[""] > 21 {
		t.Errorf("rows by writer: %v, want all of the second one to say whose they are", of)
	}
}
