package tensorboard

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// finder looks for event files below a directory.
type finder struct {
	root  string
	since time.Time
	skip  fs.FileInfo // the directory of all runs: what was saved there is no news; nil when there is none
	known map[string]bool
	older int64 // files left alone because they are older than the run
}

// find returns the paths of event files that came since the last call, in the
// order of their names. What cannot be read is left for the next call.
func (d *finder) find(stop func() bool) []string {
	var found []string
	_ = filepath.WalkDir(d.root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case stop():
			return fs.SkipAll
		case err != nil:
			return nil // a directory that cannot be read, or is gone
		case e.IsDir():
			if d.isRuns(e) {
				return fs.SkipDir
			}
			return nil
		case d.known[path] || !isEventFile(e):
			return nil
		}
		st, err := e.Info()
		if err != nil || !st.Mode().IsRegular() {
			return nil
		}
		d.known[path] = true
		if madeAt(path, st).Before(d.since) {
			d.older++
			return nil
		}
		found = append(found, path)
		return nil
	})
	return found
}

// isRuns says whether an entry is the directory of runs.
func (d *finder) isRuns(e fs.DirEntry) bool {
	if d.skip == nil || e.Name() != d.skip.Name() {
		return false
	}
	st, err := e.Info()
	return err == nil && os.SameFile(st, d.skip)
}

// isEventFile goes by the name, as TensorBoard does. Two kinds of files have the
// name and are none: an empty one of the profiler, and copies under way to S3.
func isEventFile(e fs.DirEntry) bool {
	name := e.Name()
	return e.Type().IsRegular() && strings.Contains(name, "tfevents") &&
		!strings.HasSuffix(name, ".profile-empty") && !strings.HasSuffix(name, ".sagemaker-uploaded")
}

// madeAt is when a file was made, as its name says to the second
// (events.out.tfevents.SECONDS.HOST...), else when it was changed last.
func madeAt(path string, st fs.FileInfo) time.Time {
	_, rest, _ := strings.Cut(filepath.Base(path), "tfevents.")
	digits, _, _ := strings.Cut(rest, ".")
	seconds, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return st.ModTime()
	}
	return time.Unix(seconds, 0)
}
