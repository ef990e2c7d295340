package runlog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Walk shows every record of a run to fn: those of its log and of the parts
// that were not folded in yet, merged by time, then the steps that were never
// finished as history records. writer is "" for the run's own log, and
// [ClientWriter] for the rows, the config and the names of the client whose run it is. It works
// while writers are alive and holds one record per log in memory. An error of
// fn ends it.
func Walk(dir *Dir, fn func(writer string, rec *wandbpb.Record) error) (Damage, error) {
	found, err := dir.readOpen(true)
	if err != nil {
		return Damage{}, err
	}
	open, damage := found.steps, found.damage
	damage.TornBytes = 0 // a writer that lives may be at it
	sources, err := dir.sources()
	defer func() { closeAll(sources) }()
	if err != nil {
		return damage, err
	}
	guest, client, err := dir.clientSource()
	if err != nil {
		return damage, err
	}
	if guest != nil {
		sources = append(sources, guest)
	}
	done := map[*openStep]bool{}
	err = mergeByTime(sources, func(s *source, rec *wandbpb.Record) error {
		if s == guest && !client.shows(rec) {
			return nil
		}
		if h := rec.GetHistory(); h != nil {
			finished(done, open, s.name, h)
		}
		return fn(s.name, rec)
	})
	for _, s := range sources {
		more := s.reader.Damage()
		if s == guest { // it may be at it
			more.TornBytes = 0
		}
		damage.add(more)
	}
	if err != nil {
		return damage, fmt.Errorf("read run %s: %w", dir.Path, err)
	}
	for _, row := range open {
		if done[row] {
			continue
		}
		if err := fn(row.part, rowRecord(row.Row)); err != nil {
			return damage, fmt.Errorf("read run %s: %w", dir.Path, err)
		}
	}
	return damage, nil
}

// rowRecord is the message form of a row.
func rowRecord(row *Row) *wandbpb.Record {
	var e encoder
	e.row(row)
	rec := new(wandbpb.Record)
	_ = proto.Unmarshal(e.record(0, recordHistory), rec) // our own bytes
	return rec
}

// sources opens the run's log and its parts. Records of parts that the log
// has already are skipped. A run whose log nobody ever began has parts only.
func (d *Dir) sources() ([]*source, error) {
	paths, err := d.parts()
	if err != nil {
		return nil, fmt.Errorf("read run: %w", err)
	}
	main, err := os.Open(d.LogPath())
	if err != nil && (len(paths) == 0 || !errors.Is(err, os.ErrNotExist)) {
		return nil, fmt.Errorf("read run: %w", err)
	}
	var sources []*source
	var folded map[string]int64
	if err == nil {
		sources = append(sources, &source{file: main, reader: NewReader(main)})
		if len(paths) > 0 {
			if folded, err = foldedIn(d.LogPath()); err != nil {
				return sources, err
			}
		}
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) { // folded in this moment
			continue
		}
		if err != nil {
			return sources, fmt.Errorf("read part of run: %w", err)
		}
		name := d.partName(path)
		sources = append(sources, &source{name: name, file: f, reader: NewReader(f), skip: folded[name]})
	}
	return sources, nil
}

// partName is the writer that PartPath was given.
func (d *Dir) partName(path string) string {
	return strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "run-"+d.RunID+"."), ".part")
}

func closeAll(sources []*source) {
	for _, s := range sources {
		s.file.Close()
	}
}

// foldedIn finds what a log has of each part.
func foldedIn(path string) (map[string]int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read run: %w", err)
	}
	defer f.Close()
	folded := map[string]int64{}
	for r := NewReader(f); ; {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return folded, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read run %s: %w", path, err)
		}
		if part, n, ok := origin(rec); ok {
			folded[part] = max(folded[part], n)
		}
	}
}
