package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	builder "github.com/wandb-agent/wandb-agent/runapi/artifact"
	"github.com/wandb-agent/wandb-agent/runapi/artifact/s3"
)

// putFlags are those of put.
type putFlags struct {
	name, typ, description string
	aliases, tags          []string
}

// shownPut is what put prints, a stable schema.
type shownPut struct {
	Artifact string `json:"artifact"`
	Digest   string `json:"digest"`
	Existed  bool   `json:"existed"`
	Files    int    `json:"files_sent"`
	Reused   int    `json:"files_reused"`
	Bytes    int64  `json:"bytes_sent"`
	Run      string `json:"run_url"`
}

func (c *cli) artifactPutCmd(f *artifactFlags) *cobra.Command {
	p := &putFlags{}
	cmd := &cobra.Command{
		Use:   "put [flags] PATH...",
		Short: "Store files, folders and references as an artifact",
		Long: `Stores files and folders as a version of an artifact. A PATH with a scheme, such as
s3://bucket/prefix or https://host/file, is stored as a reference, without a copy.
Folders put their files at the top. What the server has already is not sent, and
the same content again is no new version.

An artifact is made by a run: this makes one of the job type "artifact".`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("artifact put takes at least one PATH")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return c.artifactRun(f, func(ctx context.Context, a *artifactCall) error { return a.put(ctx, p, args) })
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&p.name, "name", "", "name of the artifact; the last part of the first PATH if left out")
	fs.StringVar(&p.typ, "type", "dataset", "type of the artifact")
	fs.StringVar(&p.description, "description", "", "what it is")
	fs.StringSliceVar(&p.aliases, "alias", nil, "alias of the version, beside latest")
	fs.StringSliceVar(&p.tags, "tag", nil, "tag of the version")
	return cmd
}

func (a *artifactCall) put(ctx context.Context, p *putFlags, paths []string) error {
	if err := a.where(ctx); err != nil {
		return err
	}
	if a.project == "" {
		return usageError{errNoProject}
	}
	built, err := a.build(ctx, p, paths)
	if err != nil {
		return err
	}
	staging, err := os.MkdirTemp("", "wandb-artifact-*") // of a large manifest
	if err != nil {
		return err
	}
	defer os.RemoveAll(staging)
	run, err := a.client.UpsertBucket(ctx, api.UpsertInput{Name: runlog.NewID(), Entity: a.entity, Project: a.project, JobType: "artifact", Config: "{}"})
	if err != nil {
		return err
	}
	res, err := a.send(ctx, built, run, staging)
	if err = errors.Join(err, a.finish(ctx, run, err)); err != nil {
		return err
	}
	out := shownPut{
		Artifact: run.Entity + "/" + run.Project + "/" + built.Name() + ":latest", Digest: res.Digest, Existed: res.Existed,
		Files: res.Files, Reused: res.Reused, Bytes: res.Bytes, Run: a.client.RunURL(run.Entity, run.Project, run.Name),
	}
	if a.asJSON {
		return writeJSON(a.stdout, out)
	}
	what := fmt.Sprintf("%d files sent (%d bytes), %d were there", res.Files, res.Bytes, res.Reused)
	if res.Existed {
		what = "the server has this content already"
	}
	fmt.Fprintf(a.stdout, "%s: %s\n", out.Artifact, what)
	return nil
}

// build makes the artifact. Its files are sent from their place.
func (a *artifactCall) build(ctx context.Context, p *putFlags, paths []string) (*builder.Artifact, error) {
	if p.name == "" {
		p.name = filepath.Base(strings.TrimRight(paths[0], "/"))
	}
	built, err := builder.New(p.name, p.typ, builder.Options{
		Description: p.description, Aliases: p.aliases, Tags: p.tags, Handlers: a.handlers(),
	})
	if err != nil {
		return nil, usageError{err}
	}
	for _, path := range paths {
		if err := addPath(ctx, built, path); err != nil {
			return nil, err
		}
	}
	return built, nil
}

func addPath(ctx context.Context, built *builder.Artifact, path string) error {
	if strings.Contains(path, "://") {
		_, err := built.AddReference(ctx, path, builder.ReferenceOptions{})
		return err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return built.AddDir(ctx, path, builder.DirOptions{Policy: builder.Immutable})
	}
	return built.AddFile(path, builder.FileOptions{Policy: builder.Immutable})
}

func (a *artifactCall) send(ctx context.Context, built *builder.Artifact, run *api.Bucket, staging string) (artifact.Result, error) {
	rec, err := built.Record(ctx, builder.RecordOptions{Entity: run.Entity, Project: run.Project, RunID: run.Name, Staging: staging})
	if err != nil {
		return artifact.Result{}, err
	}
	show, end := a.transferLine()
	defer end()
	return artifact.Upload(ctx, a.client.Client, rec, artifact.Options{Staging: staging, Progress: show})
}

// finish ends the run, also when the context has ended.
func (a *artifactCall) finish(ctx context.Context, run *api.Bucket, failed error) error {
	code := exitOK
	if failed != nil {
		code = exitFailure
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_, err := a.client.FileStream(ctx, run.Entity, run.Project, run.Name, fmt.Appendf(nil, `{"complete":true,"exitcode":%d}`, code))
	return err
}

// handlers are those of references. Credentials of object stores come from where
// the tools of their makers look for them.
func (a *artifactCall) handlers() []artifact.Handler {
	list := []artifact.Handler{artifact.Files{}, artifact.HTTP{Client: &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}}}
	o := s3.Options{
		Endpoint: a.environ["AWS_S3_ENDPOINT_URL"], Region: orText(a.environ["AWS_REGION"], a.environ["AWS_DEFAULT_REGION"]),
		AccessKey: a.environ["AWS_ACCESS_KEY_ID"], SecretKey: api.NewKey(a.environ["AWS_SECRET_ACCESS_KEY"]),
		SessionToken: api.NewKey(a.environ["AWS_SESSION_TOKEN"]), Profile: a.environ["AWS_PROFILE"],
	}
	file := orText(a.environ["AWS_SHARED_CREDENTIALS_FILE"], filepath.Join(a.environ["HOME"], ".aws", "credentials"))
	if _, err := os.Stat(file); err == nil {
		o.CredentialsFile = file
	}
	for _, o := range []s3.Options{o, {Scheme: "gs"}} {
		h, err := s3.New(o)
		if err != nil {
			fmt.Fprintf(a.stderr, "wandb-agent: %v\n", err) // matters only to references there
			continue
		}
		list = append(list, h)
	}
	return list
}
