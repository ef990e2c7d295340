package runlog

import (
	"reflect"
	"testing"
	"time"
)

// TestLoadQuietLeavesOutTheConsoleOnly: everything else is the same.
func TestLoadQuietLeavesOutTheConsoleOnly(t *testing.T) {
	dir, err := NewDir(DirOptions{WandbDir: t.TempDir(), RunID: "quiet001", Start: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	w, err := Create(dir.LogPath(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		check(t, w.Row(&Row{Step: int64(i), Items: []Item{{Key: NewKey("loss"), F: float64(i)}}}))
		check(t, w.Output(i == 1, int64(i), []byte("line\n")))
	}
	check(t, w.Close())
	all, err := Load(dir)
	check(t, err)
	quiet, err := LoadQuiet(dir)
	check(t, err)
	if len(all.Console) != 3 || len(all.History) != 3 || len(quiet.Console) != 0 {
		t.Fatalf("got %d lines and %d rows, and %d lines when quiet; want 3, 3, 0", len(all.Console), len(all.History), len(quiet.Console))
	}
	all.Console = nil
	if !reflect.DeepEqual(all, quiet) {
		t.Errorf("quiet differs in more than the console:\n%+v\n%+v", all, quiet)
	}
}
