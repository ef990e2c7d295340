package upload

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/internal/runfiles"
)

// maxRestFiles bounds what addRest takes.
const maxRestFiles = 10_000

// errManyFiles ends a walk over more files than maxRestFiles.
var errManyFiles = errors.New("more than 10000 files that nobody saved")

// addRest takes the files that somebody has put below files/ without a word in
// the log: a file in a run's directory is a file of the run. Those that the log
// tells of have been taken, by their policies.
func (r *runFiles) addRest() {
	taken := 0
	err := fs.WalkDir(r.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir(), r.made[name], r.named[name], name == outputFile, strings.HasPrefix(path.Base(name), ".tmp-"):
			return nil
		case taken == maxRestFiles:
			return errManyFiles
		}
		taken++
		_ = r.up.Add(name, runfiles.End) // what is refused is counted and said there
		return nil
	})
	if err != nil {
		r.u.o.Logger.Warn("not all files of the run's directory were looked at", "run", r.u.o.Dir.RunID, "error", err)
	}
}
