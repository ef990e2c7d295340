package runapi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
)

// session is one process of a run that goes on.
func session(t *testing.T, s Settings, rows int) *Run {
	t.Helper()
	r := start(t, s)
	for i := range rows {
		if err := r.Log(map[string]any{"i": i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	return r
}

// steps are the steps of a stored run.
func (p *proof) steps(t *testing.T, id string) (steps []int) {
	t.Helper()
	for _, line := range p.run(t, id).History {
		row := tree(t, line).(map[string]any)
		step, _ := row["_step"].(float64)
		steps = append(steps, int(step))
	}
	return steps
}

func TestResumeOnline(t *testing.T) {
	for _, mode := range []string{"must", "allow", "auto"} {
		t.Run(mode, func(t *testing.T) {
			p := serve(t)
			s := p.online(t)
			s.ID = "r1"
			session(t, s, 3)
			s.Resume = mode
			r := start(t, s)
			if r.StartingStep() != 3 || !r.Resumed() || r.Step() != 3 {
				t.Errorf("resumed %v at %d, step %d; want at 3", r.Resumed(), r.StartingStep(), r.Step())
			}
			if err := r.Log(map[string]any{"i": 9}, AtStep(2)); !errors.Is(err, ErrStepBack) {
				t.Errorf("a step of the earlier process: %v", err)
			}
			if err := errors.Join(r.Log(map[string]any{"i": 3}), r.Log(map[string]any{"i": 4}, AtStep(7), Commit()), r.Finish(0)); err != nil {
				t.Fatal(err)
			}
			if got, want := p.steps(t, "r1"), []int{0, 1, 2, 3, 7}; !slices.Equal(got, want) {
				t.Errorf("steps %v, want %v", got, want)
			}
		})
	}
}

func TestResumeThatMustNotBe(t *testing.T) {
	f := func(mode string, exists bool) {
		t.Helper()
		p := serve(t)
		s := p.online(t)
		s.ID = "r1"
		if exists {
			session(t, s, 2)
			s.Dir = t.TempDir()
		}
		s.Resume = mode
		_, err := Init(t.Context(), s)
		var ie *InitError
		if !errors.As(err, &ie) || ie.Op != "server" || !errors.Is(err, upload.ErrResume) {
			t.Errorf("%s with a run %v: got %v", mode, exists, err)
		}
		if left, _ := filepath.Glob(filepath.Join(s.Dir, "wandb", "*run-2*")); len(left) > 0 {
			t.Errorf("%s: left behind: %q", mode, left)
		}
	}
	f("must", false)
	f("never", true)
}

func TestResumeOfNothing(t *testing.T) {
	for _, mode := range []string{"allow", "never", "auto"} {
		p := serve(t)
		s := p.online(t)
		s.ID, s.Resume = "r1", mode
		if r := session(t, s, 2); r.Resumed() || r.StartingStep() != 0 {
			t.Errorf("%s: resumed %v at %d", mode, r.Resumed(), r.StartingStep())
		}
		if got := p.steps(t, "r1"); !slices.Equal(got, []int{0, 1}) {
			t.Errorf("%s: steps %v", mode, got)
		}
	}
}

// TestResumeOffline: the question is asked when the run is sent.
func TestResumeOffline(t *testing.T) {
	p := serve(t)
	s := p.online(t)
	s.ID = "r1"
	session(t, s, 3)
	s.Mode, s.Resume = ModeOffline, "must"
	r := session(t, s, 2)
	if r.Resumed() || r.Step() != 2 {
		t.Errorf("offline: resumed %v, step %d", r.Resumed(), r.Step())
	}
	p.send(t, r.Dir())
	if got, want := p.steps(t, "r1"), []int{0, 1, 2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("steps %v, want %v", got, want)
	}
}

// TestResumeOfflineThatMustNotBe: the run stays where it is.
func TestResumeOfflineThatMustNotBe(t *testing.T) {
	f := func(mode string, exists, refused bool) {
		t.Helper()
		p := serve(t)
		s := p.online(t)
		s.ID = "r1"
		if exists {
			session(t, s, 1)
		}
		s.Mode, s.Resume = ModeOffline, mode
		dir, err := runlog.OpenDir(session(t, s, 1).Dir())
		if err != nil {
			t.Fatal(err)
		}
		client, err := api.New(api.Options{BaseURL: p.front.URL(), Key: testAPIKey})
		if err != nil {
			t.Fatal(err)
		}
		u, err := upload.New(upload.Options{Dir: dir, Client: client})
		if err != nil {
			t.Fatal(err)
		}
		report, err := u.Run(t.Context())
		if refused != errors.Is(err, upload.ErrResume) || refused == report.Complete {
			t.Errorf("%s with a run %v: complete %v, %v", mode, exists, report.Complete, err)
		}
	}
	f("must", false, true)
	f("never", true, true)
	f("never", false, false)
	f("allow", false, false)
	f("allow", true, false)
	f("auto", true, false)
}

func TestRewindAndFork(t *testing.T) {
	p := serve(t)
	s := p.online(t)
	s.ID = "r1"
	session(t, s, 5)
	back := s
	back.ID, back.ResumeFrom = "", "r1?_step=2"
	if r := session(t, back, 1); r.ID() != "r1" || r.StartingStep() != 3 {
		t.Errorf("rewound: run %s at %d", r.ID(), r.StartingStep())
	}
	if got, want := p.steps(t, "r1"), []int{0, 1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("rewound: steps %v, want %v", got, want)
	}
	fork := s
	fork.ID, fork.ForkFrom = "r2", "r1?_step=1"
	r := start(t, fork)
	if r.Step() != 2 {
		t.Errorf("forked: step %d, want 2", r.Step())
	}
	if err := errors.Join(r.Log(map[string]any{"i": 1}), r.Finish(0)); err != nil {
		t.Fatal(err)
	}
	if got, want := p.steps(t, "r2"), []int{2}; !slices.Equal(got, want) {
		t.Errorf("forked: steps %v, want %v", got, want)
	}
}

// TestResumeWithoutAnAnswer: what must be known is an error within the time
// allowed, what may be found out later is said.
func TestResumeWithoutAnAnswer(t *testing.T) {
	for mode, strict := range map[string]bool{"must": true, "never": true, "allow": false, "auto": false} {
		s := quiet(t)
		s.Mode, s.BaseURL, s.APIKey = ModeOnline, hanging(t), testAPIKey
		s.ID, s.Resume, s.InitTimeout, s.FinishTimeout = "r1", mode, 300*time.Millisecond, -1
		r, err := Init(t.Context(), s)
		if strict != (err != nil) || strict != errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v", mode, err)
		}
		if err != nil {
			if left, _ := os.ReadDir(filepath.Join(s.Dir, "wandb")); len(left) > 2 {
				t.Errorf("%s: left behind: %v", mode, left)
			}
			continue
		}
		if r.Notice() == "" || r.Step() != 0 {
			t.Errorf("%s: notice %q, step %d", mode, r.Notice(), r.Step())
		}
		if err := r.Finish(0); !errors.Is(err, ErrUnsent) {
			t.Errorf("%s: Finish says %v", mode, err)
		}
	}
}

// TestSweepRunBelongsToIt.
func TestSweepRunBelongsToIt(t *testing.T) {
	p := serve(t)
	s := p.online(t)
	path := filepath.Join(s.Dir, "params.yaml")
	write(t, path, sweepFile)
	s.ID, s.Config, s.Environ = "r1", map[string]any{"lr": 7}, []string{"WANDB_SWEEP_ID=sw1", "WANDB_SWEEP_PARAM_PATH=" + path}
	session(t, s, 1)
	run := p.run(t, "r1")
	lr := tree(t, run.Config).(map[string]any)["lr"]
	if run.Sweep != "sw1" || fmt.Sprint(lr) != "map[value:0.25]" {
		t.Errorf("sweep %q, lr %v", run.Sweep, lr)
	}
}
