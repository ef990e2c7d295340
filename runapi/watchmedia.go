package runapi

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// MediaWatch says what becomes of files that appear.
type MediaWatch struct {
	Key      string                           // under which they are logged; default videos
	Open     func(path string) (Media, error) // makes a value of a file, such as video.Video{Path: path}
	Existing bool                             // also log the files that are there now
}

// Limits of WatchMedia.
const (
	maxMediaFiles = 10_000 // of one pattern
	maxMediaQueue = 1000   // files that wait for a step
)

// mediaWatch is one WatchMedia; its lock is its own.
type mediaWatch struct {
	MediaWatch
	mu    sync.Mutex             // guards what follows
	glob  string                 // absolute
	known map[string]bool        // paths that were logged or wait
	seen  map[string]os.FileInfo // paths that may still grow
	queue []string
	last  int64 // step of the last one; -1 before that
	full  bool  // it was said that there are too many
}

// WatchMedia logs files that a pattern (see Save) comes to match, as the videos of
// an environment that records episodes: each, once its size and time stay for five
// seconds, with the next step of the run, one a step; those that are left, at
// Finish. Files are looked for every five seconds; at most 10000 are logged, and
// 1000 may wait. Open is called from a goroutine of the run, one call at a time. An error
// of Open, or of a value that cannot be logged, is a warning of Settings.Logger, and
// the file is left out.
func (r *Run) WatchMedia(pattern string, o MediaWatch) error {
	if r == nil || r.off {
		return nil
	}
	if o.Open == nil {
		return fmt.Errorf("watch media %q: %w: Open is needed", pattern, errWatch)
	}
	if o.Key == "" {
		o.Key = "videos"
	}
	glob, err := filepath.Abs(pattern)
	if err == nil {
		_, err = filepath.Match(glob, "")
	}
	if err != nil {
		return fmt.Errorf("watch media %q: %w", pattern, err)
	}
	w := &mediaWatch{MediaWatch: o, glob: glob, known: map[string]bool{}, seen: map[string]os.FileInfo{}, last: -1}
	if !o.Existing {
		for _, path := range globbed(glob) {
			w.known[path] = true
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return ErrFinished
	}
	r.mediaWatches = append(r.mediaWatches, w)
	return nil
}

// logNewMedia looks at what is watched and logs what came. With all set nothing
// waits: the run ends.
func (r *Run) logNewMedia(all bool) {
	r.mu.Lock()
	list := r.mediaWatches
	r.mu.Unlock()
	for _, w := range list {
		w.mu.Lock()
		r.logError("files that are watched are left out", w.look(all))
		r.logQueue(w, all)
		w.mu.Unlock()
	}
}

// look queues the new files that did not change since the last look, or all.
func (w *mediaWatch) look(all bool) error {
	for _, path := range globbed(w.glob) {
		if w.known[path] {
			continue
		}
		if len(w.known) >= maxMediaFiles || len(w.queue) >= maxMediaQueue {
			if w.full {
				return nil
			}
			w.full = true
			return fmt.Errorf("%s: more than %d files, or %d that wait", w.glob, maxMediaFiles, maxMediaQueue)
		}
		st, err := os.Stat(path)
		if err != nil {
			continue
		}
		if was := w.seen[path]; all || was != nil && unchanged(was, st) {
			delete(w.seen, path)
			w.known[path] = true
			w.queue = append(w.queue, path)
			continue
		}
		w.seen[path] = st
	}
	return nil
}

// logQueue adds the next file to the open step, unless that has one already. With all
// set each of them gets a step.
func (r *Run) logQueue(w *mediaWatch, all bool) {
	for len(w.queue) > 0 {
		step := r.Step()
		if step == w.last && !all {
			return
		}
		if step == w.last { // the step that is open has one
			r.logError("step not stored", r.logValues(nil, []LogOption{Commit()}))
			step = r.Step()
		}
		path := w.queue[0]
		w.queue = w.queue[1:]
		value, err := w.Open(path)
		if err == nil {
			err = r.logValues(map[string]any{w.Key: value}, []LogOption{NoCommit()})
		}
		if err != nil {
			r.logError("file not logged", fmt.Errorf("%s: %w", path, err))
			continue
		}
		w.last = step
	}
}
