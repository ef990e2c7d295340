package runapi

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

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

// SaveOptions say how files are saved. The zero value sends them whenever they
// change and keeps their paths below the working directory.
type SaveOptions struct {
	// Base is the directory below which paths are kept: it must lead to what
	// the pattern names. "" is the working directory; for an absolute pattern
	// it is the directory above the files' own, so that one name is kept.
	Base    string
	Policy  Policy
	Literal bool // the pattern is a path: * ? [ and \ in it stand for themselves
	// Watch saves files too that match later, once their size and time stay for
	// five seconds, and at Finish; 10000 files at most.
	Watch bool
}

// SavedFile is a file of the program that is now a file of the run.
type SavedFile struct {
	Source  string // absolute path of the program's file
	RunPath string // its name in the run, below Run.FilesDir, with slashes
}

// saved is a file that the program saved.
type saved struct {
	from, name string // absolute path; path below files/
	policy     Policy
	was        fs.FileInfo // of from when it was staged
}

var (
	// ErrBaseNotPrefix is returned by Save when SaveOptions.Base does not lead to
	// what the pattern names.
	ErrBaseNotPrefix = errors.New("base does not lead to the pattern")
	// errSave is what else is wrong with a call of Save.
	errSave = errors.New("file cannot be saved")
)

// Save puts the files that pattern names into the run and returns them, sorted by
// their names there:
//
//	pattern                        Base      names in the run
//	these/are/myfiles/*            ""        these/are/myfiles/...
//	these/are/myfiles/*            these     are/myfiles/...
//	/data/ada/Documents/run1/*.txt ""        run1/...
//	/data/ada/Documents/run1/*.txt /data     ada/Documents/run1/...
//	files/*/saveme.txt             ""        files/.../saveme.txt
//
// A pattern is one of path/filepath.Match, below the working directory unless it
// is absolute; names that begin with a dot are matched by patterns that do. It
// is expanded once, now, unless Watch is set. Files that lie below Run.FilesDir
// already match too, by their names there. No match, and pattern "", are no
// files and no error.
//
// A file is linked into the run directory, or copied where that cannot be (another
// file system), so that the run can be sent later and from elsewhere. What
// the program then writes into the file is seen; a file that it replaces is
// taken anew, within seconds for SaveLive and at Finish for SaveEnd. Saving a
// file again changes its policy. Directories, pipes and devices are left out.
// Names of the run's own files (config.yaml) cannot be had: the error names
// them, and other files are saved. Secrets in files are not masked.
func (r *Run) Save(pattern string, o SaveOptions) ([]SavedFile, error) {
	if r == nil || r.off || pattern == "" {
		return nil, nil
	}
	if _, ok := o.Policy.record(); !ok {
		return nil, fmt.Errorf("save %q: %w: policy %d is not known", pattern, errSave, o.Policy)
	}
	place, err := newPlace(pattern, o, r.dir.FilesDir())
	if err != nil {
		return nil, fmt.Errorf("save %q: %w", pattern, err)
	}
	files, refused := place.find()
	r.saveMu.Lock()
	defer r.saveMu.Unlock()
	staged, err := r.stageAll(files)
	if err = errors.Join(refused, err, r.recordFiles(staged, r.record)); err != nil {
		err = fmt.Errorf("save %q: %w", pattern, err)
	}
	if o.Watch && !errors.Is(err, ErrFinished) {
		r.watches = append(r.watches, newSaveWatch(place, files))
	}
	return savedFiles(staged), err
}

// savedFiles is what the program is told of files.
func savedFiles(files []*saved) (list []SavedFile) {
	for _, f := range files {
		list = append(list, SavedFile{Source: f.from, RunPath: f.name})
	}
	return list
}

// stageAll stages files and remembers them; it returns those that it could.
// Called with saveMu held.
func (r *Run) stageAll(files []*saved) (staged []*saved, err error) {
	for _, f := range files {
		if bad := r.stage(f); bad != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", f.from, bad))
			continue
		}
		if r.saves == nil {
			r.saves = make(map[string]*saved)
		}
		r.saves[f.name] = f
		staged = append(staged, f)
	}
	return staged, err
}

// recordFiles tells the uploader of staged files.
func (r *Run) recordFiles(files []*saved, write func(*wandbpb.Record) error) error {
	if len(files) == 0 {
		return nil
	}
	rec := &wandbpb.FilesRecord{}
	for _, f := range files {
		number, _ := f.policy.record()
		rec.Files = append(rec.Files, &wandbpb.FilesItem{Path: f.name, Policy: number, Type: wandbpb.FilesItem_OTHER})
	}
	return write(&wandbpb.Record{RecordType: &wandbpb.Record_Files{Files: rec}})
}

// relative returns path below dir, with slashes; false when it is not there.
func relative(dir, path string) (string, bool) {
	name, err := filepath.Rel(dir, path)
	return filepath.ToSlash(name), err == nil && filepath.IsLocal(name) && name != "."
}
