package upload

import (
	"fmt"
	"slices"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// Trim takes what the server has off the log of the run, which log writes. What
// is on its way or was read ahead stays: a request that has to be repeated
// after a crash must be the same. t says how large the log may be; Sent and Pinned
// are filled in. The upload waits meanwhile.
func (u *Uploader) Trim(log *runlog.Writer, t runlog.Trim) (runlog.Trimmed, error) {
	f := u.lockFeed()
	defer u.mu.Unlock()
	if f != nil {
		defer f.mu.Unlock()
		t.Pinned = f.mark.Sources[""]
	}
	if u.pos != nil {
		t.Sent = u.pos.Sources[""]
		for _, s := range u.pos.Intent {
			if s.Source == "" {
				t.Pinned = max(t.Pinned, s.To)
			}
		}
	}
	gone, err := log.Trim(t)
	if err != nil {
		return gone, fmt.Errorf("upload run %s: %w", u.o.Dir.RunID, err)
	}
	u.cutBytes += gone.Passed
	if f != nil {
		f.miss(gone)
	}
	return gone, nil
}

// lockFeed locks the feed of the session that goes on, nil if there is none, and
// then u.mu.
func (u *Uploader) lockFeed() *feed {
	for {
		u.mu.Lock()
		f := u.feed
		u.mu.Unlock()
		if f != nil {
			f.mu.Lock()
		}
		u.mu.Lock()
		if u.feed == f {
			return f
		}
		u.mu.Unlock()
		if f != nil {
			f.mu.Unlock()
		}
	}
}

// miss notes what was taken off the log before it was read. The file that is
// being read may still have it.
func (f *feed) miss(gone runlog.Trimmed) {
	f.missing = slices.DeleteFunc(f.missing, func(t runlog.Trimmed) bool { return t.Last() <= f.mark.Sources[""] })
	if gone.Last() > 0 {
		f.missing = append(f.missing, gone)
	}
}

// misses says whether a record is not in the log any more. After a crash nobody
// would find it: it must not be sent.
func (f *feed) misses(name string, rec *record) bool {
	if len(f.missing) == 0 || name != "" || rec.part != nil {
		return false
	}
	switch rec.kind {
	case kindHistory, kindStats, kindOutputRaw, kindOutputLine:
		return slices.ContainsFunc(f.missing, func(t runlog.Trimmed) bool { return t.Has(rec.num) })
	}
	return false
}
