package upload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
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
	p := newProofBehind(t, loseAnswers)
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
		cmd := uploaderProcess(t, l.dir.Path, p.url)
		time.Sleep(time.Duration(rand.N(int64(80 * time.Millisecond))))
		cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
	}
	close(stop)
	<-logged
	cmd := uploaderProcess(t, l.dir.Path, p.url)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	got := p.run("abc")
	os.Remove(PositionPath(l.dir))
	os.Remove(syncStatePath(l.dir))
	calm := newProof(t)
	if _, err := calm.send(l.dir, Options{}); err != nil {
		t.Fatal(err)
	}
	want := calm.run("abc")
	t.Logf("%d kills, %d requests", killed, len(p.Requests(0)))
	if len(want.History) != rows || len(want.Events) != rows/10 || len(want.Console) != rows/10 {
		t.Fatalf("without kills: %d rows, %d samples, %d lines", len(want.History), len(want.Events), len(want.Console))
	}
	sameLines(t, "row", got.History, want.History)
	sameLines(t, "sample", got.Events, want.Events)
	sameLines(t, "console line", got.Console, want.Console)
	if got.State != "finished" || got.Summary != want.Summary || len(got.Files) != len(want.Files) {
		t.Errorf("state %s, summary %s, files %v; want finished, %s, %v", got.State, got.Summary, got.Files, want.Summary, want.Files)
	}
}

func sameLines(t testing.TB, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d of kind %s, want %d", len(got), what, len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s %d: got %s, want %s", what, i, got[i], want[i])
		}
	}
}

// loseAnswers lets one answer in twenty of the file stream get lost.
func loseAnswers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/file_stream") && rand.N(20) == 0 {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
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
