package runapi

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// firstRun returns the first run record of a run's log.
func firstRun(t *testing.T, dir string) *wandbpb.RunRecord {
	t.Helper()
	d, err := runlog.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var first *wandbpb.RunRecord
	if _, err := runlog.Walk(d, func(_ string, rec *wandbpb.Record) error {
		if first == nil && rec.GetRun() != nil {
			first = proto.Clone(rec.GetRun()).(*wandbpb.RunRecord)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if first == nil {
		t.Fatal("the log has no run record")
	}
	return first
}

func TestLogSaysHowTheRunGoesOn(t *testing.T) {
	f := func(change func(*Settings), check func(*wandbpb.RunRecord) bool) {
		t.Helper()
		s := quiet(t)
		change(&s)
		r := start(t, s)
		if rec := firstRun(t, r.Dir()); !check(rec) {
			t.Errorf("the run record is %v", rec)
		}
	}
	f(func(s *Settings) {}, func(r *wandbpb.RunRecord) bool {
		return r.Resume == "" && r.BranchPoint == nil && len(r.GetWriter().GetId()) == 32 && !r.GetWriter().GetShared()
	})
	f(func(s *Settings) { s.ID, s.Resume = "abc", "must" }, func(r *wandbpb.RunRecord) bool { return r.Resume == "must" })
	f(func(s *Settings) { s.Environ = []string{"WANDB_RESUME=True"} }, func(r *wandbpb.RunRecord) bool { return r.Resume == "auto" })
	f(func(s *Settings) { s.ResumeFrom = "abc?_step=7" }, func(r *wandbpb.RunRecord) bool {
		return r.RunId == "abc" && r.BranchPoint.GetRun() == "abc" && r.BranchPoint.GetValue() == 7 && r.BranchPoint.GetMetric() == "_step" && !r.Forked
	})
	f(func(s *Settings) { s.ID, s.Environ = "new", []string{"WANDB_FORK_FROM=abc?_step=0"} }, func(r *wandbpb.RunRecord) bool {
		return r.RunId == "new" && r.BranchPoint.GetRun() == "abc" && r.Forked
	})
	f(func(s *Settings) { s.SweepID = "sw" }, func(r *wandbpb.RunRecord) bool { return r.SweepId == "sw" })
	f(func(s *Settings) { s.Environ = []string{"RANK=3", "WORLD_SIZE=4"} }, func(r *wandbpb.RunRecord) bool {
		return r.Writer.GetLabel() == "rank-3" && r.Writer.GetOrder() == 3 && !r.Writer.GetSecondary()
	})
	f(func(s *Settings) {
		s.Label, s.Environ = "mine", []string{"RANK=3", "WORLD_SIZE=4", "WANDB_X_PRIMARY=false"}
	}, func(r *wandbpb.RunRecord) bool {
		return r.Writer.GetLabel() == "mine" && r.Writer.GetSecondary()
	})
}

func TestBranchesThatMakeNoSense(t *testing.T) {
	f := func(want string, change func(*Settings)) {
		t.Helper()
		s := quiet(t)
		change(&s)
		_, _, err := resolve(s)
		var ie *InitError
		if !errors.As(err, &ie) || ie.Op != "settings" || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error of settings with %q", err, want)
		}
	}
	f(`resume "maybe"`, func(s *Settings) { s.Resume = "maybe" })
	f("WANDB_RESUME", func(s *Settings) { s.Environ = []string{"WANDB_RESUME=sure"} })
	f("exclude each other", func(s *Settings) { s.Resume, s.ForkFrom = "allow", "a?_step=1" })
	f("want ID?_step=N", func(s *Settings) { s.ResumeFrom = "a?_step=-1" })
	f("want ID?_step=N", func(s *Settings) { s.ResumeFrom = "a" })
	f("a step of its own", func(s *Settings) { s.ID, s.ResumeFrom = "b", "a?_step=1" })
	f("id of its own", func(s *Settings) { s.ID, s.ForkFrom = "a", "a?_step=1" })
	f("no sweep", func(s *Settings) { s.SweepParamPath = "x" })
	f("transmit", func(s *Settings) { s.Transmit = 1 })
	f(`host sampling "x"`, func(s *Settings) { s.HostSampling = "x" })
	f("IGNORE_GLOBS", func(s *Settings) { s.Environ = []string{"WANDB_IGNORE_GLOBS=[a"} })
}

func TestAutoResumeGoesOnUntilTheRunEndsWell(t *testing.T) {
	s := quiet(t)
	s.Resume = "auto"
	first := start(t, s)
	path := filepath.Join(s.Dir, "wandb", "wandb-resume.json")
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", st, err)
	}
	if err := first.Finish(1); err != nil {
		t.Fatal(err)
	}
	second := start(t, s)
	if second.ID() != first.ID() {
		t.Errorf("after a failure auto has the id %s, want %s", second.ID(), first.ID())
	}
	if err := second.Finish(0); err != nil {
		t.Fatal(err)
	}
	third := start(t, s)
	if third.ID() == first.ID() {
		t.Error("auto went on with a run that ended well")
	}
	third.Finish(1)
	plain := quiet(t)
	plain.Dir = s.Dir
	start(t, plain).Finish(0)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a run without resume left the file of auto: %v", err)
	}
}

func TestHeadersAreNoPartOfErrors(t *testing.T) {
	s := quiet(t)
	s.Environ = []string{`WANDB_X_EXTRA_HTTP_HEADERS={"A":"canary` + "\n" + `"}`}
	if _, _, err := resolve(s); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
	s.Environ = []string{`WANDB_X_EXTRA_HTTP_HEADERS={"X-Proxy-Key":"v"}`}
	if s, _, err := resolve(s); err != nil || s.ExtraHeaders["X-Proxy-Key"] != "v" {
		t.Errorf("got %v %v", s.ExtraHeaders, err)
	}
}

func TestOneRankMeasuresTheMachine(t *testing.T) {
	f := func(want bool, environ ...string) {
		t.Helper()
		s := quiet(t)
		s.Environ = environ
		s, _, err := resolve(s)
		if got := s.noHost || s.HostSampling == HostNever; err != nil || got == want {
			t.Errorf("%q: measured %v (%v), want %v", environ, !got, err, want)
		}
	}
	f(true)
	f(true, "RANK=8", "LOCAL_RANK=0", "WORLD_SIZE=16")
	f(false, "RANK=9", "LOCAL_RANK=1", "WORLD_SIZE=16")
	f(true, "RANK=9", "LOCAL_RANK=1", "WORLD_SIZE=16", "WANDB_AGENT_HOST_SAMPLING=always")
	f(false, "SLURM_PROCID=1", "SLURM_NTASKS=2", "SLURM_LOCALID=1")
	f(false, "WANDB_AGENT_HOST_SAMPLING=never")
}
