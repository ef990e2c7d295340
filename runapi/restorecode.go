package runapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// patchFile is what was changed since the commit of a run, as the official client
// calls it.
const patchFile = "diff.patch"

// Code is the state that the code of a run was in.
type Code struct {
	Commit  string   // of git; "" when the run knew none
	Remote  string   // URL of the repository; "" when the run knew none
	Program string   // what was started
	Args    []string // with these arguments, secrets masked
	Patch   string   // path of the file with what was changed since the commit; "" when the run has none
}

// RestoreCode tells in which state the code of a run was, and fetches its diff to
// diff.patch below o.Root, for git apply. It starts no git and touches no working
// tree. Errors are those of Restore; a patch that is there already is one that is
// fs.ErrExist, unless o.Replace is set.
func RestoreCode(ctx context.Context, o RestoreOptions) (Code, error) {
	fail := func(err error) (Code, error) { return Code{}, fmt.Errorf("restore code of run %s: %w", o.Run, err) }
	if o.Run == "" {
		return fail(ErrNoRun)
	}
	o.Settings.Mode, o.Settings.RunDir = ModeOnline, nil
	set, _, err := resolve(o.Settings)
	if err != nil {
		return Code{}, err
	}
	r := newRun(set)
	client, err := r.connect(false)
	if err != nil {
		return fail(&CommError{"find the server", err})
	}
	defer client.CloseIdle()
	entity, project, id, err := runPath(ctx, client, o.Run, r.set.Entity, r.set.Project)
	if err != nil {
		return fail(err)
	}
	stored, err := client.RunFiles(ctx, entity, project, id, []string{metadataFile, patchFile})
	if api.Classify(err, api.GraphQL) == api.NotFound {
		return fail(fmt.Errorf("%w: %w", fs.ErrNotExist, err))
	}
	if err != nil {
		return fail(&CommError{"ask for the run", err})
	}
	code := Code{Commit: stored.Commit}
	for _, file := range stored.Files {
		if file.Name == metadataFile {
			err = errors.Join(err, code.readMetadata(ctx, client, file))
		} else if file.Name == patchFile {
			var bad error
			code.Patch, bad = fetchPatch(ctx, client, file, o)
			err = errors.Join(err, bad)
		}
	}
	if err != nil {
		return fail(err)
	}
	return code, nil
}

// fetchPatch puts the patch below o.Root.
func fetchPatch(ctx context.Context, client *api.Client, file api.StoredFile, o RestoreOptions) (string, error) {
	dir := o.Root
	if dir == "" {
		dir = "."
	}
	path := filepath.Join(dir, patchFile)
	if _, err := os.Lstat(path); err == nil && !o.Replace {
		return "", fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	f, err := fetchFile(ctx, client, root, patchFile, file)
	if err != nil {
		return "", err
	}
	return path, f.Close()
}

// readMetadata takes what wandb-metadata.json of any client says.
func (c *Code) readMetadata(ctx context.Context, client *api.Client, file api.StoredFile) error {
	dir, err := os.MkdirTemp("", "wandb-agent-restore-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	f, err := fetchFile(ctx, client, root, metadataFile, file)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxMetadata))
	if err != nil {
		return err
	}
	var said struct {
		Program string
		Args    []string
		Git     struct{ Commit, Remote string }
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return fmt.Errorf("read %s: %w", metadataFile, err)
	}
	c.Program, c.Args, c.Remote = said.Program, said.Args, said.Git.Remote
	if c.Commit == "" {
		c.Commit = said.Git.Commit
	}
	return nil
}

// maxMetadata bounds what is read of a wandb-metadata.json.
const maxMetadata = 16 << 20
