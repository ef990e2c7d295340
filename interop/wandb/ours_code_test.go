package wandb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/wandb-agent/wandb-agent/runapi"
)

func ourCode(ctx context.Context, _ []string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	base, err := os.MkdirTemp("", "code")
	if err != nil {
		return err
	}
	defer os.RemoveAll(base)
	var errs []error
	for _, name := range []string{"train.py", "deep/model.py", "wandb/old.py", "data.bin"} {
		path := filepath.Join(base, filepath.FromSlash(name))
		errs = append(errs, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(name+"\n"), 0o600))
	}
	run, err := begin(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	errs = append(errs, run.Log(row{"x": 1}))
	l, err := run.LogCode(ctx, runapi.CodeOptions{Root: base, Name: "source-mine"})
	if err == nil {
		_, err = l.Wait(ctx)
	}
	none, bad := run.LogCode(ctx, runapi.CodeOptions{Root: base, Name: "source-none", Include: func(string, string) bool { return false }})
	if none != nil {
		bad = fmt.Errorf("nothing was logged as something")
	}
	return errors.Join(append(errs, err, bad, run.Finish(0))...)
}
