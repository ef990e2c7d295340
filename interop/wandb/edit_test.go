package wandb_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/wandb-agent/wandb-agent/runapi"
)

// edit changes a finished run.
func edit(t *testing.T, dir string) *runapi.RunReader {
	t.Helper()
	reader, err := runapi.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Edit(t.Context(), runapi.Changes{
		Name: "edited", Tags: []string{"c"},
		Config: row{"lr": 0.5}, Summary: row{"test_acc": 0.875}, DeleteSummary: [][]string{{"big"}},
	}); err != nil {
		t.Fatal(err)
	}
	return reader
}

func checkEdited(t *testing.T, what string, s *storedRun, code, rows int) {
	t.Helper()
	if _, ok := s.Summary["big"]; ok || s.Summary["test_acc"] != 0.875 || s.value("lr") != 0.5 || s.DisplayName != "edited" ||
		len(s.Tags) != 1 || s.Tags[0] != "c" || len(s.History) != rows || !s.endedWith(code) {
		t.Errorf("%s: got %q %q, %d rows, exit %v, config %v, summary %v", what, s.DisplayName, s.Tags, len(s.History), s.Raw["exitCode"], s.Config, s.Summary)
	}
}

// TestEditOfAnOfficialRun: our Edit changes a run that the official client kept,
// and both syncs bring it to a server: ours after it has sent it once.
func TestEditOfAnOfficialRun(t *testing.T) {
	bin, dir, p := agent(t), officialRun(t), prove(t)
	env := []string{"WANDB_BASE_URL=" + p.url, "WANDB_API_KEY=" + fakeKey}
	run(t, env, bin, "sync", dir)
	if s := p.only(); s.DisplayName != "from the official client" {
		t.Fatalf("before: %q", s.DisplayName)
	}
	edit(t, dir)
	dump(t, logOf(t, dir)) // the official reader takes it
	run(t, env, bin, "sync", dir)
	checkEdited(t, "our sync", p.only(), 3, 7)
	checkEdited(t, "the official sync", syncTo(t, dir, "--include-synced"), 3, 7)
}

// TestOfficialSyncOfAnEditedRun: a run of ours with pinned values, percentiles
// and changes made afterwards is to the official reader and sync what it is to
// us.
func TestOfficialSyncOfAnEditedRun(t *testing.T) {
	r, err := runapi.Init(t.Context(), runapi.Settings{
		Project: "interop", ID: "edited01", Dir: t.TempDir(), Mode: runapi.ModeOffline, DisableGit: true, DisableStats: true,
		Config: row{"lr": 0.1}, Environ: []string{},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.DefineMetric("loss", runapi.MetricOptions{Summary: runapi.P50 | runapi.Best})
	errs := []error{err, r.Summary().Pin("acc", 0.75), r.Summary().Pin("free", 1)}
	for i := range 5 {
		errs = append(errs, r.Log(row{"acc": i, "free": i, "loss": 8, "big": 1}), r.Summary().SetMax("most", float64(i%3)))
	}
	errs = append(errs, r.Summary().Unset("free"), r.SetNotes("x"), r.Finish(0))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	ours := edit(t, r.Dir()).Summary()
	dump(t, logOf(t, r.Dir()))
	s := syncTo(t, r.Dir())
	checkEdited(t, "the official sync", s, 0, 5)
	for key, want := range map[string]any{"acc": 0.75, "free": 4.0, "most": 2.0, "loss": map[string]any{"best": 8.0, "p50": 8.0}} {
		if got := plain(s.Summary[key]); fmt.Sprint(got) != fmt.Sprint(plain(want)) {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
		if got := plain(ours[key]); fmt.Sprint(got) != fmt.Sprint(plain(s.Summary[key])) {
			t.Errorf("%s: the official sync has %v, our reader %v", key, s.Summary[key], got)
		}
	}
}
