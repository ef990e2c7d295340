package runapi

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// write makes a file with its directories.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPrecedence(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	write(t, filepath.Join(home, ".config/wandb/settings"), "[default]\nproject = global\nentity = global\nrun_group = global\nmode=offline\nx_label: global\n")
	write(t, filepath.Join(dir, "wandb/settings"), "# comment\n[other]\nproject = no\n[default]\nproject = file\nentity = file\nrun_group = file\nbogus = 1\nnonsense\n")
	s, r, err := resolve(Settings{Project: "code", Environ: []string{
		"HOME=" + home, "WANDB_DIR=" + dir, "WANDB_PROJECT=env", "WANDB_ENTITY=env", "WANDB_TAGS=a, b,,c", "WANDB_NAME=", "WANDB_NOTES=n",
		"WANDB_X_STATS_SAMPLING_INTERVAL=2.5", "WANDB__DISABLE_META=true", "WANDB_ARGS=[\"x\",\"y\"]", "WANDB_RESUME=allow", "WANDB_BOGUS=1", "WANDB_API_KEY=secret",
	}})
	if err != nil {
		t.Fatal(err)
	}
	f := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	f("project", s.Project, "code")
	f("entity", s.Entity, "env")
	f("group", s.Group, "file")
	f("label", s.Label, "global")
	f("mode", s.Mode, ModeOffline)
	f("dir", s.Dir, dir)
	f("name", s.Name, "")
	f("tags", strings.Join(s.Tags, "|"), "a|b|c")
	f("args", strings.Join(s.Args, "|"), "x|y")
	f("stats interval", s.StatsInterval, 2500*time.Millisecond)
	f("sample interval", s.SampleInterval, time.Second)
	f("disable meta", s.DisableMeta, true)
	f("resume", s.Resume, "allow")
	f("pid", s.PID, os.Getpid())
	for _, part := range []string{"WANDB_BOGUS: no such setting", "settings:8: bogus: no such setting", "settings:9: line is no key = value"} {
		if !slices.ContainsFunc(r.warnings, func(w string) bool { return strings.Contains(w, part) }) {
			t.Errorf("no warning has %q: %q", part, r.warnings)
		}
	}
	if len(r.warnings) != 3 {
		t.Errorf("%d warnings, want 3: %q", len(r.warnings), r.warnings)
	}
}

func TestModes(t *testing.T) {
	f := func(want Mode, environ ...string) {
		t.Helper()
		s, _, err := resolve(Settings{Environ: environ})
		if err != nil || s.Mode != want {
			t.Errorf("mode with %q is %q (%v), want %q", environ, s.Mode, err, want)
		}
	}
	f(ModeOnline)
	f(ModeOffline, "WANDB_MODE=dryrun")
	f(ModeOnline, "WANDB_MODE=run")
	f(ModeDisabled, "WANDB_MODE=disabled")
	f(ModeShared, "WANDB_MODE=shared")
	f(ModeOffline, "WANDB_MODE=OFFLINE")
	f(ModeDisabled, "WANDB_MODE=online", "WANDB_DISABLED=true")
	f(ModeOnline, "WANDB_DISABLED=false")
}

func TestInvalidSettingsNameTheirOrigin(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "wandb/settings"), "[default]\nx_stats_pid = -4\n")
	_, err := Init(context.Background(), Settings{
		Dir: dir, ID: "a/b", Project: "x?y", Tags: []string{""}, SampleInterval: time.Microsecond,
		Environ: []string{"WANDB_MODE=hybrid", "WANDB_ARGS=x", "WANDB_DISABLED=maybe", "WANDB_X_STATS_SAMPLING_INTERVAL=0"},
	})
	var ie *InitError
	if !errors.As(err, &ie) || ie.Op != "settings" {
		t.Fatalf("got %v, want an *InitError of settings", err)
	}
	for _, part := range []string{`WANDB_MODE="hybrid"`, `WANDB_ARGS="x"`, `WANDB_DISABLED="maybe"`, "WANDB_X_STATS_SAMPLING_INTERVAL", "settings:2: x_stats_pid", `run id "a/b"`, `project "x?y"`, "tag", "sample interval"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error does not name %s:\n%v", part, err)
		}
	}
}

func TestUnwritableDirectory(t *testing.T) {
	s := quiet(t)
	s.Dir = filepath.Join(s.Dir, "file")
	write(t, s.Dir, "")
	_, err := Init(context.Background(), s)
	var ie *InitError
	if !errors.As(err, &ie) || ie.Op != "directory" || !strings.Contains(err.Error(), s.Dir) || !strings.Contains(err.Error(), "WANDB_DIR") {
		t.Errorf("got %v, want an *InitError that names the path and the remedy", err)
	}
}

func TestOnlineWithoutAKeyIsKept(t *testing.T) {
	var out strings.Builder
	s := quiet(t)
	s.Mode, s.Entity, s.ID = ModeOnline, "team", "abc"
	s.Logger = slog.New(slog.NewTextHandler(&out, nil))
	r := start(t, s)
	for _, part := range []string{"team/p/abc", "kept", "wandb-agent login", "wandb-agent sync " + r.Dir()} {
		if !strings.Contains(r.Notice(), part) {
			t.Errorf("notice %q lacks %q", r.Notice(), part)
		}
	}
	if !strings.Contains(out.String(), "level=WARN") || !strings.Contains(out.String(), r.Dir()) {
		t.Errorf("the log says %q", out.String())
	}
	if name := filepath.Base(r.Dir()); !strings.HasPrefix(name, "offline-run-") {
		t.Errorf("the directory is %s, which sync would take for one that was sent", name)
	}
	var unsent *UnsentError
	if err := r.Finish(0); !errors.Is(err, ErrUnsent) || !errors.As(err, &unsent) || !unsent.Whole || unsent.Dir != r.Dir() {
		t.Errorf("Finish says %v", err)
	}
	if r2 := start(t, quiet(t)); r2.Notice() != "" || r2.Finish(0) != nil {
		t.Errorf("an offline run has the notice %q", r2.Notice())
	}
}

func FuzzParseINI(f *testing.F) {
	f.Add("[default]\nproject = x\n# c\n; d\nkey: v\nbroken\n[other]\na=b\n")
	f.Add("[default\n]\n=\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Count(text, "\n") + 1
		for _, e := range parseINI(text) {
			if e.line < 1 || e.line > lines || strings.ContainsAny(e.key+e.value, "\n") || e.key != strings.ToLower(e.key) {
				t.Fatalf("entry %+v of %q", e, text)
			}
		}
	})
}
