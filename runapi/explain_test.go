package runapi

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/auth"
)

// TestPrecedencePairs is the rule as a table: each source against each, as it is
// and as an override. L: the one of the line counts, C: that of the column, in
// both orders of the two.
func TestPrecedencePairs(t *testing.T) {
	columns := []Given{
		{Source: FromGlobalFile}, {Source: FromWorkspaceFile}, {Source: FromEnvironment}, {Source: FromProgram},
		{Source: FromGlobalFile, Override: true}, {Source: FromWorkspaceFile, Override: true}, {Source: FromEnvironment, Override: true}, {Source: FromProgram, Override: true},
	}
	lines := []string{
		//  plain  override
		// G W E P  G W E P
		"= C C C  C C C C", // global file
		"L = C C  C C C C", // workspace file
		"L L = C  C C C C", // environment
		"L L L =  C C C C", // program
		"L L L L  = L L L", // global file, override
		"L L L L  C = L L", // workspace file, override
		"L L L L  C C = L", // environment, override
		"L L L L  C C C =", // program, override
	}
	for i, line := range lines {
		for j, want := range strings.Fields(line) {
			first, second := precedence([]Given{columns[i], columns[j]}), precedence([]Given{columns[j], columns[i]})
			ok := map[string]bool{"L": first == 0 && second == 1, "C": first == 1 && second == 0, "=": first == 0 && second == 0}[want]
			if !ok {
				t.Errorf("%+v against %+v: %d and %d, want %s", columns[i], columns[j], first, second, want)
			}
		}
	}
	if n := precedence(nil); n != -1 {
		t.Errorf("nothing given: %d", n)
	}
}

// TestResolveFollowsPrecedence gives a setting from every pair of real sources.
func TestResolveFollowsPrecedence(t *testing.T) {
	sources := []Source{FromGlobalFile, FromWorkspaceFile, FromEnvironment, FromProgram}
	for _, a := range sources {
		for _, b := range sources {
			home, dir := t.TempDir(), t.TempDir()
			s := Settings{Dir: dir, Environ: []string{"HOME=" + home}}
			for _, from := range []Source{a, b} {
				switch from {
				case FromGlobalFile:
					write(t, filepath.Join(home, ".config/wandb/settings"), "[default]\nentity = global file\nbase_url = https://global.example\n")
				case FromWorkspaceFile:
					write(t, filepath.Join(dir, "wandb/settings"), "[default]\nentity = workspace file\nbase_url = https://workspace.example\n")
				case FromEnvironment:
					s.Environ = append(s.Environ, "WANDB_ENTITY=environment", "WANDB_BASE_URL=https://environment.example")
				case FromProgram:
					s.Entity, s.BaseURL = "program", "https://program.example"
				}
			}
			want := max(a, b)
			got, _, err := resolve(s)
			if err != nil || got.Entity != want.String() {
				t.Errorf("%v and %v: %q, %v", a, b, got.Entity, err)
			}
			all, err := s.Explain()
			if err != nil {
				t.Fatal(err)
			}
			e, err := FindSetting(all, "entity")
			if err != nil || e.Value != want.String() || e.Source != want || a != b && (len(e.Lost) != 1 || e.Lost[0].Source != min(a, b)) {
				t.Errorf("%v and %v explained: %+v, %v", a, b, e, err)
			}
			from := auth.NewSource(s.Environ, s.Dir)
			from.BaseURL = s.BaseURL
			server, err := auth.Locate(from)
			if e, _ := FindSetting(all, "WANDB_BASE_URL"); err != nil || e.Value != server.URL || e.Source != want {
				t.Errorf("%v and %v: server explained %+v, located %+v, %v", a, b, e, server, err)
			}
		}
	}
}

