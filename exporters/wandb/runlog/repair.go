package runlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Report says what [Repair] found and did.
type Report struct {
	Changed       bool   // something was written, cut or removed
	TornBytes     int64  // cut off at the end of the log
	Damage        Damage // that cannot be mended: of the log and its parts
	FoldedParts   int    // parts of other writers, copied and removed
	FoldedRecords int64  // copied from them
	LiveParts     int    // parts left alone because their writers are alive
	OpenSteps     int    // steps that were never finished and are rows now
	AddedExit     bool   // the log had no exit record
	Exit          Exit   // as the log says now
}

// Repair ends the log of a run whose writer is gone: it cuts off a torn tail,
// folds in parts and open steps, and appends what is missing of summary, exit,
// final and footer. A run that has parts only gets a log. A log that is complete stays as it is, so a second repair
// changes nothing; one that was interrupted may be run again. While the
// writer is alive the error is ErrLocked.
//
// The exit status comes from the log, or from a part that saw the program
// end. If nobody saw it the exit record says code 1, since readers take a
// missing one for that, and is marked unknown.
func Repair(dir *Dir) (Report, error) {
	r := repair{dir: dir, state: NewState()}
	err := r.run()
	return r.report, err
}

type repair struct {
	dir    *Dir
	w      *Writer
	state  *State
	report Report

	open   *openStepsFound
	done   map[*openStep]bool // steps that the log has
	fold   *folding
	exitAt int64 // file offset of the exit record, 0 if there is none
	exit   *wandbpb.RunExitRecord
	num    int64 // of the exit record
	final  bool
	footer bool
	late   bool                  // other records follow the exit record
	saved  bool                  // the exit record waits in a part of its own
	look   func(*wandbpb.Record) // sees the records that the log has; may be nil

	change func(*State) ([]*wandbpb.Record, error) // of Edit; nil for a plain repair
	more   []*wandbpb.Record                       // what it wants to be added
}

func (r *repair) run() (err error) {
	if err := r.dir.begin(); err != nil {
		return err
	}
	if r.open, err = r.dir.readOpen(false); err != nil {
		return err
	}
	if whole, err := r.whole(); whole || err != nil {
		return err
	}
	r.report.Damage = r.open.damage
	r.done = map[*openStep]bool{}
	if r.w, err = reopen(r.dir.LogPath(), Options{}, r.visit); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.w.Close()) }()
	r.report.TornBytes = r.w.torn
	if err := r.plan(); err != nil {
		return err
	}
	if err := r.reopenEnd(); err != nil {
		return err
	}
	r.fold, err = fold(r.w, r.dir, r.open.steps, func(rec *wandbpb.Record) { r.visit(rec, 0) })
	defer r.fold.close()
	if err != nil {
		return err
	}
	if err := errors.Join(r.foldOpenSteps(), r.add()); err != nil {
		return err
	}
	if err := r.end(); err != nil {
		return err
	}
	return r.finish()
}

func (r *repair) visit(rec *wandbpb.Record, at int64) {
	if r.look != nil {
		r.look(rec)
	}
	_ = r.state.Apply(rec) // one bad value does not spoil the rest
	switch t := rec.GetRecordType().(type) {
	case *wandbpb.Record_Exit:
		r.exitAt, r.exit, r.num = at, t.Exit, rec.GetNum()
	case *wandbpb.Record_Final:
		r.final = true
	case *wandbpb.Record_Footer:
		r.footer = true
	case *wandbpb.Record_History:
		part, _, _ := origin(rec)
		finished(r.done, r.open.steps, part, t.History)
		r.late = r.exit != nil
	default:
		r.late = r.exit != nil
	}
}

// reopenEnd takes the exit record and what follows it off a log that is to
// get more records: readers drop rows behind an exit. The exit is kept in a
// part of its own meanwhile, so that no crash loses it.
func (r *repair) reopenEnd() error {
	if r.exit == nil || r.late || !r.hasMore() {
		return nil
	}
	if err := r.saveExit(); err != nil {
		return fmt.Errorf("repair %s: %w", r.w.path, err)
	}
	if err := r.w.rewind(r.exitAt); err != nil {
		return err
	}
	r.w.renumber(r.num)
	r.state.Exit, r.exit, r.final, r.footer = nil, nil, false, false
	r.saved = true
	return nil
}

