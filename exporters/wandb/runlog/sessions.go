package runlog

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Sessions tells the directories of a run that belong together, as writers
// of one time that [Join] makes one log of, from those of a later time: a job that was
// requeued goes on with the same run, and every rank makes a new directory.
// The sessions stand in the order of their time; each is to be joined and sent by
// itself, the later ones as a resumed run. A new one begins with a directory of
// a rank whose earlier directory had ended by then. Copies of one directory are
// in one session. Nothing is changed, and writers may be alive.
func Sessions(dirs []*Dir) ([][]*Dir, error) {
	if len(dirs) == 1 { // the usual case needs no look into the log
		return [][]*Dir{dirs}, nil
	}
	if len(dirs) == 1 { // most runs: nothing to be read
		return [][]*Dir{dirs}, nil
	}
	var spans []*timeSpan
	for _, dir := range dirs {
		s, err := spanOf(dir)
		if err != nil {
			return nil, err
		}
		spans = append(spans, s)
	}
	slices.SortStableFunc(spans, func(a, b *timeSpan) int { return cmp.Compare(a.start, b.start) })
	var sessions [][]*Dir
	from := 0
	for i, s := range spans {
		if i == 0 || slices.ContainsFunc(spans[from:i], s.follows) {
			from = i
			sessions = append(sessions, nil)
		}
		sessions[len(sessions)-1] = append(sessions[len(sessions)-1], s.dir)
	}
	return sessions, nil
}

// timeSpan is when a directory's writer was at work.
type timeSpan struct {
	dir        *Dir
	start, end float64 // seconds since 1970
	order      int32
	label      string
	ours       bool
	id         string
}

// follows says whether s is what the writer of p did next.
func (s *timeSpan) follows(p *timeSpan) bool {
	same := s.order == p.order && s.label == p.label && s.ours == p.ours
	return same && s.start >= p.end && (s.id == "" || s.id != p.id)
}

func spanOf(dir *Dir) (*timeSpan, error) {
	s := &timeSpan{dir: dir}
	_, err := Walk(dir, func(writer string, rec *wandbpb.Record) error {
		if run := rec.GetRun(); run != nil && writer == "" && s.start == 0 {
			w := run.GetWriter()
			s.start, s.order, s.label = seconds(run.GetStartTime()), w.GetOrder(), w.GetLabel()
			s.ours, s.id = w != nil, w.GetId()
			if joined := run.GetJoined(); len(joined) > 0 {
				s.label = joined[0].GetLabel()
			}
		}
		s.end = max(s.end, recordTime(rec))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find sessions: %w", err)
	}
	s.end = max(s.end, s.start)
	return s, nil
}
