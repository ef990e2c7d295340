package runapi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wandb-agent/wandb-agent/agent/sample"
	"github.com/wandb-agent/wandb-agent/exporters/wandb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/redact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// gitWait is how long Init waits for .git to be read; what comes later is
// added to the run.
const gitWait = 20 * time.Millisecond

// Init begins a run: it makes the run directory and its log, writes the first
// records, and starts hardware samples and upload beside. It takes some
// milliseconds and does not wait for the server, unless Resume or ResumeFrom
// wants to know something from it: then at most Settings.InitTimeout. Several runs
// may go on at once, see Settings.Reinit. Errors are *InitError. The context only bounds Init; the run goes on until Finish.
func Init(ctx context.Context, s Settings) (*Run, error) {
	if err := ctx.Err(); err != nil {
		return nil, &InitError{"settings", err}
	}
	set, found, err := resolve(s)
	if err != nil {
		return nil, err
	}
	if set.reattach {
		set.Resume, set.branch = "", nil
	}
	found.joinExec(&set)
	if err := set.joinPart(); err != nil {
		return nil, err
	}
	previous, leave, err := active.enter(ctx, &set)
	if previous != nil || err != nil {
		return previous, err
	}
	defer leave()
	r, err := newBegun(ctx, set, found)
	if err == nil && !r.off {
		active.add(r)
		if set.HandleSignals {
			signals.add(r)
		}
	}
	return r, err
}

// newBegun makes the run that Init has settled, and begins it.
func newBegun(ctx context.Context, set Settings, found *resolver) (*Run, error) {
	r := newRun(set)
	found.warn(set.Logger, r.mask)
	config, err := r.initialConfig()
	if err != nil {
		return nil, &InitError{"config", err}
	}
	if config, err = r.lockSweep(config); err != nil {
		return nil, &InitError{"settings", err}
	}
	if set.Mode == ModeDisabled {
		r.off = true
		return r, r.storeConfig(config)
	}
	if err := r.findServer(); err != nil {
		return nil, err
	}
	git := startGit(&r.set)
	if err := r.openLog(); err != nil {
		return nil, err
	}
	early := git.wait(ctx, gitWait)
	r.setProject(early)
	if err := r.begin(config, early); err != nil {
		return nil, &InitError{"log", errors.Join(err, r.log.Close())}
	}
	if err := r.goOnline(ctx); err != nil {
		return nil, &InitError{"server", err}
	}
	if err := r.startHardware(); err != nil {
		return nil, &InitError{"agent", r.giveUp(err)}
	}
	if !r.set.inside {
		r.lines.path, r.lines.limit = filepath.Join(r.dir.FilesDir(), outputFile), r.set.MaxLogBytes
	}
	r.keepModules()
	r.back.Go(r.background)
	if r.set.FollowClient {
		r.back.Go(r.followClient)
	}
	if r.tailsRows() {
		r.back.Go(r.tailRows)
	}
	if early == nil {
		r.back.Go(func() { r.lateGit(git) })
	}
	r.keepCode(ctx)
	return r, nil
}

// Prepare settles everything that Init would and makes the run directory, for
// a process that starts a command as a run and leaves the log to another. The
// settings it returns have ID and RunDir set; RunDir is nil in mode disabled.
func Prepare(s Settings) (Settings, error) {
	set, found, err := resolve(s)
	if err != nil {
		return set, err
	}
	r := newRun(set)
	found.warn(set.Logger, r.mask)
	if set.Mode == ModeDisabled || set.RunDir != nil {
		return r.set, nil
	}
	if err := r.findServer(); err != nil {
		return r.set, err
	}
	if err := r.makeDir(); err != nil {
		return r.set, &InitError{"directory", err}
	}
	r.set.RunDir = r.dir
	return r.set, nil
}

func newRun(set Settings) *Run {
	r := &Run{
		set: set, clock: sample.NewClock(), mask: redact.New(set.Environ), state: runlog.NewState(),
		stop: make(chan struct{}), asked: make(chan struct{}), ended: make(chan struct{}), writer: runlog.NewID() + runlog.NewID() + runlog.NewID() + runlog.NewID(),
		keys: keyTable{byKey: map[runlog.Key]*metricKey{}, above: map[runlog.Key]bool{}},
	}
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	r.start = r.clock.Now()
	r.out, r.err = console{run: r}, console{run: r, stderr: true}
	r.open.reset()
	if r.set.ID == "" && r.set.Resume == "auto" {
		r.set.ID = readAutoResume(existingWandbDir(r.set.Dir))
	}
	if r.set.ID == "" {
		r.set.ID = runlog.NewID()
	}
	for _, text := range []*string{&r.set.Name, &r.set.Notes, &r.set.Group, &r.set.JobType} {
		*text = r.cleanName(*text)
	}
	r.set.Tags = slices.Clone(r.set.Tags)
	for i, tag := range r.set.Tags {
		r.set.Tags[i] = r.cleanName(tag)
	}
	return r
}

func (r *Run) logOptions() runlog.Options {
	return runlog.Options{Version: wandb.Version, Logger: r.set.Logger, File: r.set.logFile}
}

