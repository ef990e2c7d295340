package runapi

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	wandbartifact "github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/runapi/artifact"
)

// ErrNotAModel is returned for an artifact whose type does not contain "model".
var ErrNotAModel = errors.New("the artifact is no model: its type does not contain \"model\"")

// modelRegistry is the project whose collections are registered models.
const modelRegistry = "model-registry"

// ModelOptions say how a model is logged.
type ModelOptions struct {
	Name    string   // letters, digits, dashes, dots, underscores; default: run-<id>-<last part of the path>
	Aliases []string // beside "latest"; of LinkModel: of the registered model only

	// Options has description, metadata, tags and the handlers of references.
	artifact.Options
}

// path is o as options of LogArtifactPath.
func (o ModelOptions) path(typ string) PathOptions {
	return PathOptions{Name: o.Name, Type: typ, Options: o.Options}
}

// LogModel makes a new version of a model, an artifact of type model, of what lies
// at a path: a file, a directory or a reference. See LogArtifactPath. A name that
// a model cannot have is ErrBadName.
func (r *Run) LogModel(ctx context.Context, path string, o ModelOptions) (*LoggedArtifact, error) {
	p := o.path("model")
	p.Aliases = append(p.Aliases[:len(p.Aliases):len(p.Aliases)], o.Aliases...)
	return r.LogArtifactPath(ctx, path, p)
}

// UseModel tells the server that the run reads a model, "name:alias", "name:v3"
// or "name:digest" with entity and project before it where they are not the
// run's, downloads it below dir and returns the path of its only file, or of the
// directory when there are several. dir "" is artifacts/<name>:<version>. A name
// without a version is ErrBadName, an artifact of another type ErrNotAModel; the
// server is told of neither. For runs that are kept see UseArtifact.
func (r *Run) UseModel(ctx context.Context, ref, dir string) (string, error) {
	if !strings.Contains(ref, ":") {
		return "", fmt.Errorf("use model %q: %w: want name:version, name:alias or name:digest", ref, ErrBadName)
	}
	u, err := r.use(ctx, ref, UseOptions{}, mustBeModel)
	if err != nil {
		return "", err
	}
	if dir, err = u.Download(ctx, dir, wandbartifact.DownloadOptions{}); err != nil {
		return "", err
	}
	m, err := u.Manifest(ctx)
	if err != nil {
		return "", err
	}
	if len(m.Entries) == 1 {
		return filepath.Join(dir, filepath.FromSlash(m.Entries[0].Path)), nil
	}
	return dir, nil
}

func mustBeModel(a *api.Artifact) error {
	if !strings.Contains(strings.ToLower(a.Type), "model") {
		return fmt.Errorf("%w: it is a %s", ErrNotAModel, a.Type)
	}
	return nil
}

// LinkModel logs what lies at a path as a version of a model and shows it as a
// registered model, a collection of the project model-registry of the run's
// entity. It returns the number of the version there. A model o.Name that exists
// keeps its type, which must be one of models (ErrNotAModel); equal content is not
// stored twice. Names that are paths are ErrBadName. LinkModel waits for the
// server; the error is ErrOffline for a run that is kept.
func (r *Run) LinkModel(ctx context.Context, path, registered string, o ModelOptions) (int, error) {
	fail := func(err error) (int, error) { return -1, fmt.Errorf("link model to %q: %w", registered, err) }
	if strings.Contains(registered, "/") || registered == "" {
		return fail(fmt.Errorf("%w: want the name of a registered model, without entity and project", ErrBadName))
	}
	if o.Name != "" {
		if err := wandbartifact.CheckName(o.Name); err != nil {
			return fail(err)
		}
	}
	id, err := r.atServer(ctx)
	if err != nil {
		return fail(err)
	}
	typ, err := r.modelType(ctx, wandbartifact.Ref{Entity: id.Entity, Project: id.Project, Name: o.Name, Version: "latest"})
	if err != nil {
		return fail(err)
	}
	l, err := r.LogArtifactPath(ctx, path, o.path(typ))
	if err != nil {
		return fail(err)
	}
	return r.LinkArtifact(ctx, l, id.Entity+"/"+modelRegistry+"/"+registered, o.Aliases...)
}

// modelType is the type of a model that may exist.
func (r *Run) modelType(ctx context.Context, ref wandbartifact.Ref) (string, error) {
	if ref.Name == "" {
		return "model", nil
	}
	a, err := ref.Find(ctx, r.client)
	if api.Classify(err, api.GraphQL) == api.NotFound {
		return "model", nil
	}
	if err != nil {
		return "", err
	}
	return a.Type, mustBeModel(a)
}
