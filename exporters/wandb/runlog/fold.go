package runlog

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Fold copies what other writers have added to the run (Dir.PartPath) into
// its log, merged by time behind what is there, has end write what must follow,
// and removes each part once all of it is on stable storage. Parts whose writer
// is alive are left alone. Rows of several writers are numbered as [Join] does;
// steps that a dead writer left open become rows. The header, run and exit records
// of parts are not copied: those of a run are its main writer's to write, in end,
// so that no moment has neither. visit, if it is not nil, sees each record before it is
// copied. A fold that was interrupted may be run again. end is called in any
// case.
func Fold(w *Writer, dir *Dir, visit func(*wandbpb.Record), end func() error) error {
	if visit == nil {
		visit = func(*wandbpb.Record) {}
	}
	left, err := dir.partsLeftOpen(w)
	if err != nil {
		return errors.Join(err, end())
	}
	f, err := fold(w, dir, left.steps, left.watch(visit))
	defer f.close()
	if err == nil {
		err = left.store(w, f, visit)
	}
	if err = errors.Join(err, end()); err != nil {
		return err
	}
	return errors.Join(f.remove(w, dir), left.remove(dir, f))
}

// folding is a fold under way. It holds the locks of its parts.
type folding struct {
	parts   []*source
	live    int   // parts left alone because their writers are or may be alive
	records int64 // copied
	exit    *wandbpb.RunExitRecord
	damage  Damage
	rows    rowRule
}

// fold copies and leaves the parts in place. unfinished steps are to be stored
// behind: they count when rows are numbered.
func fold(w *Writer, dir *Dir, unfinished []*openStep, visit func(*wandbpb.Record)) (*folding, error) {
	f := &folding{}
	if err := f.open(w, dir); err != nil {
		return f, err
	}
	if err := f.number(w, unfinished); err != nil {
		return f, err
	}
	err := mergeByTime(f.parts, func(s *source, rec *wandbpb.Record) error {
		if !f.wants(rec) {
			return nil
		}
		if h := rec.GetHistory(); h != nil {
			f.rows.set(h, s.label, 0)
		} else if f.rows.several && rec.GetSummary().GetDerived() {
			dropStep(rec.GetSummary())
		}
		num := rec.GetNum()
		mark(rec, s.name)
		visit(rec)
		if err := w.Write(rec); err != nil {
			return err
		}
		f.records++
		w.note(s.name, num)
		return nil
	})
	for _, s := range f.parts {
		f.damage.add(s.reader.Damage())
	}
	if err != nil {
		return f, fmt.Errorf("fold into %s: %w", w.path, err)
	}
	return f, nil
}

// open takes the parts whose writers are gone.
func (f *folding) open(w *Writer, dir *Dir) error {
	paths, err := dir.parts()
	if err != nil {
		return fmt.Errorf("list parts of run: %w", err)
	}
	for _, path := range paths {
		file, err := openLocked(path, 0)
		switch {
		case errors.Is(err, ErrLocked):
			f.live++
			continue
		case errors.Is(err, os.ErrNotExist):
			continue
		case err != nil:
			return err
		}
		if errors.Is(lock(file), errNoLocks) { // nobody can tell whether its writer lives
			f.live++
			file.Close()
			continue
		}
		if !beginsAsLog(file) { // not ours to delete
			f.damage.BadChunks++
			file.Close()
			continue
		}
		name := dir.partName(path)
		f.parts = append(f.parts, &source{name: name, file: file, reader: NewReader(file), skip: w.has(name)})
	}
	return nil
}

// wants says whether a part's record belongs into the log. Of several exit
// records the last that knows the status counts.
func (f *folding) wants(rec *wandbpb.Record) bool {
	switch r := rec.GetRecordType().(type) {
	case *wandbpb.Record_Exit:
		if f.exit == nil || !r.Exit.GetUnknown() {
			f.exit = r.Exit
		}
		return false
	case *wandbpb.Record_Header, *wandbpb.Record_Run, *wandbpb.Record_Final, *wandbpb.Record_Footer, nil:
		return false
	}
	return true
}

// remove deletes the parts once w is on stable storage.
func (f *folding) remove(w *Writer, dir *Dir) error {
	if len(f.parts) == 0 {
		return nil
	}
	if err := w.Sync(); err != nil {
		return err
	}
	for _, s := range f.parts {
		if err := os.Remove(s.file.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove folded part: %w", err)
		}
	}
	_ = syncDir(dir.Path) // a part that comes back is recognised by its marks
	return nil
}

func (f *folding) close() { closeAll(f.parts) }

// has and note keep what the log has of each part.
func (w *Writer) has(part string) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.folded[part]
}

func (w *Writer) note(part string, num int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.folded == nil {
		w.folded = map[string]int64{}
	}
	w.folded[part] = max(w.folded[part], num)
}

// beginsAsLog says whether a file has the header of a log, or as much of it as
// a writer that was killed got to write.
func beginsAsLog(f *os.File) bool {
	var head [len(fileHeader)]byte
	n, err := f.ReadAt(head[:], 0)
	return (err == nil || errors.Is(err, io.EOF)) && string(head[:n]) == fileHeader[:n]
}
