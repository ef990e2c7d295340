package runlog

import (
	"errors"
	"io"
	"os"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// source is one log of several that are read as one. Its clock never goes
// back, so the order within a log is kept whatever its timestamps say.
type source struct {
	name   string // of the part, "" for the run's own log
	label  string // of the part's writer, for its rows
	file   *os.File
	reader *Reader
	head   *wandbpb.Record // next to be taken; nil at the end
	clock  float64         // of head, seconds since 1970
	skip   int64           // records up to this number count as read already
	read   int64           // records so far: the number of one that has none
	at     int             // place of the writer in a join
}

func (s *source) advance() error {
	for {
		rec, err := s.reader.Next()
		if errors.Is(err, io.EOF) {
			s.head = nil
			return nil
		}
		if errors.Is(err, ErrFormat) && s.name != "" { // must not hide the rest of the run
			s.reader.damage.BadChunks++
			s.head = nil
			return nil
		}
		if err != nil {
			return err
		}
		s.read++
		num := rec.GetNum()
		if num <= 0 {
			num = s.read
		}
		if num <= s.skip && rec.GetExit() == nil {
			continue
		}
		s.head, s.clock = rec, max(s.clock, recordTime(rec))
		return nil
	}
}

// mergeByTime shows the records of all sources in the order of their clocks;
// where these agree, in the order of the sources.
func mergeByTime(sources []*source, fn func(*source, *wandbpb.Record) error) error {
	for _, s := range sources {
		if err := s.advance(); err != nil {
			return err
		}
	}
	for {
		var first *source
		for _, s := range sources {
			if s.head != nil && (first == nil || s.clock < first.clock) {
				first = s
			}
		}
		if first == nil {
			return nil
		}
		rec := first.head
		if err := first.advance(); err != nil {
			return err
		}
		if err := fn(first, rec); err != nil {
			return err
		}
	}
}

// recordTime is when a record was made, in seconds since 1970; 0 if it does
// not say.
func recordTime(rec *wandbpb.Record) float64 {
	switch r := rec.GetRecordType().(type) {
	case *wandbpb.Record_Stats:
		return seconds(r.Stats.GetTimestamp())
	case *wandbpb.Record_OutputRaw:
		return seconds(r.OutputRaw.GetTimestamp())
	case *wandbpb.Record_History:
		v, _ := number(ownItem(r.History, "_timestamp"))
		return v
	}
	return 0
}

func seconds(t *timestamppb.Timestamp) float64 {
	if t == nil {
		return 0
	}
	return float64(t.GetSeconds()) + float64(t.GetNanos())/1e9
}

// ownItem finds one of the values that every row has; an empty item if the
// row lacks it.
func ownItem(h *wandbpb.HistoryRecord, name string) *Item {
	items := h.GetItem()
	for i := len(items) - 1; i >= 0; i-- { // they stand at the end
		if path := itemPath(items[i]); len(path) == 1 && path[0] == name {
			it := itemOf(items[i])
			return &it
		}
	}
	return &Item{Kind: JSON}
}

func stepOf(h *wandbpb.HistoryRecord) int64 {
	if it := ownItem(h, "_step"); it.Kind == Int {
		return it.I
	}
	return h.GetStep().GetNum()
}
