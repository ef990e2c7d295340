package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/wandb-agent/wandb-agent/runapi"
)

// The wait before another alert of the same title is a Duration.
func alert(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	accuracy := 0.2
	if accuracy < 0.3 {
		err = run.Alert("Low accuracy", fmt.Sprintf("Accuracy %g is below 0.3", accuracy), runapi.Warn, 5*time.Minute)
	}
	return errors.Join(err, run.Log(map[string]any{"accuracy": accuracy}), run.Finish(0))
}

// Save returns the names that the files have in the run.
func save(ctx context.Context) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	for _, path := range []string{"these/are/myfiles/a.txt", "Documents/run123/b.txt", "files/one/saveme.txt", "files/two/saveme.txt"} {
		err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(path), 0o600))
	}
	if err != nil {
		return err
	}

	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	for _, s := range []struct{ pattern, base string }{
		{"these/are/myfiles/*", ""},              // these/are/myfiles/
		{"these/are/myfiles/*", "these"},         // are/myfiles/
		{root + "/Documents/run123/*.txt", ""},   // run123/
		{root + "/Documents/run123/*.txt", root}, // Documents/run123/
		{"files/*/saveme.txt", ""},               // files/one/, files/two/
	} {
		_, e := run.Save(s.pattern, runapi.SaveOptions{Base: s.base})
		err = errors.Join(err, e)
	}
	return errors.Join(err, run.Log(map[string]any{"saved": 5}), run.Finish(0))
}

// Restore of a run puts the file among the files of the run; the function
// runapi.Restore needs no run.
func restore(ctx context.Context) error {
	run, err := runapi.Init(ctx, runapi.Settings{ID: "earlier"})
	if err != nil {
		return err
	}
	err = os.WriteFile("model.txt", []byte("weights\n"), 0o600)
	_, err2 := run.Save("model.txt", runapi.SaveOptions{Policy: runapi.SaveNow})
	if err := errors.Join(err, err2, run.Log(map[string]any{"x": 1}), run.Finish(0)); err != nil {
		return err
	}

	run, err = runapi.Init(ctx, runapi.Settings{ID: "later"})
	if err != nil {
		return err
	}
	file, err := run.Restore(ctx, "model.txt", runapi.RestoreOptions{Run: "earlier"})
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	return errors.Join(err, run.Log(map[string]any{"length": len(text)}), run.Finish(0))
}
