package runapi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/faults"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
)

var testAPIKey = api.NewKey(testKey)

// hanging is a server that takes connections and says nothing.
func hanging(t testing.TB) string {
	t.Helper()
	s, err := faults.Start(http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	s.SetMode(faults.HalfOpen)
	t.Cleanup(s.Close)
	return s.URL()
}

// dead is the address of a server that is not there.
func dead(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// finishAfter logs ten rows and finishes; how long that took, and its error.
func finishAfter(t *testing.T, s Settings) (*Run, time.Duration, error) {
	t.Helper()
	r := start(t, s)
	for i := range 10 {
		if err := r.Log(map[string]any{"i": i}); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	err := r.Finish(0)
	return r, time.Since(began), err
}

// slow is what a loaded machine may add to a deadline.
const slow = 5 * time.Second

// TestFinishHasADeadline: whatever the server does, and the run is complete on
// disk. Seen to fail without WithTimeout in sendRest (hanging later) and without
// Options.Unreached in the uploader (dead, hanging).
func TestFinishHasADeadline(t *testing.T) {
	f := func(name string, limit time.Duration, cause error, change func(*testing.T, *Settings)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := quiet(t)
			s.Mode, s.APIKey, s.Transmit = ModeOnline, testAPIKey, minInterval
			change(t, &s)
			r, took, err := finishAfter(t, s)
			var unsent *UnsentError
			if !errors.As(err, &unsent) || !strings.Contains(err.Error(), "wandb-agent sync "+r.Dir()) {
				t.Fatalf("Finish says %v", err)
			}
			if cause != nil && !errors.Is(err, cause) {
				t.Errorf("Finish says %v, want %v", err, cause)
			}
			if took > limit+slow {
				t.Errorf("Finish took %v, want at most %v", took, limit)
			}
			if run := loadDir(t, r.Dir()); len(run.History) != 10 || run.Exit == nil || run.Exit.Code != 0 {
				t.Errorf("the directory has %d rows, exit %+v", len(run.History), run.Exit)
			}
		})
	}
	f("dead", 5*time.Second, nil, func(t *testing.T, s *Settings) { s.BaseURL = dead(t) })
	f("hanging", 5*time.Second, nil, func(t *testing.T, s *Settings) { s.BaseURL = hanging(t) })
	f("hanging, no patience", time.Second, nil, func(t *testing.T, s *Settings) { s.BaseURL, s.FinishTimeout = hanging(t), -1 })
	f("refusing", 5*time.Second, upload.ErrKey, func(t *testing.T, s *Settings) {
		p := serve(t)
		p.faults.Add(faults.On(faults.Match{}, faults.Status(401)))
		s.BaseURL = p.front.URL()
	})
	f("hanging later", time.Second, nil, func(t *testing.T, s *Settings) {
		p := serve(t)
		p.faults.Add(faults.On(faults.Match{Path: "/file_stream"}, faults.Action{Kind: faults.Hang}))
		s.BaseURL, s.FinishTimeout = p.front.URL(), time.Second
	})
	f("failing", time.Second, nil, func(t *testing.T, s *Settings) {
		p := serve(t)
		p.faults.Add(faults.On(faults.Match{Path: "/file_stream"}, faults.Status(500)))
		s.BaseURL, s.FinishTimeout = p.front.URL(), time.Second
	})
}

// TestImpatientFinish: the end of its context ends the waiting.
func TestImpatientFinish(t *testing.T) {
	p := serve(t)
	p.faults.Add(faults.On(faults.Match{Path: "/file_stream"}, faults.Action{Kind: faults.Hang}))
	r := start(t, p.online(t))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	began := time.Now()
	err := r.FinishContext(ctx, Exit{})
	if !errors.Is(err, ErrUnsent) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 2*time.Second+slow {
		t.Errorf("it took %v", took)
	}
}

// TestOutageLosesNothing: the server comes back before the run ends.
func TestOutageLosesNothing(t *testing.T) {
	p := serve(t)
	p.faults.Add(faults.Next(2, "UpsertBucket", faults.Status(503)), faults.Next(1, "/file_stream", faults.Action{Kind: faults.StoreDrop}))
	s := p.online(t)
	s.ID = "r1"
	_, _, err := finishAfter(t, s)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.run(t, "r1").History); n != 10 {
		t.Errorf("the server has %d rows, want 10", n)
	}
}

// TestKilledOnlineProgram: rows that were acknowledged reach the server when the
// directory is sent later, once each, and the run is not shown as successful.
func TestKilledOnlineProgram(t *testing.T) {
	p := serve(t)
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir, crashServer+"="+p.front.URL())
	last := killedAfter(t, cmd, 600*time.Millisecond)
	path := filepath.Join(dir, "wandb")
	p.send(t, path)
	run := p.run(t, loadDir(t, path).ID)
	seen := map[string]int{}
	for _, line := range run.History {
		for key := range tree(t, line).(map[string]any) {
			seen[key]++
		}
	}
	for i := range last + 1 {
		if key := "k" + strconv.Itoa(i); seen[key] != 1 {
			t.Fatalf("acknowledged value %s of %d is stored %d times", key, last, seen[key])
		}
	}
	if run.State == "finished" || run.ExitCode == nil || *run.ExitCode == 0 {
		t.Errorf("state %s, exit %v", run.State, run.ExitCode)
	}
	t.Logf("%d values, %d rows", last+1, len(run.History))
}
