package runapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// Close is Finish(0), for defer: after another Finish it does nothing.
func (r *Run) Close() error {
	err := r.Finish(0)
	if errors.Is(err, ErrFinished) {
		return nil
	}
	return err
}

// Exit is how the program of a run ended.
type Exit struct {
	Code    int  // 0 is success; 128+n after signal n
	Signal  int  // that ended the program, 0 if none did
	Unknown bool // nobody saw the status: the run counts as failed, and readers of this module say unknown
}

// Finish ends the run with the exit code of the program, 0 for success: it
// takes a last hardware sample, stores the open step, the console's last line,
// the summary and the run's files, closes the log, and sends what is left for at
// most Settings.FinishTimeout, 5 s when the server never answered. The error
// names everything that was not stored or delivered (ErrUnsent when it is only
// not sent); the run is finished in any case. A second Finish is ErrFinished.
func (r *Run) Finish(exitCode int) error { return r.FinishExit(Exit{Code: exitCode}) }

// FinishExit ends the run as Finish does, for a program that somebody else
// watched.
func (r *Run) FinishExit(exit Exit) error { return r.FinishContext(context.Background(), exit) }

// FinishContext is FinishExit for somebody who may become impatient: when ctx
// ends, it stops waiting for outputs and the server and returns within a second.
func (r *Run) FinishContext(ctx context.Context, exit Exit) error {
	if r == nil || r.off {
		return nil
	}
	err := r.endLog(ctx, exit)
	if errors.Is(err, ErrFinished) {
		return err
	}
	defer close(r.ended)
	defer signals.remove(r)
	if err != nil {
		return fmt.Errorf("finish run %s: %w", r.set.ID, errors.Join(err, r.sendRest(ctx)))
	}
	r.forgetAutoResume(exit)
	if err := r.sendRest(ctx); err != nil {
		return fmt.Errorf("finish run %s: %w", r.set.ID, err)
	}
	return nil
}

// endLog stores everything that a finished run has and closes its log.
func (r *Run) endLog(ctx context.Context, exit Exit) error {
	hooks, err := r.beginFinish()
	if err != nil {
		return err
	}
	err = r.quiesce(ctx, hooks, true)
	defer r.tellSummary()
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(err, r.lines.close(), r.foldAndEnd(exit), r.closeLog())
}

// quiesce stores what is under way and stops what runs beside: nothing is logged
// any more when it returns. At the end of a run, all saved files are taken anew.
func (r *Run) quiesce(ctx context.Context, hooks []func(context.Context) error, end bool) error {
	before := callHooks(ctx, hooks)
	r.logNewMedia(true)
	r.mu.Lock()
	open := r.flushOpen()
	r.finished = true
	r.mu.Unlock()

	active.remove(r)
	r.cancel(ErrFinished)
	r.endBackground()
	r.out.close()
	r.err.close()
	ctx, cancel := context.WithTimeout(ctx, finishGrace)
	defer cancel()
	return errors.Join(before, open, r.hw.finish(ctx), r.restage(end))
}

// closeLog closes the log and the side file of open steps. Called with mu held.
func (r *Run) closeLog() error {
	var err error
	if parts := r.parts.Load(); parts != nil {
		err = parts.Close()
	}
	return errors.Join(err, r.log.Close())
}

// sendRest brings what is left of an online run to the server.
func (r *Run) sendRest(ctx context.Context) error {
	if r.kept != nil {
		return &UnsentError{Dir: r.dir.Path, Whole: true, Err: r.kept}
	}
	ctx, cancel := context.WithTimeout(ctx, max(r.set.FinishTimeout, 0))
	defer cancel()
	if r.client != nil {
		defer r.client.CloseIdle()
	}
	r.stopWaiting()
	return r.link.Load().finish(ctx, r.dir.Path)
}

// endBackground stops what runs beside and waits for it.
func (r *Run) endBackground() {
	close(r.stop)
	r.back.Wait()
}

// foldAndEnd takes the records of the run's other writers into its log, makes
// output.log from all of them where their console is the run's, and ends the
// log.
func (r *Run) foldAndEnd(exit Exit) error {
	if r.set.inside {
		return r.endPart(exit)
	}
	r.adopt()
	r.forgetAdopted()
	entries, err := os.ReadDir(r.dir.Path)
	isPart := func(e fs.DirEntry) bool { return strings.HasSuffix(e.Name(), ".part") }
	if err != nil || !slices.ContainsFunc(entries, isPart) {
		return errors.Join(err, r.end(exit))
	}
	return runlog.Fold(r.log, r.dir, r.takePart(), func() error { return errors.Join(r.copyConsole(), r.end(exit)) })
}

// copyConsole writes output.log anew from the console records of the log.
func (r *Run) copyConsole() error {
	path := filepath.Join(r.dir.FilesDir(), outputFile)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lines := outputLog{path: path}
	_, err := runlog.Walk(r.dir, func(_ string, rec *wandbpb.Record) error {
		if out := rec.GetOutputRaw(); out != nil {
			lines.append([]byte(out.GetLine()))
		}
		return nil
	})
	return errors.Join(err, lines.close())
}

// end writes the records that end a log. Some readers stop at exit, older ones
// want final and footer.
func (r *Run) end(exit Exit) error {
	r.features.Finish = true
	errs := []error{
		r.write(&wandbpb.Record{RecordType: &wandbpb.Record_Telemetry{Telemetry: r.telemetry()}}),
		r.storeConfig(map[string]any{ownKey: r.ownConfig()}),
		r.writeSummary(), r.endRuntime(), r.writeFiles(),
		r.announce(wandbpb.FilesItem_END, configFile, summaryFile, outputFile),
	}
	for _, rec := range []*wandbpb.Record{
		{RecordType: &wandbpb.Record_Exit{Exit: r.exitRecord(exit)}},
		{RecordType: &wandbpb.Record_Final{Final: &wandbpb.FinalRecord{}}},
		{RecordType: &wandbpb.Record_Footer{Footer: &wandbpb.FooterRecord{}}},
	} {
		errs = append(errs, r.log.Write(rec))
	}
	return errors.Join(errs...)
}

// endRuntime stores the final length of the run in its summary.
func (r *Run) endRuntime() error {
	text := fmt.Sprint(r.runtimeSeconds())
	return r.write(&wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: &wandbpb.SummaryRecord{
		Update: []*wandbpb.SummaryItem{{NestedKey: []string{"_wandb", "runtime"}, ValueJson: text}},
	}}})
}

// runtimeSeconds is how long the run has gone on, earlier processes included.
func (r *Run) runtimeSeconds() int32 {
	return int32(time.Duration(r.clock.Now()-r.start).Seconds() + r.before)
}

// exitRecord says it to readers. An exit that nobody saw is failed to those who
// do not know of unknown ones.
func (r *Run) exitRecord(e Exit) *wandbpb.RunExitRecord {
	rec := &wandbpb.RunExitRecord{
		ExitCode: int32(e.Code), Runtime: r.runtimeSeconds(), Unknown: e.Unknown, Signal: int32(e.Signal),
		NotComplete: r.set.LeaveRunning || r.set.Secondary,
	}
	if e.Unknown {
		rec.ExitCode = 1
	}
	return rec
}
