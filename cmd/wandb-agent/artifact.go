package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/wandb-agent/wandb-agent/exporters/wandb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/auth"
)

// artifactFlags are those of all artifact commands.
type artifactFlags struct {
	entity, project string
	asJSON          bool
}

func (c *cli) artifactCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "artifact",
		Short: "Fetch, store and check artifacts",
		Long: `Works with artifacts on a W&B server. NAME is entity/project/name:version, where
version is an alias or v3; what is left out at the front comes from --entity and
--project, or the settings of runs, and a version left out is latest.`,
		Example: "  wandb-agent artifact get team/project/model:best weights\n  wandb-agent artifact put --type dataset --name images ./images s3://bucket/more",
	}
	f := &artifactFlags{}
	cmd.PersistentFlags().StringVar(&f.entity, "entity", "", "user or team, where NAME has none")
	cmd.PersistentFlags().StringVar(&f.project, "project", "", "project, where NAME has none")
	cmd.PersistentFlags().BoolVar(&f.asJSON, "json", false, "write JSON with a stable schema")
	cmd.AddCommand(c.artifactGetCmd(f), c.artifactListCmd(f), c.artifactVerifyCmd(f), c.artifactPutCmd(f))
	return cmd
}

// artifactCall is one call of an artifact command.
type artifactCall struct {
	*cli
	*artifactFlags
	client  *auth.Connection
	environ map[string]string
}

// artifactRun connects and calls f, whose context ends with a signal.
func (c *cli) artifactRun(f *artifactFlags, run func(context.Context, *artifactCall) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal kills
	source := auth.NewSource(os.Environ(), "")
	client, err := auth.Connect(source, api.Options{UserAgent: "wandb-agent/" + wandb.Version})
	if err != nil {
		return err
	}
	defer client.CloseIdle()
	return run(ctx, &artifactCall{c, f, client, source.Environ})
}

// where fills in the entity and the project that the user did not give.
func (a *artifactCall) where(ctx context.Context) error {
	if a.entity == "" {
		a.entity = a.environ["WANDB_ENTITY"]
	}
	if a.project == "" {
		a.project = a.environ["WANDB_PROJECT"]
	}
	if a.entity != "" {
		return nil
	}
	who, err := a.client.Viewer(ctx)
	if err == nil {
		a.entity = who.Entity
	}
	return err
}

// ref reads NAME.
func (a *artifactCall) ref(ctx context.Context, name string) (artifact.Ref, error) {
	if strings.Count(name, "/") < 2 {
		if err := a.where(ctx); err != nil {
			return artifact.Ref{}, err
		}
	}
	r, err := artifact.ParseRef(name, a.entity, a.project)
	if err != nil {
		return r, usageError{err}
	}
	return r, nil
}

// shownDownload is what get prints, a stable schema.
type shownDownload struct {
	Dir        string `json:"dir"`
	Artifact   string `json:"artifact"`
	Digest     string `json:"digest"`
	Files      int    `json:"files_fetched"`
	Bytes      int64  `json:"bytes_fetched"`
	Cached     int    `json:"files_cached"`
	Kept       int    `json:"files_kept"`
	References int    `json:"references_fetched"`
	Skipped    int    `json:"references_skipped"`
}

