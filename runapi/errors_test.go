package runapi

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/auth"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
)

// initError makes Init fail and returns its error, which must be an *InitError.
func initError(t *testing.T, what, op string, s Settings) error {
	t.Helper()
	r, err := Init(t.Context(), s)
	if err == nil {
		r.Close()
		t.Errorf("%s: a run was made", what)
		return nil
	}
	var e *InitError
	if !errors.As(err, &e) || e.Op != op || !strings.HasPrefix(err.Error(), "init run: "+op+": ") {
		t.Errorf("%s: got %v, want an *InitError of %s", what, err, op)
	}
	return err
}

// TestEveryFailureCanBeTold: each failure that is documented has an error that
// callers find with errors.Is or errors.As.
func TestEveryFailureCanBeTold(t *testing.T) {
	p := serve(t)
	session(t, func() Settings { s := p.online(t); s.ID = "there"; return s }(), 1)
	with := func(change func(*Settings)) Settings { s := p.online(t); change(&s); return s }
	full := filepath.Join(t.TempDir(), "file")
	write(t, full, "no directory")
	finished := start(t, quiet(t))
	if err := finished.Finish(0); err != nil {
		t.Fatal(err)
	}
	open := start(t, quiet(t))
	set := func(k string, v any) error { return open.Config().Set(k, v) }
	if err := errors.Join(set("lr", 1), open.Log(map[string]any{"x": 1}, AtStep(5), Commit())); err != nil {
		t.Fatal(err)
	}
	kept := quiet(t)
	kept.Mode = ModeOnline
	keptRun := start(t, kept)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, canceledErr := Init(canceled, quiet(t))
	_, use := open.UseArtifact(t.Context(), "a:v0", UseOptions{})
	_, link := open.LinkArtifact(t.Context(), nil, "c")
	for _, test := range []struct {
		what string
		err  error
		want error
	}{
		{"settings", initError(t, "settings", "settings", with(func(s *Settings) { s.Mode = "odd" })), errModes},
		{"canceled", canceledErr, context.Canceled},
		{"config", initError(t, "config", "config", with(func(s *Settings) { s.Config = map[string]any{"": 1} })), ErrKey},
		{"directory", initError(t, "directory", "directory", with(func(s *Settings) { s.Dir, s.Mode = full, ModeOffline })), syscall.ENOTDIR},
		{"no key, but one is required", initError(t, "login", "server", with(func(s *Settings) { s.RequireLogin, s.APIKey = true, api.Key{} })), ErrNotLoggedIn},
		{"its cause", initError(t, "login", "server", with(func(s *Settings) { s.RequireLogin, s.APIKey = true, api.Key{} })), auth.ErrNone},
		{"must", initError(t, "must", "server", with(func(s *Settings) { s.ID, s.Resume = "absent", "must" })), ErrNoSuchRun},
		{"never", initError(t, "never", "server", with(func(s *Settings) { s.ID, s.Resume = "there", "never" })), ErrRunExists},
		{"both are resume errors", initError(t, "never", "server", with(func(s *Settings) { s.ID, s.Resume = "there", "never" })), upload.ErrResume},
		{"active", initError(t, "forbid", "settings", with(func(s *Settings) { s.Reinit = ReinitForbid })), ErrRunActive},
		{"a finished run's directory", initError(t, "finished", "log", with(func(s *Settings) { s.RunDir = finished.dir })), ErrFinished},
		{"log", finished.Log(map[string]any{"x": 1}), ErrFinished},
		{"finish", finished.Finish(0), ErrFinished},
		{"finish without a key", keptRun.Finish(0), ErrUnsent},
		{"its cause", keptRun.kept, ErrNotLoggedIn},
		{"step", open.Log(map[string]any{"x": 1}, AtStep(2)), ErrStepBack},
		{"key", open.Log(map[string]any{"": 1}), ErrKey},
		{"config again", set("lr", 2), ErrConfigLocked},
		{"row", open.Log(map[string]any{"x": strings.Repeat("x", MaxRowBytes)}), ErrRowTooLarge},
		{"tag", open.SetTags(""), ErrName},
		{"name", open.SetName(""), ErrName},
		{"alert", open.Alert("", "", Info, 0), ErrAlert},
		{"artifact of a kept run", use, ErrOffline},
		{"link in a kept run", link, ErrOffline},
	} {
		if !errors.Is(test.err, test.want) {
			t.Errorf("%s: got %v, want %v", test.what, test.err, test.want)
		}
	}
	var v *ValueError
	if err := open.Log(map[string]any{"f": func() {}}); !errors.As(err, &v) || v.Key != "f" {
		t.Errorf("a func: got %v, want a *ValueError", err)
	}
	var u *UnsentError
	if err := keptAgain(t); !errors.As(err, &u) || !u.Whole || !errors.Is(err, ErrNotLoggedIn) {
		t.Errorf("a kept run: got %v, want an *UnsentError of the whole run", err)
	}
}

func keptAgain(t *testing.T) error {
	s := quiet(t)
	s.Mode, s.FinishTimeout = ModeOnline, time.Second
	return start(t, s).Finish(0)
}

// TestDirectoryThatCannotBeUsed: a run that is sent is made elsewhere and says
// so; one that is kept is not, since nobody would find it. Seen to fail without
// elsewhere (the online run is an error).
func TestDirectoryThatCannotBeUsed(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	p := serve(t)
	full := filepath.Join(t.TempDir(), "file")
	write(t, full, "no directory")
	s := p.online(t)
	s.Dir = full
	r := start(t, s)
	if !strings.Contains(r.Notice(), "not a directory") || !strings.Contains(r.Notice(), filepath.Dir(r.Dir())) {
		t.Errorf("notice %q, directory %s", r.Notice(), r.Dir())
	}
	if err := errors.Join(r.Log(map[string]any{"x": 1}), r.Finish(0)); err != nil {
		t.Fatal(err)
	}
	if run := p.run(t, r.ID()); len(run.History) != 1 {
		t.Errorf("the server has %d rows", len(run.History))
	}
	for _, mode := range []Mode{ModeOffline, ModeOnline} {
		s := quiet(t)
		s.Dir, s.Mode = full, mode
		initError(t, string(mode)+" and kept", "directory", s)
	}
}
