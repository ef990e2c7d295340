package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/wandb-agent/wandb-agent/runapi"
	"github.com/wandb-agent/wandb-agent/runapi/artifact"
	"github.com/wandb-agent/wandb-agent/runapi/media"
)

// Artifacts are built in package runapi/artifact. LogArtifact does not wait for
// the server; what it returns can.
func artifacts(ctx context.Context) error {
	err := errors.Join(os.Mkdir("data", 0o700), os.WriteFile("data/train.csv", []byte("x,y\n1,2\n"), 0o600))
	if err != nil {
		return err
	}

	run, err := runapi.Init(ctx, runapi.Settings{ID: "make", JobType: "prepare"})
	if err != nil {
		return err
	}
	dataset, err := artifact.New("pedestrians", "dataset", artifact.Options{
		Description: "of the first camera", Metadata: map[string]any{"rows": 1},
	})
	if err != nil {
		return err
	}
	if err := dataset.AddDir(ctx, "data", artifact.DirOptions{}); err != nil {
		return err
	}
	_, err = run.LogArtifact(ctx, dataset, runapi.ArtifactOptions{Aliases: []string{"camera-1"}})
	if err := errors.Join(err, run.Finish(0)); err != nil {
		return err
	}

	run, err = runapi.Init(ctx, runapi.Settings{ID: "use", JobType: "train"})
	if err != nil {
		return err
	}
	used, err := run.UseArtifact(ctx, "pedestrians:camera-1", runapi.UseOptions{Type: "dataset"})
	if err != nil {
		return err
	}
	folder, err := used.Download(ctx, "", artifact.DownloadOptions{})
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(folder, "train.csv"))
	rows := strings.Count(string(text), "\n") - 1
	return errors.Join(err, run.Log(map[string]any{"rows": rows}), run.Finish(0))
}

// AddObject stores tables, images and other media. ReadTable reads a table back,
// media.Open any of them from a folder that was downloaded.
func artifactObject(ctx context.Context) error {
	err := runapi.Do(ctx, runapi.Settings{ID: "make"}, func(ctx context.Context, run *runapi.Run) error {
		table := media.NewTable("id", "score")
		err := errors.Join(table.Add(1, 0.5), table.Add(2, 0.7))
		if err != nil {
			return err
		}
		predictions, err := artifact.New("predictions", "result", artifact.Options{})
		if err != nil {
			return err
		}
		if _, err := predictions.AddObject("scores", table); err != nil {
			return err
		}
		_, err = run.LogArtifact(ctx, predictions, runapi.ArtifactOptions{})
		return err
	})
	if err != nil {
		return err
	}

	return runapi.Do(ctx, runapi.Settings{ID: "use"}, func(ctx context.Context, run *runapi.Run) error {
		used, err := run.UseArtifact(ctx, "predictions:latest", runapi.UseOptions{})
		if err != nil {
			return err
		}
		file, err := used.Open(ctx, "scores.table.json")
		if err != nil {
			return err
		}
		defer file.Close()
		table, err := media.ReadTable(file)
		if err != nil {
			return err
		}
		return run.Log(map[string]any{"rows": table.Len()})
	})
}

// A file, a folder or a reference such as s3://bucket/data.
func path(ctx context.Context) error {
	err := errors.Join(os.Mkdir("data", 0o700), os.WriteFile("data/train.csv", []byte("x,y\n1,2\n"), 0o600))
	if err != nil {
		return err
	}
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	_, err = run.LogArtifactPath(ctx, "data", runapi.PathOptions{Type: "dataset"}) // called run-<id>-data
	_, err2 := run.LogArtifactPath(ctx, "data/train.csv", runapi.PathOptions{
		Name: "table", Type: "dataset", Options: artifact.Options{Aliases: []string{"first"}},
	})
	return errors.Join(err, err2, run.Finish(0))
}

