package runlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const latestRun = "latest-run"

// DirOptions say where a new run directory goes and what it is called.
type DirOptions struct {
	WandbDir string    // the directory that holds run directories, see [WandbDir]
	RunID    string    // empty: a new one
	Online   bool      // the run is sent while it goes on: run-... and not offline-run-...
	Start    time.Time // the run's start; its local time is part of the name; zero: now
}

// Dir is the directory of one run:
//
//	offline-run-YYYYMMDD_HHMMSS-<id>[-n]/    run-... when it is sent while it goes on
//	    run-<id>.wandb           the log
//	    run-<id>.<writer>.part   what another writer adds to the run
//	    run-<id>.wandb.trim      a smaller log that is being made
//	    run-<id>.open            parts of steps that are not finished
//	    run-<id>.<writer>.open   likewise, of another writer
//	    files/                   what is uploaded beside the log
//	    logs/                    what we say about ourselves
type Dir struct {
	Path  string // of the directory itself
	RunID string
}

// NewDir makes a run directory (mode 0700) and points latest-run at it. The
// name is made free by a number at the end.
func NewDir(o DirOptions) (*Dir, error) {
	if o.RunID == "" {
		o.RunID = NewID()
	}
	if err := CheckID(o.RunID); err != nil {
		return nil, err
	}
	if o.Start.IsZero() {
		o.Start = time.Now()
	}
	name := "run-" + o.Start.Local().Format("20060102_150405") + "-" + o.RunID
	if !o.Online {
		name = "offline-" + name
	}
	path, err := makeFree(filepath.Join(o.WandbDir, name))
	if err != nil {
		return nil, fmt.Errorf("make run directory: %w", err)
	}
	for _, sub := range []string{"files", "logs"} {
		if err := os.Mkdir(filepath.Join(path, sub), 0o700); err != nil {
			return nil, fmt.Errorf("make run directory: %w", err)
		}
	}
	pointLatest(o.WandbDir, filepath.Base(path))
	return &Dir{Path: path, RunID: o.RunID}, nil
}

func makeFree(path string) (string, error) {
	for n := 0; ; n++ {
		try := path
		if n > 0 {
			try += "-" + strconv.Itoa(n)
		}
		err := os.Mkdir(try, 0o700)
		if !errors.Is(err, fs.ErrExist) {
			return try, err
		}
	}
}

// pointLatest replaces the latest-run link in one step. The link is a
// convenience: a directory that cannot hold one (some network mounts) is fine.
func pointLatest(wandbDir, target string) {
	link := filepath.Join(wandbDir, latestRun)
	temp := link + "." + strconv.Itoa(os.Getpid())
	os.Remove(temp)
	if os.Symlink(target, temp) != nil {
		return
	}
	if os.Rename(temp, link) != nil {
		os.Remove(temp)
	}
}

// WandbDir finds the directory for runs below root, <root>/.wandb if that
// exists, else <root>/wandb, makes it if need be, and makes sure that it can
// be written.
func WandbDir(root string) (string, error) {
	dir := filepath.Join(root, ".wandb")
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		dir = filepath.Join(root, "wandb")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make %s: %w; choose another place with --dir or WANDB_DIR", dir, cause(err))
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return "", fmt.Errorf("write to %s: %w; give yourself write permission or choose another place with --dir or WANDB_DIR", dir, cause(err))
	}
	probe.Close()
	os.Remove(probe.Name())
	return dir, nil
}

// cause takes the path out of an error whose message names it already.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// OpenDir finds an existing run: path is a run directory, a .wandb file in
// one, or a directory of runs, whose latest-run is then taken.
func OpenDir(path string) (*Dir, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open run: %w", err)
	}
	if !st.IsDir() {
		return fromLog(path)
	}
	if d, err := fromRunDir(path); d != nil || err != nil {
		return d, err
	}
	latest := filepath.Join(path, latestRun)
	target, err := filepath.EvalSymlinks(latest)
	if err != nil {
		return nil, fmt.Errorf("open run %s: it holds neither a .wandb log nor a %s link", path, latestRun)
	}
	d, err := fromRunDir(target)
	if d == nil && err == nil {
		err = fmt.Errorf("open run %s: it holds no .wandb log", latest)
	}
	return d, err
}

func fromLog(path string) (*Dir, error) {
	id, ok := strings.CutSuffix(filepath.Base(path), ".wandb")
	if id, ok = cutPrefixIf(id, ok); !ok {
		return nil, fmt.Errorf("open run %s: a run log is called run-<id>.wandb", path)
	}
	return &Dir{Path: filepath.Dir(path), RunID: id}, nil
}

func cutPrefixIf(name string, ok bool) (string, bool) {
	id, has := strings.CutPrefix(name, "run-")
	return id, ok && has && id != ""
}

// fromRunDir returns nil without an error when dir holds no log at all, not even
// a part of one.
func fromRunDir(dir string) (*Dir, error) {
	logs, err := filepath.Glob(filepath.Join(globQuote(dir), "run-*.wandb"))
	switch {
	case err != nil:
		return nil, fmt.Errorf("open run %s: %w", dir, err)
	case len(logs) == 0:
		return fromParts(dir)
	case len(logs) > 1:
		return nil, fmt.Errorf("open run %s: it holds %d logs; name one of them", dir, len(logs))
	}
	return fromLog(logs[0])
}

// fromParts finds a run whose log was never begun: the process that was to keep
// it did not get so far, another one left its part.
func fromParts(dir string) (*Dir, error) {
	parts, err := filepath.Glob(filepath.Join(globQuote(dir), "run-*.*.part"))
	if err != nil || len(parts) == 0 {
		return nil, err
	}
	name := strings.TrimSuffix(filepath.Base(parts[0]), ".part")
	id := strings.TrimPrefix(name[:strings.LastIndexByte(name, '.')], "run-")
	return &Dir{Path: dir, RunID: id}, nil
}

// globQuote keeps Glob from reading a directory name as a pattern.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// LogPath is the run's log.
func (d *Dir) LogPath() string { return d.file("wandb") }

// PartPath is the log that another writer keeps for the same run. Its
// extension keeps tools that look for *.wandb from taking it for a run.
func (d *Dir) PartPath(writer string) string { return d.file(writer + ".part") }

// OpenStepsPath is the side file of [OpenSteps] of the run's own log.
func (d *Dir) OpenStepsPath() string { return d.file("open") }

// PartOpenStepsPath is the side file that belongs to a writer's part.
func (d *Dir) PartOpenStepsPath(writer string) string { return d.file(writer + ".open") }

// StopPath is a file whose being there asks the process at the run to end it.
func (d *Dir) StopPath() string { return d.file("stop") }

// FilesDir holds the files that are uploaded beside the log.
func (d *Dir) FilesDir() string { return filepath.Join(d.Path, "files") }

// LogsDir holds what we say about ourselves.
func (d *Dir) LogsDir() string { return filepath.Join(d.Path, "logs") }

func (d *Dir) file(ext string) string {
	return filepath.Join(d.Path, "run-"+d.RunID+"."+ext)
}

// parts lists the logs of other writers that are there now, sorted.
func (d *Dir) parts() ([]string, error) {
	return filepath.Glob(globQuote(d.file("")) + "*.part")
}
