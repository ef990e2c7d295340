package runapi

import (
	"errors"
	"io/fs"
	"os"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// maxWatched bounds what one SaveOptions.Watch finds.
const maxWatched = 10_000

// saveWatch is a pattern whose files may still appear. saveMu guards it.
type saveWatch struct {
	place *savePlace
	known map[string]bool        // paths that were saved
	seen  map[string]fs.FileInfo // paths that may still grow
	full  bool                   // it was said that there are too many
}

func newSaveWatch(place *savePlace, files []*saved) *saveWatch {
	w := &saveWatch{place: place, known: map[string]bool{}, seen: map[string]fs.FileInfo{}}
	for _, f := range files {
		w.known[f.from] = true
	}
	return w
}

// settled returns new files that did not change since the last look; with all
// set every new file.
func (w *saveWatch) settled(all bool) (files []*saved, err error) {
	found, _ := w.place.find() // who watches was told of names that cannot be had
	for _, f := range found {
		if w.known[f.from] {
			continue
		}
		if len(w.known) >= maxWatched {
			if !w.full {
				w.full, err = true, errors.New("save: more than 10000 files of a watched pattern: the others are left out")
			}
			break
		}
		st, bad := os.Stat(f.from)
		if bad != nil {
			continue
		}
		if was := w.seen[f.from]; all || was != nil && unchanged(was, st) {
			delete(w.seen, f.from)
			w.known[f.from] = true
			files = append(files, f)
			continue
		}
		w.seen[f.from] = st
	}
	return files, err
}

// takeNew saves the files that appeared where one watches for them. Called with
// saveMu held.
func (r *Run) takeNew(all bool) (err error) {
	for _, w := range r.watches {
		files, bad := w.settled(all)
		staged, worse := r.stageAll(files)
		err = errors.Join(err, bad, worse, r.recordFiles(staged, r.recordLate))
	}
	return err
}

// recordLate appends a record while the run ends, as record does before.
func (r *Run) recordLate(rec *wandbpb.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(rec)
}
