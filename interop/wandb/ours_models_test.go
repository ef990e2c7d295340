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

func ourModels(ctx context.Context, _ []string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	base, err := os.MkdirTemp("", "models")
	if err != nil {
		return err
	}
	defer os.RemoveAll(base)
	at := func(name string) string { return filepath.Join(base, filepath.FromSlash(name)) }
	errs := []error{os.MkdirAll(at("net/sub"), 0o700)}
	for _, name := range []string{"net/w.bin", "net/sub/vocab.txt", "one.bin", "other.bin"} {
		errs = append(errs, os.WriteFile(at(name), []byte(name+"\n"), 0o600))
	}
	run, err := begin(ctx, runapi.Settings{ID: "models"})
	if err != nil {
		return err
	}
	log := func(path string, o runapi.ModelOptions) {
		l, err := run.LogModel(ctx, path, o)
		if err == nil {
			_, err = l.Wait(ctx)
		}
		errs = append(errs, err)
	}
	errs = append(errs, run.Log(row{"x": 1}))
	log(at("net"), runapi.ModelOptions{Name: "net", Aliases: []string{"best"}})
	log(at("one.bin"), runapi.ModelOptions{Name: "single.v1"})
	log(at("one.bin"), runapi.ModelOptions{})
	_, err = run.LinkModel(ctx, at("one.bin"), "registered", runapi.ModelOptions{Name: "single.v1", Aliases: []string{"prod"}})
	errs = append(errs, err)
	_, err = run.LinkModel(ctx, at("other.bin"), "registered", runapi.ModelOptions{Name: "single.v1"})
	errs = append(errs, err, run.Finish(0))

	run, err = begin(ctx, runapi.Settings{ID: "models-use"})
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	errs = append(errs, run.Log(row{"x": 1}))
	for _, ref := range []string{"net:best", "single.v1:v0", "model-registry/registered:prod"} {
		path, err := run.UseModel(ctx, ref, at("down/"+ref))
		fmt.Println(filepath.Base(path))
		errs = append(errs, err)
	}
	if _, err := run.UseModel(ctx, "nobody:v0", at("down")); err == nil {
		errs = append(errs, errors.New("a model that is not there was used"))
	}
	return errors.Join(append(errs, run.Finish(0))...)
}
