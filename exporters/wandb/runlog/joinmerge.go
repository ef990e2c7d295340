package runlog

import (
	"bufio"
	"os"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// merge writes the whole joined log to j.out.
func (j *join) merge() error {
	old, err := os.Open(j.main.dir.LogPath())
	if err != nil {
		return err
	}
	defer old.Close()
	main := &source{reader: NewReader(bufio.NewReaderSize(old, 1<<20))}
	j.prepare()
	var others []*source
	for i, m := range j.others {
		m.shift = max(0, m.start-j.start.start)
		file := &blockFile{path: m.dir.LogPath(), size: m.size}
		others = append(others, &source{name: m.key, at: i, reader: NewReader(file), skip: m.taken})
	}
	if j.main.sent {
		err = j.append(main, others)
	} else {
		err = j.interleave(main, others)
	}
	for _, s := range append(others, main) {
		j.report.Damage.add(s.reader.Damage())
	}
	if err != nil {
		return err
	}
	return j.end()
}

func (j *join) prepare() {
	for what := range j.main.has {
		j.said[what] = j.main
	}
	j.main.shift = max(0, j.main.start-j.start.start)
	j.console = consoleMerge{write: j.out.Write}
	j.files = fileMerge{main: j.main.dir, report: &j.report}
	j.rows = newRowRule(j)
	j.report.Renumbered = j.rows.several
}

// interleave writes all records in the order of their time.
func (j *join) interleave(main *source, others []*source) error {
	if err := j.head(); err != nil {
		return err
	}
	return mergeByTime(append([]*source{main}, others...), func(s *source, rec *wandbpb.Record) error {
		if s == main {
			return j.ownRecord(rec)
		}
		return j.otherRecord(j.others[s.at], rec)
	})
}

// append writes the main log as it is, numbers included, and then the others.
func (j *join) append(main *source, others []*source) error {
	j.rows.keep = true
	err := mergeByTime([]*source{main}, func(_ *source, rec *wandbpb.Record) error {
		if rec.GetNum() > 1 {
			j.out.renumber(rec.GetNum())
		}
		return j.ownRecord(rec)
	})
	if err != nil {
		return err
	}
	j.rows.keep = false
	if err := j.console.breakLine(); err != nil {
		return err
	}
	if err := j.head(); err != nil {
		return err
	}
	return mergeByTime(others, func(s *source, rec *wandbpb.Record) error {
		return j.otherRecord(j.others[s.at], rec)
	})
}

// ownRecord writes a record of the main log.
func (j *join) ownRecord(rec *wandbpb.Record) error {
	switch t := rec.GetRecordType().(type) {
	case nil, *wandbpb.Record_Header, *wandbpb.Record_Exit, *wandbpb.Record_Final, *wandbpb.Record_Footer:
		return nil
	case *wandbpb.Record_Run:
		if j.main.sent {
			break
		}
		if !j.begun { // head has written it
			j.begun = true
			return nil
		}
		j.fix(t.Run)
	case *wandbpb.Record_History:
		j.rows.own(t.History)
	case *wandbpb.Record_Stats:
		if !j.main.sent && j.nodes > 1 {
			labelStats(t.Stats, j.main.label)
		}
	case *wandbpb.Record_OutputRaw:
		return j.console.own(rec, t.OutputRaw)
	}
	return j.out.Write(rec)
}

// otherRecord writes what of another writer's record belongs into the log.
func (j *join) otherRecord(m *member, rec *wandbpb.Record) error {
	switch t := rec.GetRecordType().(type) {
	case nil, *wandbpb.Record_Header, *wandbpb.Record_Run, *wandbpb.Record_Config, *wandbpb.Record_Summary,
		*wandbpb.Record_Exit, *wandbpb.Record_Final, *wandbpb.Record_Footer:
		return nil
	case *wandbpb.Record_Metric, *wandbpb.Record_Environment, *wandbpb.Record_Telemetry:
		what := definedBy(rec)
		if who := j.said[what]; who != nil && who != m {
			return nil
		}
		j.said[what] = m
	case *wandbpb.Record_History:
		j.report.Rows++
		j.rows.other(m, t.History)
		j.note(m, t.History)
	case *wandbpb.Record_Stats:
		labelStats(t.Stats, m.label)
	case *wandbpb.Record_OutputRaw:
		if m.inside { // the main writer has caught the same text
			return nil
		}
		j.report.Records++
		return j.console.other(m, t.OutputRaw)
	case *wandbpb.Record_Files:
		if err := j.files.take(m, t.Files); err != nil {
			return err
		}
		if len(t.Files.GetFiles()) == 0 {
			return nil
		}
	}
	j.report.Records++
	rec.Uuid = ""
	return j.out.Write(rec)
}

// head writes the run record, which names the writers, and the config that
// only others have.
func (j *join) head() error {
	run := proto.Clone(j.main.first).(*wandbpb.RunRecord)
	if j.main.sent {
		run = &wandbpb.RunRecord{RunId: run.GetRunId(), Entity: run.GetEntity(), Project: run.GetProject(), Host: run.GetHost()}
	}
	j.fix(run)
	j.inherit(run)
	run.Writer = &wandbpb.Writer{Id: j.main.key, Order: j.main.first.GetWriter().GetOrder()}
	run.Joined = j.writers
	if err := j.out.Write(&wandbpb.Record{Control: j.main.control, RecordType: &wandbpb.Record_Run{Run: run}}); err != nil {
		return err
	}
	config, err := j.otherConfig()
	if err != nil || config == nil {
		return err
	}
	return j.out.Write(&wandbpb.Record{RecordType: &wandbpb.Record_Config{Config: config}})
}

// labelStats tells a writer's system metrics from those of others.
func labelStats(st *wandbpb.StatsRecord, label string) {
	for _, item := range st.GetItem() {
		if !hasLabel(item.GetKey()) {
			item.Key += "/l:" + label
		}
	}
}
