package runapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wandb-agent/wandb-agent/runapi/artifact"
	"github.com/wandb-agent/wandb-agent/runapi/internal/gitrepo"
)

// CodeOptions say which files LogCode stores. The zero value stores the source
// files below the working directory that git tracks.
type CodeOptions struct {
	Root string // directory; default: the working directory
	Name string // of the artifact; default: source-<project>-<path of the program>

	// Include says whether a file is stored; default: IsSource. Exclude says which
	// are not after all; default: those below a directory wandb or .wandb of Root.
	// Both are given the absolute path of the file and Root, and are called by
	// LogCode only.
	Include, Exclude func(path, root string) bool

	Untracked bool // also files that git does not track, as where there is no repository
}

// Limits of LogCode.
const (
	maxCodeFiles = 50_000
	maxCodeBytes = 10 << 20 // of a file
)

// errManyCodeFiles is more than LogCode stores.
var errManyCodeFiles = fmt.Errorf("more than %d files: give Include or another Root", maxCodeFiles)

// LogCode stores source files as an artifact of type code, which servers show as
// the code of the run. Files that git does not track are left out, unless Root lies
// in no repository; so are symbolic links and files above 10 MiB. It returns nil
// without an error when nothing matched. No git is started.
func (r *Run) LogCode(ctx context.Context, o CodeOptions) (*LoggedArtifact, error) {
	if r == nil || r.off {
		return nil, nil
	}
	root, err := filepath.Abs(o.Root)
	if err != nil {
		return nil, fmt.Errorf("log code: %w", err)
	}
	files, err := r.codeFiles(ctx, root, o)
	if err != nil {
		return nil, fmt.Errorf("log code of %s: %w", root, err)
	}
	if len(files) == 0 {
		return nil, nil
	}
	a, err := artifact.NewOwn(cmp.Or(o.Name, r.codeName(root)), "code", artifact.Options{})
	if err != nil {
		return nil, fmt.Errorf("log code: %w", err)
	}
	for _, name := range files {
		if err := a.AddFile(filepath.Join(root, filepath.FromSlash(name)), artifact.FileOptions{Name: name}); err != nil {
			return nil, errors.Join(fmt.Errorf("log code: %w", err), a.Discard())
		}
	}
	l, err := r.LogArtifact(ctx, a, ArtifactOptions{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("log code: %w", err), a.Discard())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.codePath = a.Name()
	return l, r.storeConfig(map[string]any{ownKey: r.ownConfig()})
}

// codeName is the name that the official client would choose.
func (r *Run) codeName(root string) string {
	program := cmp.Or(r.set.Program, r.executable())
	if full, err := filepath.Abs(program); err == nil {
		top, _ := findGit(root)
		if name, ok := relative(cmp.Or(top, root), full); ok {
			program = name
		} else {
			program = filepath.Base(program)
		}
	}
	return safeName("source-" + r.Project() + "-" + program)
}

// codeFiles lists the files to store, by their paths below root, sorted.
func (r *Run) codeFiles(ctx context.Context, root string, o CodeOptions) ([]string, error) {
	if o.Include == nil {
		o.Include = func(path, _ string) bool { return IsSource(path) }
	}
	if o.Exclude == nil {
		o.Exclude = inWandbDir
	}
	var files []string
	err := eachCodeFile(ctx, root, o.Untracked, func(name string) error {
		full := filepath.Join(root, filepath.FromSlash(name))
		if _, own := relative(r.dir.Path, full); own || !o.Include(full, root) || o.Exclude(full, root) {
			return nil
		}
		st, err := os.Lstat(full)
		if err != nil || !st.Mode().IsRegular() {
			return nil // gone since, or a link
		}
		if st.Size() > maxCodeBytes {
			r.set.Logger.Warn("large file is not logged as code", "run", r.set.ID, "file", name, "bytes", st.Size())
			return nil
		}
		if len(files) == maxCodeFiles {
			return errManyCodeFiles
		}
		files = append(files, name)
		return nil
	})
	slices.Sort(files)
	return files, err
}

// eachCodeFile calls f with the candidates below root.
func eachCodeFile(ctx context.Context, root string, untracked bool, f func(name string) error) error {
	if top, dir := findGit(root); dir != "" && !untracked {
		below, err := filepath.Rel(top, root)
		if err != nil {
			return err
		}
		repo := gitrepo.Open(top, dir, commonDir(dir))
		defer repo.Close()
		list, err := repo.Tracked()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nothing was added yet
		}
		for i := 0; i < len(list) && err == nil; i++ {
			if name, ok := relative(below, filepath.FromSlash(list[i].Path)); ok {
				err = errors.Join(ctx.Err(), f(name))
			}
		}
		return err
	}
	return fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && name == ".":
			return err
		case err != nil:
			return nil // a directory that may not be read
		case d.IsDir() && (d.Name() == ".git" || name == "wandb" || name == ".wandb"):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		return f(name)
	})
}

// inWandbDir says whether a file lies where runs are kept.
func inWandbDir(file, root string) bool {
	name, ok := relative(root, file)
	first, _, _ := strings.Cut(name, "/")
	return ok && (first == "wandb" || first == ".wandb")
}

// sources are the extensions of files that IsSource takes; sourceNames are whole
// names.
var (
	sources = []string{
		".go", ".py", ".pyi", ".ipynb", ".c", ".cc", ".cpp", ".cxx", ".cu", ".cuh", ".h", ".hpp", ".rs", ".java", ".kt", ".scala", ".jl", ".r", ".lua",
		".js", ".ts", ".sh", ".proto", ".sql", ".yaml", ".yml", ".toml", ".mod", ".sum",
	}
	sourceNames = []string{"Dockerfile", "Makefile", "CMakeLists.txt", "BUILD", "requirements.txt"}
)

// IsSource says whether a path looks like source code, or like what source code is
// built or configured with.
func IsSource(file string) bool {
	name := path.Base(filepath.ToSlash(file))
	return slices.Contains(sources, strings.ToLower(path.Ext(name))) || slices.Contains(sourceNames, name) || strings.HasPrefix(name, "Dockerfile.")
}
