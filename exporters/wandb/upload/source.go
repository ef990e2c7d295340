package upload

import (
	"errors"
	"io"
	"io/fs"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// source is one of the logs of a run: its own, a part that another writer adds,
// or what is left of such a part once it was folded into the run's own log.
type source struct {
	name   string // "" for the run's own log
	tail   *runlog.Tail
	folded bool   // tail is the run's own log: only records that came from name count
	last   int64  // number of the newest record taken or passed over
	head   record // next record, if ready
	ready  bool

	unreadable int64 // records whose framing is right and whose content is none
}

// peek looks at the next record, which is valid until the following call of
// pop; false when there is none at this moment.
func (s *source) peek() (*record, bool, error) {
	for !s.ready {
		payload, err := s.tail.Next()
		if errors.Is(err, io.EOF) {
			return nil, false, nil
		}
		if errors.Is(err, runlog.ErrFormat) && s.name != "" { // must not hide the rest of the run
			s.unreadable++
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		rec, ok := parseRecord(payload)
		if !ok {
			s.unreadable++
			continue
		}
		if s.folded {
			if string(rec.part) != s.name {
				continue
			}
			rec.num, rec.part = rec.partNum, nil
		}
		if rec.num <= 0 || !s.folded && rec.num <= s.last { // old writers do not number
			rec.num = s.last + 1
		}
		s.head, s.ready = rec, true
	}
	return &s.head, true, nil
}

// pop goes behind the record that peek showed.
func (s *source) pop() { s.last, s.ready = max(s.last, s.head.num), false }

// sources are the logs of a run, its own first.
type sources struct {
	dir      *runlog.Dir
	list     []*source
	complete bool
}

// refresh opens the logs that came since the last call.
func (ss *sources) refresh() error {
	if ss.find("") == nil {
		if err := ss.open("", ss.dir.LogPath()); err != nil {
			return err
		}
	}
	parts, err := ss.dir.Parts()
	if err != nil {
		return err
	}
	for name, path := range parts {
		if ss.find(name) == nil {
			if err := ss.open(name, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// open adds a log; one that is gone by now is left out.
func (ss *sources) open(name, path string) error {
	tail, err := runlog.OpenTail(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	s := &source{name: name, tail: tail}
	if ss.complete {
		tail.Complete()
	}
	at := len(ss.list)
	for i, other := range ss.list {
		if name < other.name {
			at = i
			break
		}
	}
	ss.list = append(ss.list[:at:at], append([]*source{s}, ss.list[at:]...)...)
	return nil
}

func (ss *sources) find(name string) *source {
	for _, s := range ss.list {
		if s.name == name {
			return s
		}
	}
	return nil
}

// get finds the log that has what name wrote, folded or not.
func (ss *sources) get(name string) (*source, error) {
	if s := ss.find(name); s != nil {
		return s, nil
	}
	if name == "" {
		return nil, fs.ErrNotExist
	}
	tail, err := runlog.OpenTail(ss.dir.LogPath())
	if err != nil {
		return nil, err
	}
	tail.Complete()
	s := &source{name: name, tail: tail, folded: true}
	ss.list = append(ss.list, s)
	return s, nil
}

// finish says that nothing is added to the logs any more.
func (ss *sources) finish() {
	ss.complete = true
	for _, s := range ss.list {
		s.tail.Complete()
	}
}

func (ss *sources) close() {
	for _, s := range ss.list {
		s.tail.Close()
	}
	ss.list = nil
}
