package runapi

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

func open(t testing.TB, path string) *RunReader {
	t.Helper()
	r, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// someRun is a run of three rows that is over.
func someRun(t testing.TB) *Run {
	t.Helper()
	s := quiet(t)
	s.ID, s.Name, s.Notes, s.Tags = "r1", "before", "note", []string{"a"}
	s.Config = map[string]any{"lr": 0.5, "net": map[string]any{"layers": 2}}
	r := start(t, s)
	for i := range 3 {
		if err := r.Log(map[string]any{"loss": 4 - i, "val": map[string]any{"acc": 0.25 * float64(i)}, "gone": 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	return r
}

// summaryOf reads the text of a summary.
func summaryOf(t testing.TB, text string) map[string]any {
	t.Helper()
	v, err := xjson.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

// TestEditReachesTheServer: what is changed of a finished run is there for every
// reader, and at the server after a sync: a first one, and one after the server
// had all of the run.
func TestEditReachesTheServer(t *testing.T) {
	p := serve(t)
	r := someRun(t)
	edit := func(c Changes) *RunReader {
		t.Helper()
		reader := open(t, r.Dir())
		if err := reader.Edit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		return reader
	}
	notes := "changed"
	edit(Changes{Summary: map[string]any{"test_acc": 0.875}, Config: map[string]any{"net": map[string]any{"layers": 3}}})
	p.send(t, r.Dir())
	stored := p.run(t, "r1")
	if got := summaryOf(t, stored.Summary)["test_acc"]; got != 0.875 || stored.DisplayName != "before" {
		t.Errorf("first sync: got summary %v, name %q", stored.Summary, stored.DisplayName)
	}
	reader := edit(Changes{
		Name: "after", Notes: &notes, Tags: []string{"b", "c", "b"}, Group: "g", JobType: "eval",
		Config:  map[string]any{"lr": 0.25, "api_key": "hush-hush-hush"},
		Summary: map[string]any{"loss": 1, "val": map[string]any{"acc": 1}}, DeleteSummary: [][]string{{"gone"}},
	})
	p.send(t, r.Dir())
	stored = p.run(t, "r1")
	config := map[string]any{"lr": 0.25, "net": map[string]any{"layers": int64(3)}, "api_key": "***"}
	if info := reader.Info(); info.Name != "after" || info.Notes != notes || info.Group != "g" || info.JobType != "eval" || !reflect.DeepEqual(info.Tags, []string{"b", "c"}) ||
		info.Exit == nil || info.Exit.Code != 0 || info.Rows != 3 || !reflect.DeepEqual(reader.Config(), config) {
		t.Errorf("reader: got %+v, config %v", info, reader.Config())
	}
	if stored.DisplayName != "after" || stored.Notes != notes || stored.Group != "g" || stored.JobType != "eval" ||
		strings.Join(stored.Tags, " ") != "b c" || len(stored.History) != 3 || stored.State != "finished" {
		t.Errorf("second sync: got %q, %q, %q, %q, %v, %d rows, %s", stored.DisplayName, stored.Notes, stored.Group, stored.JobType, stored.Tags, len(stored.History), stored.State)
	}
	sent := summaryOf(t, stored.Summary)
	if _, ok := sent["gone"]; ok || sent["loss"] != int64(1) {
		t.Errorf("second sync: got summary %v", stored.Summary)
	}
	none := ""
	edit(Changes{Notes: &none, Tags: []string{}})
	p.send(t, r.Dir())
	if stored = p.run(t, "r1"); stored.Notes != "" || len(stored.Tags) != 0 || stored.DisplayName != "after" {
		t.Errorf("emptied: got notes %q, tags %q, name %q", stored.Notes, stored.Tags, stored.DisplayName)
	}
	text, err := os.ReadFile(filepath.Join(r.FilesDir(), configFile))
	if err != nil || !strings.Contains(string(text), "0.25") || strings.Contains(string(text), "hush") {
		t.Errorf("config.yaml: got %s (%v)", text, err)
	}
	again := open(t, r.Dir())
	if !reflect.DeepEqual(again.Summary(), reader.Summary()) {
		t.Errorf("opened again: got %v, want %v", again.Summary(), reader.Summary())
	}
}

func TestEditRefusals(t *testing.T) {
	r := someRun(t)
	log := func() string {
		text, err := os.ReadFile(r.dir.LogPath())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := log()
	reader := open(t, r.Dir())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var value *ValueError
	for what, c := range map[string]struct {
		ctx     context.Context
		changes Changes
		ok      func(error) bool
	}{
		"key":     {t.Context(), Changes{Summary: map[string]any{"_step": 1}}, func(err error) bool { return errors.Is(err, ErrKey) }},
		"path":    {t.Context(), Changes{DeleteSummary: [][]string{{}}}, func(err error) bool { return errors.Is(err, ErrKey) }},
		"value":   {t.Context(), Changes{Summary: map[string]any{"f": func() {}}}, func(err error) bool { return errors.As(err, &value) }},
		"config":  {t.Context(), Changes{Config: map[string]any{"f": func() {}}}, func(err error) bool { return errors.As(err, &value) }},
		"tag":     {t.Context(), Changes{Tags: []string{""}}, func(err error) bool { return err != nil }},
		"context": {ended, Changes{Name: "x"}, func(err error) bool { return errors.Is(err, context.Canceled) }},
		"nothing": {t.Context(), Changes{Name: "before"}, func(err error) bool { return err == nil }},
	} {
		if err := reader.Edit(c.ctx, c.changes); !c.ok(err) {
			t.Errorf("%s: got %v", what, err)
		}
		if log() != before {
			t.Fatalf("%s: the log was changed", what)
		}
	}
	unlock, err := runlog.LockFile(filepath.Join(r.Dir(), "run-r1.upload.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Edit(t.Context(), Changes{Name: "x"}); !errors.Is(err, ErrAlive) {
		t.Errorf("while it is sent: got %v, want ErrAlive", err)
	}
	unlock()
	live := start(t, quiet(t))
	if err := open(t, live.Dir()).Edit(t.Context(), Changes{Name: "x"}); !errors.Is(err, ErrAlive) {
		t.Errorf("while it is written: got %v, want ErrAlive", err)
	}
}