func (c *cli) artifactGetCmd(f *artifactFlags) *cobra.Command {
	o := artifact.DownloadOptions{}
	var link, noCache bool
	cmd := &cobra.Command{
		Use:   "get NAME [DIR]",
		Short: "Fetch an artifact, and verify every file of it",
		Long: `Fetches the files of an artifact into DIR, or into artifacts/NAME:VERSION. Every file is
compared with the digest in the manifest; files that are there already and right
are not fetched again, and files that the artifact does not have are left alone.
Names that lead out of DIR, or that other systems cannot keep, are refused.

Files are kept in the cache of the official client (WANDB_CACHE_DIR) as well, which
does not grow beyond 10 GiB by this. DIR gets copies; with --link it gets read-only
hard links, which take no space of their own.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			return c.artifactRun(f, func(ctx context.Context, a *artifactCall) error {
				o.Handlers = a.handlers()
				if dir := cacheDir(a.environ); dir != "" && !noCache {
					o.Cache = &artifact.Cache{Dir: dir, Link: link}
				}
				return a.get(ctx, args, o)
			})
		},
	}
	cmd.Flags().BoolVar(&link, "link", false, "make files read-only hard links to those in the cache")
	cmd.Flags().BoolVar(&noCache, "no-cache", false, "do not use the cache")
	cmd.Flags().BoolVar(&o.SkipReferences, "skip-references", false, "leave files that are stored elsewhere where they are")
	cmd.Flags().BoolVar(&o.AnyName, "any-name", false, "also take names that only this system can keep")
	cmd.Flags().StringVar(&o.Prefix, "prefix", "", "only files whose path begins so")
	return cmd
}

func (a *artifactCall) get(ctx context.Context, args []string, o artifact.DownloadOptions) error {
	r, err := a.ref(ctx, args[0])
	if err != nil {
		return err
	}
	dir := filepath.Join(orText(a.environ["WANDB_ARTIFACT_DIR"], "artifacts"), r.Name+":"+r.Version)
	if len(args) > 1 {
		dir = args[1]
	}
	show, end := a.transferLine()
	o.Progress = show
	rep, err := artifact.Download(ctx, a.client.Client, r, dir, o)
	end()
	if err != nil {
		return err
	}
	out := shownDownload{
		Dir: dir, Artifact: r.String(), Digest: rep.Artifact.Digest, Files: rep.Files, Bytes: rep.Bytes, Cached: rep.Cached,
		Kept: rep.Kept, References: rep.References, Skipped: rep.Skipped,
	}
	if a.asJSON {
		return writeJSON(a.stdout, out)
	}
	fmt.Fprintf(a.stdout, "%s: %d files fetched (%d bytes), %d from the cache, %d were there; references: %d fetched, %d skipped\n",
		dir, rep.Files, rep.Bytes, rep.Cached, rep.Kept, rep.References, rep.Skipped)
	return nil
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// cacheDir is the cache that the official client uses, or "".
func cacheDir(environ map[string]string) string {
	if dir := environ["WANDB_CACHE_DIR"]; dir != "" {
		return filepath.Join(dir, "artifacts")
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "wandb", "artifacts")
}

// shownEntry is an entry as ls prints it, a stable schema.
type shownEntry struct {
	Path   string `json:"path"`
	Digest string `json:"digest"`
	Size   *int64 `json:"size"` // null when the manifest does not say
	Ref    string `json:"ref,omitempty"`
}

func (c *cli) artifactListCmd(f *artifactFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "ls NAME",
		Short: "List the files of an artifact",
		Args:  exactArgs(1, "one NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			return c.artifactRun(f, func(ctx context.Context, a *artifactCall) error { return a.list(ctx, args[0]) })
		},
	}
}

func (a *artifactCall) list(ctx context.Context, name string) error {
	r, err := a.ref(ctx, name)
	if err != nil {
		return err
	}
	found, err := a.client.ArtifactByName(ctx, r.Entity, r.Project, r.Name+":"+r.Version)
	if err != nil {
		return err
	}
	m, err := artifact.FetchManifest(ctx, a.client.Client, found.ID)
	if err != nil {
		return err
	}
	list := []shownEntry{}
	for _, e := range m.Entries {
		s := shownEntry{Path: e.Path, Digest: e.Digest, Ref: e.Ref}
		if e.Size >= 0 {
			s.Size = &e.Size
		}
		list = append(list, s)
		if !a.asJSON {
			fmt.Fprintln(a.stdout, strings.TrimRight(fmt.Sprintf("%12d  %s  %s", e.Size, e.Path, e.Ref), " "))
		}
	}
	if !a.asJSON {
		return nil
	}
	return writeJSON(a.stdout, struct {
		Entries []shownEntry `json:"entries"`
	}{list})
}

// shownVerify is what verify prints, a stable schema.
type shownVerify struct {
	Equal      bool     `json:"equal"`
	Good       int      `json:"good"`
	Missing    []string `json:"missing"`
	Wrong      []string `json:"wrong"`
	Extra      []string `json:"extra"`
	References int      `json:"references_unchecked"`
}

func (c *cli) artifactVerifyCmd(f *artifactFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "verify NAME DIR",
		Short: "Compare the files in DIR with an artifact",
		Long:  "Compares the files in DIR with the digests of an artifact, and changes nothing.\nExit code 1 when a file is missing or has other content. More files may be there.",
		Args:  exactArgs(2, "NAME and DIR"),
		RunE: func(_ *cobra.Command, args []string) error {
			return c.artifactRun(f, func(ctx context.Context, a *artifactCall) error { return a.verify(ctx, args[0], args[1]) })
		},
	}
}

func (a *artifactCall) verify(ctx context.Context, name, dir string) error {
	r, err := a.ref(ctx, name)
	if err != nil {
		return err
	}
	v, err := artifact.Verify(ctx, a.client.Client, r, dir, 16)
	if err != nil {
		return err
	}
	if a.asJSON {
		some := func(list []string) []string { return append([]string{}, list...) }
		err = writeJSON(a.stdout, shownVerify{v.Equal(), v.Good, some(v.Missing), some(v.Wrong), some(v.Extra), v.References})
	} else {
		for i, list := range [][]string{v.Missing, v.Wrong, v.Extra} {
			for _, name := range list {
				fmt.Fprintf(a.stdout, "%-8s %s\n", [...]string{"missing", "wrong", "extra"}[i], name)
			}
		}
		_, err = fmt.Fprintf(a.stdout, "%d good, %d missing, %d wrong, %d extra, %d references not checked\n",
			v.Good, len(v.Missing), len(v.Wrong), len(v.Extra), v.References)
	}
	if err == nil && !v.Equal() {
		err = statusError(exitFailure)
	}
	return err
}

// transferLine is one line on a terminal that says how far a transfer is.
func (a *artifactCall) transferLine() (show func(artifact.Progress), end func()) {
	f, ok := a.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, func() {}
	}
	show = func(p artifact.Progress) {
		fmt.Fprintf(f, "\r\x1b[K%d of %d files, %d of %d MB", p.FilesDone, p.Files, p.BytesDone/1e6, p.Bytes/1e6)
	}
	return show, func() { _, _ = io.WriteString(f, "\r\x1b[K") }
}

// errNoProject is what put needs.
var errNoProject = errors.New("no project: give --project or set WANDB_PROJECT")
