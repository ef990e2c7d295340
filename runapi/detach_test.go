package runapi

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// TestDetachAndReattach: a run goes on where it was left, offline.
func TestDetachAndReattach(t *testing.T) {
	s := quiet(t)
	s.Config, s.Environ = map[string]any{"lr": 1}, []string{"WANDB_RESUME=must"}
	s.Resume = "allow"
	r := start(t, s)
	console := r.ConsoleWriter(false)
	_, werr := console.Write([]byte("half a line"))
	err := errors.Join(werr, r.Log(map[string]any{"x": 0}), r.Log(map[string]any{"open": 1}, NoCommit()), r.SetName("left"), r.AddTags("a"))
	if err != nil {
		t.Fatal(err)
	}
	began := r.StartTime()
	token, err := r.Detach(t.Context())
	if err != nil || token == "" {
		t.Fatalf("token %q, %v", token, err)
	}
	if _, again := r.Detach(t.Context()); again != ErrFinished || r.Log(map[string]any{"x": 1}) != ErrFinished || r.Close() != nil || Active() == r {
		t.Errorf("the run that was left still does something (%v)", again)
	}
	if run := loadDir(t, r.Dir()); run.Exit != nil || len(run.History) != 2 || len(run.Console) != 1 {
		t.Errorf("left behind: exit %+v, %d rows, %d console texts", run.Exit, len(run.History), len(run.Console))
	}
	next := quiet(t)
	next.Environ = []string{"WANDB_RESUME=must", "WANDB_RUN_ID=other"}
	r2, err := Reattach(t.Context(), token, next)
	if err != nil {
		t.Fatal(err)
	}
	if r2.ID() != r.ID() || r2.Step() != 2 || r2.Name() != "left" || r2.StartTime().Sub(began).Abs() > time.Millisecond || Active() != r2 {
		t.Errorf("id %s, step %d, name %q, start %v; want %s, 2, left, %v", r2.ID(), r2.Step(), r2.Name(), r2.StartTime(), r.ID(), began)
	}
	var held *InitError
	if _, err := Reattach(t.Context(), token, next); !errors.Is(err, runlog.ErrLocked) || !errors.As(err, &held) {
		t.Errorf("while another has it: %v, want ErrLocked", err)
	}
	if err := errors.Join(r2.Config().Set("more", 2), r2.Log(map[string]any{"x": 2})); err != nil {
		t.Fatal(err)
	}
	run := load(t, r2)
	if len(run.History) != 3 || run.History[2].Step != 2 || run.Config["lr"] != int64(1) || run.Config["more"] != int64(2) || run.Name != "left" || len(run.Tags) != 1 {
		t.Errorf("%d rows, config %v, name %q, tags %q", len(run.History), run.Config, run.Name, run.Tags)
	}
	if _, err := Reattach(t.Context(), token, next); !errors.Is(err, ErrFinished) {
		t.Errorf("after its end: %v, want ErrFinished", err)
	}
}

// TestReattachOnline: what one process did not send the other does, once, also
// for a run that was resumed. Seen to fail without Settings.base (steps begin at
// 0 again, and StartingStep is 0).
func TestReattachOnline(t *testing.T) {
	p := serve(t)
	s := p.online(t)
	s.ID = "r"
	session(t, s, 4)
	s.Resume = "must"
	r := start(t, s)
	if err := r.Log(map[string]any{"i": 4}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a row at the server", func() bool { return r.Status().Upload.Rows.Sent == 1 })
	if err := r.Log(map[string]any{"i": 5}); err != nil {
		t.Fatal(err)
	}
	token, err := r.Detach(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if run := p.run(t, "r"); run.State != "running" {
		t.Errorf("a run that was left is %s at the server", run.State)
	}
	s.Resume = ""
	r2, err := Reattach(t.Context(), token, s)
	if err != nil {
		t.Fatal(err)
	}
	if r2.StartingStep() != 4 || r2.Step() != 6 {
		t.Errorf("starting step %d, step %d; want 4, 6", r2.StartingStep(), r2.Step())
	}
	if err := errors.Join(r2.Log(map[string]any{"i": 7}, AtStep(7), Commit()), r2.Finish(0)); err != nil {
		t.Fatal(err)
	}
	steps := p.steps(t, "r")
	if len(steps) != 7 || steps[4] != 4 || steps[5] != 5 || steps[6] != 7 || p.run(t, "r").State != "finished" {
		t.Errorf("steps %v, state %s; want 0 1 2 3 4 5 7, finished", steps, p.run(t, "r").State)
	}
}

func TestTokensThatAreNone(t *testing.T) {
	r := start(t, quiet(t))
	token, err := r.Detach(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "x", "/nowhere" + tokenStep + "0", strings.Replace(string(token), "=0", "=-1", 1), string(token) + "x"} {
		if _, err := Reattach(t.Context(), Token(text), quiet(t)); !errors.Is(err, ErrToken) {
			t.Errorf("token %q: got %v, want ErrToken", text, err)
		}
	}
	if err := os.RemoveAll(r.Dir()); err != nil {
		t.Fatal(err)
	}
	if _, err := Reattach(t.Context(), token, quiet(t)); !errors.Is(err, ErrToken) {
		t.Errorf("its run is gone: got %v, want ErrToken", err)
	}
	in := quiet(t)
	outer := start(t, prepared(t))
	in.Environ = []string{RunDirVariable + "=" + outer.Dir()}
	if _, err := start(t, in).Detach(t.Context()); !errors.Is(err, errPart) {
		t.Errorf("inside exec: got %v", err)
	}
}

func prepared(t *testing.T) Settings {
	s, err := Prepare(quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// FuzzReattach: no text that is taken for a token makes a panic or a run.
func FuzzReattach(f *testing.F) {
	for _, text := range []string{"", "?starting_step=0", "/tmp?starting_step=", "\x00?starting_step=9", ".?starting_step=99999999999999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := Reattach(t.Context(), Token(text), quiet(t)); err == nil {
			r.Close()
			t.Errorf("token %q made run %s", text, r.ID())
		}
	})
}