// openLog makes the run directory and its log, or continues an existing one.
func (r *Run) openLog() error {
	if r.set.RunDir != nil {
		r.dir = r.set.RunDir
		r.set.ID = r.dir.RunID
		if r.set.inside {
			return r.openProgramPart()
		}
		if _, err := os.Stat(r.dir.LogPath()); err == nil {
			return r.continueLog()
		}
	} else if err := r.makeDir(); err != nil {
		return &InitError{"directory", err}
	}
	log, err := runlog.Create(r.dir.LogPath(), r.logOptions())
	if err != nil {
		return &InitError{"log", err}
	}
	r.log = log
	return nil
}

func (r *Run) makeDir() error {
	root, err := filepath.Abs(r.set.Dir)
	if err != nil {
		return fmt.Errorf("find directory %q: %w", r.set.Dir, err)
	}
	wandbDir, err := runlog.WandbDir(root)
	if err != nil && r.client != nil {
		wandbDir, err = r.elsewhere(err)
	}
	if err != nil {
		return err
	}
	if err := r.keepAutoResume(wandbDir); err != nil {
		r.set.Logger.Warn("auto resume file not kept", "run", r.set.ID, "error", err)
	}
	r.dir, err = runlog.NewDir(runlog.DirOptions{WandbDir: wandbDir, RunID: r.set.ID, Start: r.clock.Wall(r.start), Online: r.client != nil})
	return err
}

// elsewhere makes a directory for a run that is sent when the one it should be in
// cannot be used because of bad. A run that is kept has no other place: it must
// be where the user looks for it, and stay.
func (r *Run) elsewhere(bad error) (string, error) {
	dir, err := os.MkdirTemp("", "wandb-agent-")
	if err == nil {
		dir, err = runlog.WandbDir(dir)
	}
	if err != nil {
		return "", errors.Join(bad, err)
	}
	r.addNotice("%v; until the run is sent it is in %s", bad, dir)
	r.set.Logger.Warn("run directory is a temporary one", "run", r.set.ID, "dir", dir, "error", bad)
	return dir, nil
}

// setProject settles the project once it is known whether there is a
// repository to name it after.
func (r *Run) setProject(git *gitInfo) {
	if r.set.Project == "" {
		r.set.Project = defaultProject
		if git != nil && git.Root != "" {
			r.set.Project = projectName(filepath.Base(git.Root))
		}
	}
}

// projectName makes a valid project of a directory's name.
func projectName(dir string) string {
	name := strings.Map(func(c rune) rune {
		if c < ' ' || strings.ContainsRune("/\\#?%:", c) {
			return '_'
		}
		return c
	}, strings.ToValidUTF8(dir, "_"))
	if name == "" || len(name) > 128 {
		return defaultProject
	}
	return name
}

// begin writes the records that every log starts with, unless the log
// has them already.
func (r *Run) begin(config map[string]any, git *gitInfo) error {
	r.features.SetInitConfig = len(config) > 0
	if r.state.Run != nil {
		if err := r.storeConfig(config); err != nil {
			return err
		}
		return r.describeProgram(git)
	}
	rec := r.runRecord(git)
	if r.set.inside {
		return r.beginPart(rec, config)
	}
	var err error
	if rec.Config, err = configRecord(config); err != nil {
		return err
	}
	own, err := configRecord(map[string]any{ownKey: r.ownConfig()})
	if err != nil {
		return err
	}
	proto.Merge(own, rec.Config)
	rec.Config = own
	// wandb sync waits for the answer to the run record, and answers go to a
	// mailbox slot: without one it waits for ever.
	slot := &wandbpb.Control{MailboxSlot: r.writer[:12]}
	if err := r.write(&wandbpb.Record{Control: slot, RecordType: &wandbpb.Record_Run{Run: rec}}); err != nil {
		return err
	}
	return r.describeProgram(git)
}

// runRecord describes the run as far as it is known.
func (r *Run) runRecord(git *gitInfo) *wandbpb.RunRecord {
	rec := &wandbpb.RunRecord{
		RunId: r.set.ID, Entity: r.set.Entity, Project: r.set.Project,
		DisplayName: r.set.Name, Notes: r.set.Notes, RunGroup: r.set.Group, JobType: r.set.JobType, Tags: r.set.Tags,
		StartTime: timestamppb.New(r.clock.Wall(r.start)),
		Telemetry: r.telemetry(),
		SweepId:   r.set.SweepID, Resume: r.set.Resume, BranchPoint: r.set.branch, Forked: r.set.ForkFrom != "",
		Writer: &wandbpb.Writer{
			Id: r.writer, Label: r.set.Label, Shared: r.set.Mode == ModeShared,
			Secondary: r.set.Secondary, Order: int32(r.set.rank),
		},
	}
	if !r.set.DisableMachineInfo {
		rec.Host = r.hostName()
	}
	if git != nil {
		rec.Git = r.gitRecord(git)
	}
	return rec
}

// write appends a record to the log and folds it into the state. Called
// before the run is shared, or with mu held.
func (r *Run) write(rec *wandbpb.Record) error {
	if err := r.log.Write(rec); err != nil {
		return err
	}
	return r.state.Apply(rec)
}
