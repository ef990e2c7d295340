package runapi

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// restageEvery is how often files of SaveLive, and those of SaveOptions.Watch, are looked at.
const restageEvery = 5 * time.Second

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
	temp := filepath.Join(filepath.Dir(to), ".tmp-"+runlog.NewID())
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

// restage takes files anew that were replaced since, and files that appeared
// where one is watched for them. With all set also those of SaveEnd: at Finish. A
// file that is gone stays as it was.
func (r *Run) restage(all bool) error {
	r.saveMu.Lock()
	defer r.saveMu.Unlock()
	errs := []error{r.takeNew(all)}
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
