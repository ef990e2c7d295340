package runapi

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	wandbartifact "github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// ErrNoRun is returned by Restore when it is not told of which run.
var ErrNoRun = errors.New("no run was named")

// CommError says that a server could not be asked, or refused.
type CommError struct {
	Op  string // what was asked for
	Err error  // *api.Error, *url.Error, a missing key
}

// Error names what was asked for, and the cause.
func (e *CommError) Error() string { return e.Op + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *CommError) Unwrap() error { return e.Err }

// RestoreOptions say which file of which run is fetched, and where to.
type RestoreOptions struct {
	Run     string // entity/project/id; the parts that are left out are those of Settings, or the run's
	Root    string // directory; default: the working directory, or the files of the run
	Replace bool   // fetch it even when it is there

	// Settings say which server, key, entity and project it is; zero values are
	// taken from the environment and settings files as those of Init are.
	Settings Settings
}

// Restore fetches a file of a run from its server and opens it for reading. A file
// that is there already is opened, and not fetched, unless Replace is set. Name
// has slashes and stays below Root.
//
// A run, and a file, that the server does not have are fs.ErrNotExist; a server
// that cannot be asked is a *CommError; a name that leads out of Root is
// ErrBadName; without o.Run it is ErrNoRun.
func Restore(ctx context.Context, name string, o RestoreOptions) (*os.File, error) {
	if o.Run == "" {
		return nil, fmt.Errorf("restore %s: %w", name, ErrNoRun)
	}
	o.Settings.Mode, o.Settings.RunDir = ModeOnline, nil
	set, _, err := resolve(o.Settings)
	if err != nil {
		return nil, err
	}
	r := newRun(set)
	f, err := restore(ctx, name, o, func() (*api.Client, string, string, error) {
		client, err := r.connect(false)
		return client, r.set.Entity, r.set.Project, err
	})
	if err != nil {
		return nil, fmt.Errorf("restore %s of run %s: %w", name, o.Run, err)
	}
	return f, nil
}

// Restore is the function of the same name with the run's server, by default of
// this run and into Run.FilesDir. Settings of o have no meaning.
func (r *Run) Restore(ctx context.Context, name string, o RestoreOptions) (*os.File, error) {
	if r == nil || r.off {
		return nil, fmt.Errorf("restore %s: the run is disabled: %w", name, fs.ErrNotExist)
	}
	o.Root, o.Run = cmp.Or(o.Root, r.FilesDir()), cmp.Or(o.Run, r.Path())
	f, err := restore(ctx, name, o, func() (*api.Client, string, string, error) {
		if r.client == nil {
			return nil, "", "", ErrOffline
		}
		return r.client, r.Entity(), r.Project(), nil
	})
	if err != nil {
		return nil, fmt.Errorf("restore %s of run %s: %w", name, o.Run, err)
	}
	return f, nil
}

// restore opens the file, which it fetches first where that is needed. Only then
// connect is called.
func restore(ctx context.Context, name string, o RestoreOptions, connect func() (*api.Client, string, string, error)) (*os.File, error) {
	if err := wandbartifact.CheckPath(name, false); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(cmp.Or(o.Root, "."))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	local := filepath.FromSlash(name)
	if f, err := root.Open(local); err == nil && !o.Replace {
		return f, nil
	} else if err == nil {
		f.Close()
	}
	client, entity, project, err := connect()
	if err != nil {
		return nil, &CommError{"find the server", err}
	}
	if entity, project, o.Run, err = runPath(ctx, client, o.Run, entity, project); err != nil {
		return nil, err
	}
	stored, err := client.RunFiles(ctx, entity, project, o.Run, []string{name})
	if api.Classify(err, api.GraphQL) == api.NotFound {
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	if err != nil {
		return nil, &CommError{"ask for the file", err}
	}
	for _, file := range stored.Files {
		if file.Name == name {
			return fetchFile(ctx, client, root, local, file)
		}
	}
	return nil, fs.ErrNotExist
}

// runPath splits entity/project/id.
func runPath(ctx context.Context, client *api.Client, text, entity, project string) (string, string, string, error) {
	parts := strings.Split(strings.Trim(text, "/"), "/")
	id := parts[len(parts)-1]
	switch {
	case len(parts) > 3 || id == "":
		return "", "", "", fmt.Errorf("%w: %q is no entity/project/id", ErrBadName, text)
	case len(parts) > 1:
		project = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		entity = parts[0]
	}
	if project == "" {
		return "", "", "", fmt.Errorf("%w: %q names no project", ErrBadName, text)
	}
	if entity == "" {
		who, err := client.Viewer(ctx)
		if err != nil {
			return "", "", "", &CommError{"ask who the user is", err}
		}
		entity = who.Entity
	}
	return entity, project, id, nil
}

// fetchFile puts a file below root, whole and as the server says it is, or not at
// all.
func fetchFile(ctx context.Context, client *api.Client, root *os.Root, name string, file api.StoredFile) (*os.File, error) {
	if dir := path.Dir(filepath.ToSlash(name)); dir != "." {
		if err := root.MkdirAll(dir, 0o777); err != nil {
			return nil, err
		}
	}
	temp := filepath.Join(filepath.Dir(name), ".tmp-"+runlog.NewID())
	f, err := root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*os.File, error) { return nil, errors.Join(err, f.Close(), root.Remove(temp)) }
	n, err := client.Get(ctx, file.DirectURL, 0, -1, f)
	if api.Classify(err, api.Transfer) == api.NotFound {
		return fail(fmt.Errorf("%w: %w", fs.ErrNotExist, err))
	}
	if err != nil {
		return fail(&CommError{"fetch the file", err})
	}
	if err := checkMD5(f, n, file.MD5); err != nil {
		return fail(err)
	}
	if err := root.Rename(temp, name); err != nil {
		return fail(err)
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	return root.Open(name)
}

// checkMD5 compares what was fetched with what the server says of it, if it does.
func checkMD5(f *os.File, size int64, want string) error {
	sum, err := base64.StdEncoding.DecodeString(want)
	if err != nil || len(sum) != md5.Size {
		return nil
	}
	got, _, err := wandbartifact.SumReader(io.NewSectionReader(f, 0, size))
	if err == nil && got != want {
		err = fmt.Errorf("%w: MD5 %s, want %s", wandbartifact.ErrBadDigest, got, want)
	}
	return err
}
