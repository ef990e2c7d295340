package runapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	wandbartifact "github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/runapi/artifact"
)

// PathOptions say what becomes of a path that is logged as an artifact.
type PathOptions struct {
	Name string // default: run-<id>-<last part of the path>
	Type string // dataset, model, ...; default: unspecified

	// Options has description, metadata, aliases, tags and the handlers of
	// references; in a literal they stand in Options: artifact.Options{...}.
	artifact.Options
}

// LogArtifactPath makes a new version of what lies at a path: a file, a directory
// with everything below it, or a reference such as s3://bucket/path, which is not
// copied. See LogArtifact.
func (r *Run) LogArtifactPath(ctx context.Context, name string, o PathOptions) (*LoggedArtifact, error) {
	if r == nil || r.off {
		return r.LogArtifact(ctx, nil, ArtifactOptions{})
	}
	a, err := r.artifactOf(ctx, name, o)
	if err != nil {
		return nil, fmt.Errorf("log artifact of %s: %w", wandbartifact.Masked(name), err)
	}
	l, err := r.LogArtifact(ctx, a, ArtifactOptions{})
	if err != nil {
		return nil, errors.Join(err, a.Discard())
	}
	return l, nil
}

// artifactOf builds an artifact of what lies at a path.
func (r *Run) artifactOf(ctx context.Context, from string, o PathOptions) (*artifact.Artifact, error) {
	name := cmp.Or(o.Name, safeName("run-"+r.set.ID+"-"+lastPart(from)))
	a, err := artifact.New(name, cmp.Or(o.Type, "unspecified"), o.Options)
	if err != nil {
		return nil, err
	}
	if err := addPath(ctx, a, from); err != nil {
		return nil, errors.Join(err, a.Discard())
	}
	return a, nil
}

func addPath(ctx context.Context, a *artifact.Artifact, from string) error {
	if wandbartifact.Scheme(from) != "" {
		_, err := a.AddReference(ctx, from, artifact.ReferenceOptions{})
		return err
	}
	st, err := os.Stat(from)
	switch {
	case err != nil:
		return err
	case st.IsDir():
		return a.AddDir(ctx, from, artifact.DirOptions{})
	}
	return a.AddFile(from, artifact.FileOptions{})
}

// lastPart is the base name of a path or a reference.
func lastPart(from string) string {
	if wandbartifact.Scheme(from) != "" {
		return path.Base(wandbartifact.Masked(from))
	}
	full, err := filepath.Abs(from)
	if err != nil {
		return filepath.Base(from)
	}
	return filepath.Base(full)
}

// safeName makes a name that an artifact can have, as the official client does.
func safeName(name string) string {
	name = strings.Map(func(c rune) rune {
		if c < 128 && (c == '-' || c == '.' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return c
		}
		return '_'
	}, name)
	if len(name) <= wandbartifact.MaxNameBytes {
		return name
	}
	const mark = ".."
	half := (wandbartifact.MaxNameBytes - len(mark)) / 2
	return name[:half] + mark + name[len(name)-half:]
}