// TestExplainOrigins: overrides, defaults, files with lines, names, secrets.
func TestExplainOrigins(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	settings := filepath.Join(dir, "wandb/settings")
	write(t, settings, "[default]\n\nmode = online\nx_primary = false\nx_extra_http_headers = {\"X\": \"canary-file\"}\n")
	s := Settings{Mode: ModeOnline, Dir: dir, APIKey: api.NewKey(strings.Repeat("7", 40)), Environ: []string{
		"HOME=" + home, "WANDB_DISABLED=true", "WANDB_MODE=offline", "WANDB_X_EXTRA_HTTP_HEADERS={\"X\": \"canary-env\"}", "WANDB_NOTES=" + strings.Repeat("8", 40),
		"WANDB_API_KEY=" + strings.Repeat("8", 40),
	}}
	all, err := s.Explain()
	if err != nil {
		t.Fatal(err)
	}
	f := func(name, value string, source Source, origin string, lost ...string) {
		t.Helper()
		e, err := FindSetting(all, name)
		if err != nil || e.Value != value || e.Source != source || e.Origin != origin || len(e.Lost) != len(lost) {
			t.Errorf("%s: %+v, %v", name, e, err)
			return
		}
		for i, l := range e.Lost {
			if l.Origin != lost[i] {
				t.Errorf("%s: lost %d is %+v, want %s", name, i, l, lost[i])
			}
		}
	}
	f("mode", "disabled", FromEnvironment, "WANDB_DISABLED", "the program", "WANDB_MODE", settings+":3: mode")
	f("primary", "false", FromWorkspaceFile, settings+":4: x_primary")
	f("x_update_finish_state", "true", FromDefault, "default")
	f("WANDB_PROJECT", "", FromDefault, "default: the git repository's name, else uncategorized")
	f("finish-timeout", "60", FromDefault, "default")
	f("dir", dir, FromProgram, "the program")
	f("x_extra_http_headers", "***", FromEnvironment, "WANDB_X_EXTRA_HTTP_HEADERS", settings+":5: x_extra_http_headers")
	f("console", "auto", FromDefault, "default")
	f("api_key", "***", FromProgram, "the key given")
	for _, e := range all {
		for _, text := range append(e.Lost, Given{Value: e.Value}) {
			if strings.Contains(text.Value, "canary") || strings.Contains(text.Value, "7777") || strings.Contains(text.Value, "8888") {
				t.Errorf("%s shows a secret: %q", e.Key, text.Value)
			}
		}
	}
	if _, err := FindSetting(all, "nosuch"); !errors.Is(err, ErrSetting) {
		t.Errorf("no such setting: %v", err)
	}
	var bad *InitError
	all, err = Settings{Environ: []string{"WANDB_MODE=sideways"}}.Explain()
	if !errors.As(err, &bad) || len(all) < 40 {
		t.Errorf("invalid: %d settings, %v", len(all), err)
	}
}

// TestSettingsAreCopied: a program may go on using what it gave Init, and what
// Run.Settings returned.
func TestSettingsAreCopied(t *testing.T) {
	s := quiet(t)
	s.Tags = []string{"a"}
	r := start(t, s)
	s.Tags[0], s.Project = "changed", "changed"
	got := r.Settings()
	got.Project = "changed too"
	if r.Project() != "p" || r.Tags()[0] != "a" || r.Settings().Project != "p" {
		t.Errorf("project %q, tags %q", r.Project(), r.Tags())
	}
}

// TestEveryOptionHasItsVariable: the package comment names a variable of every
// option, each finds its option, and none has two.
func TestEveryOptionHasItsVariable(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	all, err := Settings{Environ: []string{}}.Explain()
	if err != nil {
		t.Fatal(err)
	}
	owner := map[string]string{}
	for _, e := range all {
		named := false
		for _, v := range e.Variables {
			named = named || strings.Contains(string(doc), v)
			if owner[v] != "" {
				t.Errorf("%s is of %s and %s", v, owner[v], e.Key)
			}
			owner[v] = e.Key
			if found, err := FindSetting(all, v); err != nil || found.Key != e.Key {
				t.Errorf("%s finds %+v, %v", v, found, err)
			}
		}
		if !named {
			t.Errorf("the package comment has no variable of %s: %q", e.Key, e.Variables)
		}
	}
	for _, v := range []string{"WANDB_RUN_ID", "WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_ENTITY", "WANDB_PROJECT", "WANDB_NAME", "WANDB_NOTES", "WANDB_TAGS",
		"WANDB_RUN_GROUP", "WANDB_JOB_TYPE", "WANDB_MODE", "WANDB_RESUME", "WANDB_DIR", "WANDB_CONSOLE", "WANDB_DISABLE_GIT", "WANDB_SWEEP_ID", "WANDB_INIT_TIMEOUT"} {
		if owner[v] == "" {
			t.Errorf("%s is of no setting", v)
		}
	}
}
