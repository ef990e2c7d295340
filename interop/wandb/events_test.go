package wandb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/runapi"
	"github.com/wandb-agent/wandb-agent/runapi/tensorboard"
)

// TestEventFilesBesideTheOfficialClient: tensorboardX writes, the official client
// and we follow; the server has the same rows from both, and the event files.
func TestEventFilesBesideTheOfficialClient(t *testing.T) {
	p := prove(t)
	root := filepath.Join(t.TempDir(), "events")
	script, err := filepath.Abs("event_files.py")
	if err != nil {
		t.Fatal(err)
	}
	tensors, err := filepath.Glob("../../runapi/tensorboard/testdata/tf2/*.v2")
	if err != nil || len(tensors) != 1 {
		t.Fatalf("fixtures %q, %v", tensors, err)
	}
	fixture, err := filepath.Abs(tensors[0])
	if err != nil {
		t.Fatal(err)
	}
	run(t, p.env("official"), venv(t, "python"), script, root, fixture)

	r, err := runapi.Init(context.Background(), runapi.Settings{
		Project: project, ID: "ours", Dir: t.TempDir(), BaseURL: p.url, APIKey: api.NewKey(fakeKey), Environ: []string{}, DisableGit: true, DisableStats: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	events, err := tensorboard.Follow(context.Background(), r, root, tensorboard.Options{Since: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Finish(0); err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", events.Counters())

	official, ours := p.stored("official"), p.stored("ours")
	if got, want := eventRows(t, ours.History), eventRows(t, official.History); !slices.Equal(got, want) {
		t.Errorf("rows differ\nofficial:\n%s\nours:\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
	if got, want := eventFiles(ours), eventFiles(official); !slices.Equal(got, want) {
		t.Errorf("files: official %q, ours %q", want, got)
	}
}

// eventRows are rows without what depends on the client, sorted. The files of
// images differ in their names. Histograms of many bins: the client makes them
// coarser, we keep the bins of the file.
func eventRows(t *testing.T, history []map[string]any) (rows []string) {
	t.Helper()
	for _, row := range history {
		delete(row, "_step")
		delete(row, "_runtime")
		for key, v := range row {
			object, ok := v.(map[string]any)
			switch {
			case !ok:
			case object["filenames"] != nil:
				object["filenames"] = len(object["filenames"].([]any))
			case strings.HasSuffix(key, "many"):
				row[key] = sumOf(object)
			}
		}
		row["_timestamp"] = fmt.Sprint(row["_timestamp"])
		text, err := json.Marshal(normal("", row))
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, string(text))
	}
	slices.Sort(rows)
	return rows
}

// sumOf is what does not depend on how fine a histogram is.
func sumOf(histogram map[string]any) string {
	total := 0.0
	for _, v := range histogram["values"].([]any) {
		switch v := v.(type) {
		case int64:
			total += float64(v)
		case float64:
			total += v
		}
	}
	bins := histogram["bins"].([]any)
	return fmt.Sprintf("%.6g from %v to %v", total, bins[0], bins[len(bins)-1])
}

// eventFiles are the names and digests of the event files of a run.
func eventFiles(s *storedRun) (files []string) {
	for _, f := range s.Files {
		if strings.Contains(f.Name, "tfevents") {
			files = append(files, f.Name+" "+f.MD5)
		}
	}
	slices.Sort(files)
	return files
}
