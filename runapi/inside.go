package runapi

import (
	"cmp"
	"errors"
	"os"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// RunDirVariable is the environment entry in which a process that has made a
// command a run hands the run's directory to it. Init in that command joins the
// run instead of making one.
const RunDirVariable = "WANDB_AGENT_RUN_DIR"

// programPart begins the names of the logs that such programs keep.
const programPart = "program-"

// joinExec makes the run of a program the one of the exec around it, unless
// the program asks for a run of its own: another id, a directory, the tree of
// another process. What exec does for the run is then not done again: hardware,
// metadata, console, sending.
func (r *resolver) joinExec(s *Settings) {
	path := r.env[RunDirVariable]
	if path == "" || s.Mode == ModeDisabled || s.RunDir != nil || s.PID != os.Getpid() {
		return
	}
	dir, err := runlog.OpenDir(path)
	if err != nil {
		r.warnings = append(r.warnings, RunDirVariable+": "+err.Error())
		return
	}
	if s.ID != "" && s.ID != dir.RunID {
		return
	}
	s.RunDir, s.inside = dir, true
	if s.MaxLogBytes > 0 {
		r.warnings = append(r.warnings, "max_log_bytes: the log of a program inside exec is not bounded")
		s.MaxLogBytes = 0
	}
	s.Resume, s.branch = "", nil // exec, which has the same environment, has seen to that
	s.noGit, s.noMeta = s.DisableGit, s.DisableMeta
	s.SaveCode = s.SaveCode && r.env["WANDB_SAVE_CODE"] == "" // else exec does it
	if r.env["WANDB_CODE_DIR"] != "" {
		s.CodeDir = ""
	}
	s.DisableStats, s.DisableMeta, s.DisableConsole, s.DisableGit = true, true, true, true
}

// openProgramPart begins the log of a program inside another run. Its clock is
// the run's when that has told it already.
func (r *Run) openProgramPart() error {
	kind := programPart
	if r.set.Part {
		kind = attachPart
	}
	if err := r.openPart(kind + runlog.NewID()); err != nil {
		return err
	}
	if main := firstRunRecord(r.dir.LogPath()); main != nil {
		if main.GetStartTime() != nil {
			r.start = main.GetStartTime().AsTime().UnixNano() - r.clock.Anchor
		}
		if r.set.Project == "" || r.set.Project == defaultProject {
			r.set.Project = main.GetProject()
		}
		r.set.Entity = main.GetEntity()
	}
	return nil
}

// attachPart begins the names of the logs of those who only measure.
const attachPart = "attach-"

// joinPart makes the run a part of the one in RunDir, where Part says so.
func (s *Settings) joinPart() error {
	if !s.Part || s.Mode == ModeDisabled {
		return nil
	}
	if s.RunDir == nil {
		return &InitError{"settings", errors.New("part: want the directory of a run")}
	}
	s.inside = true
	s.Label = cmp.Or(s.Label, "attach")
	s.Resume, s.branch = "", nil
	s.DisableMeta, s.DisableConsole, s.DisableGit, s.FollowClient = true, true, true, false
	return nil
}

// openPart begins the log of a further writer.
func (r *Run) openPart(name string) error {
	log, err := runlog.Create(r.dir.PartPath(name), r.logOptions())
	if err != nil {
		return &InitError{"log", err}
	}
	r.log, r.openPath = log, r.dir.PartOpenStepsPath(name)
	return nil
}

// beginPart writes what a part begins with: what the program calls the run,
// which the run's main writer takes over, and the config.
func (r *Run) beginPart(rec *wandbpb.RunRecord, config map[string]any) error {
	if err := r.write(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: rec}}); err != nil {
		return err
	}
	return r.storeConfig(config)
}

// endPart writes what a part ends with. Exit and files are the main writer's, but
// who follows a process from outside may be the only one who sees its end.
func (r *Run) endPart(exit Exit) error {
	r.features.Finish = true
	if r.set.Part {
		return r.write(&wandbpb.Record{RecordType: &wandbpb.Record_Exit{Exit: r.exitRecord(exit)}})
	}
	return errors.Join(
		r.write(&wandbpb.Record{RecordType: &wandbpb.Record_Telemetry{Telemetry: r.telemetry()}}),
		r.writeSummary(),
	)
}

// takePart returns what lets the run's state know the records of parts that are
// folded in: its summary and config are made of them too.
func (r *Run) takePart() func(*wandbpb.Record) {
	_ = r.state.Apply(&wandbpb.Record{RecordType: &wandbpb.Record_Header{Header: &wandbpb.HeaderRecord{
		VersionInfo: &wandbpb.VersionInfo{Producer: producer + "/" + wandb.Version},
	}}}) // summaries of rows are derived
	return func(rec *wandbpb.Record) {
		r.logError("value of a part could not be read", r.state.Apply(rec))
		if rec.GetHistory() != nil {
			r.rows.Add(1)
		}
	}
}

// producer is how logs of this module call their writer.
const producer = "wandb-agent"

// firstRunRecord returns the first run record of a log, nil when there is none
// yet.
func firstRunRecord(path string) *wandbpb.RunRecord {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	for log, n := runlog.NewReader(f), 0; n < 8; n++ {
		rec, err := log.Next()
		if err != nil {
			return nil
		}
		if rec.GetRun() != nil {
			return proto.Clone(rec.GetRun()).(*wandbpb.RunRecord)
		}
	}
	return nil
}