// The distributed id is the group unless another one is given.
func distributed(ctx context.Context) error {
	for rank := range 2 {
		file := fmt.Sprintf("part-%d.txt", rank)
		if err := os.WriteFile(file, fmt.Appendf(nil, "part %d\n", rank), 0o600); err != nil {
			return err
		}
		run, err := runapi.Init(ctx, runapi.Settings{ID: fmt.Sprintf("rank-%d", rank), Group: "ddp"})
		if err != nil {
			return err
		}
		part, err := artifact.New("dataset", "dataset", artifact.Options{})
		if err != nil {
			return err
		}
		err = part.AddFile(file, artifact.FileOptions{})
		_, err2 := run.UpsertArtifact(ctx, part, runapi.ArtifactOptions{})
		if err := errors.Join(err, err2, run.Finish(0)); err != nil {
			return err
		}
	}

	run, err := runapi.Init(ctx, runapi.Settings{ID: "last", Group: "ddp"})
	if err != nil {
		return err
	}
	end, err := artifact.New("dataset", "dataset", artifact.Options{})
	if err != nil {
		return err
	}
	_, err = run.FinishArtifact(ctx, end, runapi.ArtifactOptions{})
	return errors.Join(err, run.Finish(0))
}

// A model is an artifact of type model. What is wrong with a name is an error
// before anything is stored.
func model(ctx context.Context) error {
	if err := os.WriteFile("weights.bin", []byte("weights"), 0o600); err != nil {
		return err
	}

	run, err := runapi.Init(ctx, runapi.Settings{ID: "train"})
	if err != nil {
		return err
	}
	_, err = run.LogModel(ctx, "weights.bin", runapi.ModelOptions{Name: "my_model_artifact", Aliases: []string{"production"}})
	_, bad := run.LogModel(ctx, "weights.bin", runapi.ModelOptions{Name: "my_entity/my_project/my_model_artifact"})
	if !errors.Is(bad, runapi.ErrBadName) {
		err = errors.Join(err, fmt.Errorf("a name with slashes was taken: %w", bad))
	}
	if err := errors.Join(err, run.Finish(0)); err != nil {
		return err
	}

	run, err = runapi.Init(ctx, runapi.Settings{ID: "infer"})
	if err != nil {
		return err
	}
	file, err := run.UseModel(ctx, "my_model_artifact:production", "")
	if err != nil {
		return err
	}
	weights, err := os.ReadFile(file)
	return errors.Join(err, run.Log(map[string]any{"bytes": len(weights)}), run.Finish(0))
}

// Linking needs the server, and waits for it.
func linkModel(ctx context.Context) error {
	if err := os.WriteFile("weights.bin", []byte("weights"), 0o600); err != nil {
		return err
	}
	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	_, err = run.LinkModel(ctx, "weights.bin", "my_reg_model", runapi.ModelOptions{
		Name: "my_model_artifact", Aliases: []string{"production"},
	})
	return errors.Join(err, run.Finish(0))
}

// Without Include it is what git tracks and looks like source.
func code(ctx context.Context) error {
	for _, name := range []string{"train.py", "lib/net.py", "lib/notes.ipynb", "cache/old.py", "README.md"} {
		err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(name), 0o600))
		if err != nil {
			return err
		}
	}

	run, err := runapi.Init(ctx, runapi.Settings{})
	if err != nil {
		return err
	}
	_, err = run.LogCode(ctx, runapi.CodeOptions{
		Name:    "all-python",
		Include: func(path, _ string) bool { return strings.HasSuffix(path, ".py") },
	})
	_, err2 := run.LogCode(ctx, runapi.CodeOptions{
		Name: "chosen",
		Include: func(path, _ string) bool {
			return strings.HasSuffix(path, ".py") || strings.HasSuffix(path, ".ipynb")
		},
		Exclude: func(path, root string) bool {
			below, err := filepath.Rel(root, path)
			return err != nil || strings.HasPrefix(below, "cache/")
		},
	})
	return errors.Join(err, err2, run.Finish(0))
}
