package runapi

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Policy says when a saved file is sent.
type Policy uint8

// Policies of saved files.
const (
	SaveLive Policy = iota // at once, whenever it has changed, and at Finish
	SaveNow                // once, at once
	SaveEnd                // at Finish, as it is then
)

// record is the policy's number in the log.
func (p Policy) record() (wandbpb.FilesItem_PolicyType, bool) {
	switch p {
	case SaveLive:
		return wandbpb.FilesItem_LIVE, true
	case SaveNow:
		return wandbpb.FilesItem_NOW, true
	case SaveEnd:
		return wandbpb.FilesItem_END, true
	}
	return 0, false
}

// restageEvery is how often files of SaveLive are looked at.
const restageEvery = 5 * time.Second

// saved is a file that the program saved.
type saved struct {
	from, name string // absolute path; path below files/
	policy     Policy
	was        fs.FileInfo // of from when it was staged
}

// errSave is what is wrong with a call of Save.
var errSave = errors.New("file cannot be saved")

// Save puts the files that pattern (package path/filepath, Match) names into
// the run. Below the run's files each keeps its path relative to base; base ""
// is the working directory, or each file's own directory for an absolute pattern. Save
// returns the names below the run's files; none match: no names and no error.
//
// A file is linked into the run directory, or copied where that cannot be (an
// other file system), so that the run can be sent later and from elsewhere. What
// the program then writes into the file is seen; a file that it replaces is
// taken anew, within seconds for SaveLive and at Finish for SaveEnd.
// Directories, pipes and devices are left out; names that lead out of base, and
// those of the run's own files (config.yaml), are errors. Secrets in files are
// not masked.
func (r *Run) Save(pattern, base string, policy Policy) ([]string, error) {
	if r == nil || r.off {
		return nil, nil
	}
	number, ok := policy.record()
	if !ok {
		return nil, fmt.Errorf("save %q: %w: policy %d is not known", pattern, errSave, policy)
	}
	files, err := findSaved(pattern, base)
	if err != nil {
		return nil, fmt.Errorf("save %q: %w", pattern, err)
	}
	r.saveMu.Lock()
	defer r.saveMu.Unlock()
	var names []string
	rec := &wandbpb.FilesRecord{}
	for _, f := range files {
		f.policy = policy
		if err := r.stage(f); err != nil {
			return names, fmt.Errorf("save %s: %w", f.from, err)
		}
		names = append(names, f.name)
		rec.Files = append(rec.Files, &wandbpb.FilesItem{Path: f.name, Policy: number, Type: wandbpb.FilesItem_OTHER})
		r.remember(f)
	}
	if len(rec.Files) == 0 {
		return nil, nil
	}
	return names, r.record(&wandbpb.Record{RecordType: &wandbpb.Record_Files{Files: rec}})
}

// remember keeps what may have to be staged again. Called with saveMu held.
func (r *Run) remember(f *saved) {
	if r.saves == nil {
		r.saves = make(map[string]*saved)
	}
	r.saves[f.name] = f
}

// findSaved lists the regular files of a pattern, sorted, with their names below
// base.
func findSaved(pattern, base string) ([]*saved, error) {
	if pattern == "" || strings.ContainsRune(pattern, 0) {
		return nil, fmt.Errorf("%w: empty pattern", errSave)
	}
	flat := base == "" && filepath.IsAbs(pattern)
	base, err := filepath.Abs(base)
	if err != nil {
		return nil, err
	}
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(globQuote(base), pattern)
	}
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	var files []*saved
	for _, path := range paths {
		if flat {
			base = filepath.Dir(path)
		}
		name, err := filepath.Rel(base, path)
		if err != nil || !filepath.IsLocal(name) {
			return nil, fmt.Errorf("%w: %s does not lie in %s", errSave, path, base)
		}
		if slices.Contains(ownFiles, name) {
			return nil, fmt.Errorf("%w: %s is a file of the run itself", errSave, name)
		}
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
			files = append(files, &saved{from: path, name: filepath.ToSlash(name)})
		}
	}
	slices.SortFunc(files, func(a, b *saved) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

// globQuote keeps Glob from reading a directory name as a pattern.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// stage links or copies a file to its place below files/.
func (r *Run) stage(f *saved) error {
	st, err := os.Stat(f.from)
	if err != nil {
		return err
	}
	to := filepath.Join(r.dir.FilesDir(), filepath.FromSlash(f.name))
	f.was = st
	if there, err := os.Stat(to); err == nil && os.SameFile(st, there) {
		return nil // saved before, or it lies in the run's files already
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	from, err := filepath.EvalSymlinks(f.from) // a link to a link would not follow the file
	if err != nil {
		return err
	}
	temp := to + "." + runlog.NewID()
	if os.Link(from, temp) != nil {
		if err := copyFile(from, temp); err != nil {
			return errors.Join(err, os.Remove(temp))
		}
	}
	return os.Rename(temp, to)
}

// unchanged says whether a file is still the one that was staged, and as it was.
func unchanged(was, is fs.FileInfo) bool {
	return os.SameFile(was, is) && was.Size() == is.Size() && was.ModTime().Equal(is.ModTime())
}

// copyFile copies a regular file without waiting for one that is no file any
// more.
func copyFile(from, to string) error {
	src, err := os.OpenFile(from, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer src.Close()
	if st, err := src.Stat(); err != nil || !st.Mode().IsRegular() {
		return errors.Join(errSave, err)
	}
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}

// restage takes files anew that were replaced since. With all set also those
// of SaveEnd: at Finish. A file that is gone stays as it was.
func (r *Run) restage(all bool) error {
	r.saveMu.Lock()
	defer r.saveMu.Unlock()
	var errs []error
	for _, f := range r.saves {
		if f.policy == SaveNow || f.policy == SaveEnd && !all {
			continue
		}
		st, err := os.Stat(f.from)
		if err != nil || !st.Mode().IsRegular() || unchanged(f.was, st) {
			continue
		}
		if err := r.stage(f); err != nil {
			errs = append(errs, fmt.Errorf("save %s: %w", f.from, err))
		}
	}
	return errors.Join(errs...)
}
