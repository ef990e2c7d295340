package upload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// childDir and childURL make a test process an uploader.
const (
	childDir = "WANDB_AGENT_TEST_UPLOAD_DIR"
	childURL = "WANDB_AGENT_TEST_UPLOAD_URL"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := playUploader(dir, os.Getenv(childURL)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// playUploader follows a run until its writer is gone and all of it is sent.
func playUploader(path, url string) error {
	dir, err := runlog.OpenDir(path)
	if err != nil {
		return err
	}
	client, err := api.New(api.Options{BaseURL: url, Key: testKey})
	if err != nil {
		return err
	}
	u, err := New(Options{
		Dir: dir, Client: client, Live: true, Transmit: time.Millisecond, Poll: time.Millisecond, Debounce: 5 * time.Millisecond,
		Retry: api.RetryPolicy{Max: 1000, WaitMin: time.Millisecond, WaitMax: 5 * time.Millisecond},
	})
	if err != nil {
		return err
	}
	u.limit = 4000
	go func() {
		for alive := true; alive; time.Sleep(time.Millisecond) {
			alive, err = dir.Alive()
		}
		u.Finish(context.Background())
	}()
	_, err = u.Run(context.Background())
	return err
}

// killRounds is how often the uploader is killed.
func killRounds(t testing.TB) int {
	n, err := strconv.Atoi(os.Getenv("WANDB_AGENT_KILL_ROUNDS"))
	if err != nil || n <= 0 {
		return 10
	}
	return n
}

// TestKill kills the uploader of an online run of 10,000 rows at random moments:
// the stored run is the one that an upload without a kill gives.
func TestKill(t *testing.T) {
	rounds := killRounds(t)
	l := newLog(t, &wandbpb.RunRecord{RunId: "abc", Project: "p"})
	f := newFake(t)
	f.lose = 0.05
	const rows = 10_000
	logged := make(chan bool)
	stop := make(chan bool)
	go func() { // a program that logs for as long as the uploader is being killed
		defer close(logged)
		for i := int64(0); i < rows; i += 10 {
			l.rows(i, 10)
			l.w.Output(i%20 == 0, 1_700_000_000_000_000_000+i, fmt.Appendf(nil, "\rstep %d\n", i))
			l.w.Stats(1_700_000_015_000_000_000+i, []runlog.StatItem{{Key: runlog.NewStatKey("cpu"), Value: float64(i)}})
			select {
			case <-stop:
			case <-time.After(time.Duration(rounds) * 40 * time.Microsecond):
			}
		}
		l.write(summaryRecord("loss", "0.001"))
		l.exit(0)
	}()
	killed := 0
	for range rounds {
		cmd := uploaderProcess(t, l.dir.Path, f.URL)
		time.Sleep(time.Duration(rand.N(int64(80 * time.Millisecond))))
		cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
	}
	close(stop)
	<-logged
	cmd := uploaderProcess(t, l.dir.Path, f.URL)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t.Logf("%d kills, %d requests", killed, f.requests)
	if len(f.bad) > 0 || len(f.history) != rows || len(f.events) != rows/10 || len(f.console) != rows/10 || !f.complete || f.exit != 0 || f.summary != `{"loss":0.001}` {
		t.Fatalf("got %d rows, %d samples, %d lines, complete %v %d, summary %s, faults %.300v", len(f.history), len(f.events), len(f.console), f.complete, f.exit, f.summary, f.bad)
	}
	want := wholeUpload(t, l.dir)
	for i := range want.history {
		if f.history[i] != want.history[i] {
			t.Fatalf("row %d: got %s, want %s", i, f.history[i], want.history[i])
		}
	}
	for i := range want.events {
		if f.events[i] != want.events[i] {
			t.Fatalf("sample %d: got %s, want %s", i, f.events[i], want.events[i])
		}
	}
	for i := range want.console {
		if f.console[i] != want.console[i] {
			t.Fatalf("console line %d: got %s, want %s", i, f.console[i], want.console[i])
		}
	}
	if f.files["output.log"] != want.files["output.log"] || f.files["config.yaml"] == "" {
		t.Error("the files differ")
	}
}

func uploaderProcess(t testing.TB, dir, url string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childURL+"="+url)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// wholeUpload sends a finished run to another server without any trouble.
func wholeUpload(t testing.TB, dir *runlog.Dir) *fake {
	t.Helper()
	os.Remove(PositionPath(dir))
	os.Remove(syncStatePath(dir))
	f := newFake(t)
	u, err := New(Options{Dir: dir, Client: f.client(t)})
	if err != nil {
		t.Fatal(err)
	}
	if rep, err := u.Run(t.Context()); err != nil || !rep.Complete || rep.Unsent() {
		t.Fatalf("%+v: %v", rep, err)
	}
	return f
}
