package runlog

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// fix makes a run record of the main log one of the joined log.
func (j *join) fix(run *wandbpb.RunRecord) {
	run.Writer, run.Joined = nil, nil
	run.RunId = j.main.dir.Run()
	run.StartTime = j.start.state.Run.GetStartTime()
	if len(run.GetTags()) > 0 {
		run.Tags = j.tags(run.GetTags())
	}
}

// inherit fills in what only other writers say of the run.
func (j *join) inherit(run *wandbpb.RunRecord) {
	run.Tags = j.tags(run.GetTags())
	have := j.main.state.Run
	for _, m := range j.others {
		o := m.state.Run
		for _, f := range [...]struct {
			have string
			to   *string
			from string
		}{
			{have.GetDisplayName(), &run.DisplayName, o.GetDisplayName()},
			{have.GetNotes(), &run.Notes, o.GetNotes()},
			{have.GetRunGroup(), &run.RunGroup, o.GetRunGroup()},
			{have.GetJobType(), &run.JobType, o.GetJobType()},
			{have.GetProject(), &run.Project, o.GetProject()},
			{have.GetEntity(), &run.Entity, o.GetEntity()},
		} {
			if f.have == "" && *f.to == "" || m.client && f.from != "" {
				*f.to = f.from
			}
		}
	}
}

// tags adds the tags of all writers.
func (j *join) tags(tags []string) []string {
	for _, m := range append([]*member{j.main}, j.others...) {
		for _, tag := range m.state.Run.GetTags() {
			if !slices.Contains(tags, tag) {
				tags = append(slices.Clip(tags), tag)
			}
		}
	}
	return tags
}

// otherConfig is the config that the main writer does not have; nil if there is
// none.
func (j *join) otherConfig() (*wandbpb.ConfigRecord, error) {
	rec := &wandbpb.ConfigRecord{}
	have := j.main.state.Config()
	for _, m := range j.others {
		if err := missing(rec, have, m.state.Config(), nil); err != nil {
			return nil, err
		}
		_ = applyConfig(have, rec) // our own JSON
	}
	if len(rec.Update) == 0 {
		return nil, nil
	}
	return rec, nil
}

// missing adds to rec what more has and have lacks, below path.
func missing(rec *wandbpb.ConfigRecord, have, more map[string]any, path []string) error {
	for _, key := range sortedKeys(more) {
		at := append(slices.Clip(path), key)
		if len(path) == 0 && key == "_wandb" { // what tools say of themselves
			continue
		}
		old, known := have[key]
		inHave, ok1 := old.(map[string]any)
		inMore, ok2 := more[key].(map[string]any)
		if known && ok1 && ok2 {
			if err := missing(rec, inHave, inMore, at); err != nil {
				return err
			}
			continue
		}
		if known {
			continue
		}
		text, err := xjson.AppendValue(nil, more[key])
		if err != nil {
			return err
		}
		rec.Update = append(rec.Update, &wandbpb.ConfigItem{NestedKey: at, ValueJson: string(text)})
	}
	return nil
}

func sortedKeys(m map[string]any) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// end writes what is left: console, summary, exit.
func (j *join) end() error {
	if err := j.console.end(); err != nil {
		return err
	}
	if summary := j.summary(); summary != nil {
		if err := j.out.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: summary}}); err != nil {
			return err
		}
	}
	for _, rec := range []*wandbpb.Record{
		exitRecord(j.exit()),
		{RecordType: &wandbpb.Record_Final{Final: &wandbpb.FinalRecord{}}},
		{RecordType: &wandbpb.Record_Footer{Footer: &wandbpb.FooterRecord{}}},
	} {
		if err := j.out.Write(rec); err != nil {
			return err
		}
	}
	return nil
}

// exit is the worst end of any writer that is known: a failure, then an
// unknown one. Of several the one of the writer that comes first counts.
func (j *join) exit() *wandbpb.RunExitRecord {
	worst := proto.Clone(j.main.exit).(*wandbpb.RunExitRecord)
	for _, m := range j.marked {
		runtime := max(worst.GetRuntime(), m.exit.GetRuntime())
		if m.client && m.exit.GetUnknown() != worst.GetUnknown() { // only one of them saw the end
			if worst.GetUnknown() {
				worst = proto.Clone(m.exit).(*wandbpb.RunExitRecord)
			}
		} else if badness(m.exit) > badness(worst) {
			worst = proto.Clone(m.exit).(*wandbpb.RunExitRecord)
		}
		worst.Runtime = runtime
	}
	return worst
}

func badness(e *wandbpb.RunExitRecord) int {
	switch {
	case e.GetUnknown():
		return 1
	case e.GetExitCode() != 0:
		return 2
	}
	return 0
}