// hasMore says whether parts, open steps or edits wait to be written.
func (r *repair) hasMore() bool {
	if len(r.more) > 0 {
		return true
	}
	for _, row := range r.open.steps {
		if !r.done[row] {
			return true
		}
	}
	var probe folding
	defer probe.close()
	return probe.open(r.w, r.dir) == nil && len(probe.parts) > 0
}

// exitPart is the part that keeps the exit record while the log is worked on.
const exitPart = "repair-exit"

func (r *repair) saveExit() error {
	path := r.dir.PartPath(exitPart)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w, err := Create(path, Options{})
	if err != nil {
		return err
	}
	err = w.Write(exitRecord(r.exit))
	return errors.Join(err, w.Sync(), w.Close(), syncDir(r.dir.Path))
}

func exitRecord(exit *wandbpb.RunExitRecord) *wandbpb.Record {
	return &wandbpb.Record{RecordType: &wandbpb.Record_Exit{Exit: exit}}
}

// renumber makes num the number of the next record.
func (w *Writer) renumber(num int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.num = num - 1
}

// foldOpenSteps turns steps that were never finished into rows.
func (r *repair) foldOpenSteps() error {
	for _, open := range r.open.steps {
		if r.done[open] {
			continue
		}
		row := open.Row
		own := r.fold.rows.setOpen(row, r.fold.labelOf(open.part))
		for _, m := range r.state.Row(row) {
			if err := r.w.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Metric{Metric: m}}); err != nil {
				return err
			}
		}
		row.Items = append(row.Items, own...)
		if err := r.w.openRow(open); err != nil {
			return err
		}
		r.report.OpenSteps++
	}
	return nil
}

// end appends the records that a finished log has and this one lacks.
func (r *repair) end() error {
	var recs []*wandbpb.Record
	changed := r.exit == nil || r.fold.records > 0 || r.report.OpenSteps > 0 || len(r.more) > 0
	if summary := r.state.TakeSummary(); summary != nil && changed && r.state.derive {
		recs = append(recs, &wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: summary}})
	}
	if r.exit == nil {
		r.exit = r.knownExit()
		r.report.AddedExit = !r.saved
		recs = append(recs, exitRecord(r.exit))
	}
	if !r.final {
		recs = append(recs, &wandbpb.Record{RecordType: &wandbpb.Record_Final{Final: &wandbpb.FinalRecord{}}})
	}
	if !r.footer {
		recs = append(recs, &wandbpb.Record{RecordType: &wandbpb.Record_Footer{Footer: &wandbpb.FooterRecord{}}})
	}
	if !changed && !r.state.derive { // other writers end with the exit record
		return nil
	}
	for _, rec := range recs {
		if err := r.w.Write(rec); err != nil {
			return err
		}
	}
	r.report.Changed = len(recs) > 0
	return nil
}

func (r *repair) knownExit() *wandbpb.RunExitRecord {
	if r.fold.exit != nil {
		return proto.Clone(r.fold.exit).(*wandbpb.RunExitRecord)
	}
	return &wandbpb.RunExitRecord{ExitCode: 1, Unknown: true, Runtime: int32(runtimeSeconds(r.state.LastRuntime))}
}

// finish removes what the log now holds, once that is on stable storage.
func (r *repair) finish() error {
	if err := r.w.Sync(); err != nil {
		return err
	}
	if err := r.fold.remove(r.w, r.dir); err != nil {
		return err
	}
	removed, err := r.removeOpenSteps()
	r.report.LiveParts = r.fold.live
	for _, s := range r.fold.parts {
		if s.name != exitPart {
			r.report.FoldedParts++
		}
	}
	r.report.FoldedRecords = r.fold.records
	r.report.Damage.add(r.w.damage)
	r.report.Damage.add(r.fold.damage)
	r.report.Exit = exitOf(r.exit)
	r.report.Changed = r.report.Changed || r.report.TornBytes > 0 || len(r.fold.parts) > 0 || removed
	return err
}

func (r *repair) removeOpenSteps() (removed bool, err error) {
	for _, path := range r.open.files {
		switch e := os.Remove(path); {
		case e == nil:
			removed = true
		case !errors.Is(e, fs.ErrNotExist):
			err = errors.Join(err, e)
		}
	}
	return removed, err
}
