package upload

import (
	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// runOf is the run record that counts for a directory: its own, unless its run
// is that of another client (see runlog.Client). When that client sends the run
// itself, the directory's log goes there as one more, labelled writer, which
// leaves names, config and summary to the client.
func runOf(dir *runlog.Dir, run *wandbpb.RunRecord) *wandbpb.RunRecord {
	c := dir.Client()
	if c == nil {
		return run
	}
	run, _ = proto.Clone(run).(*wandbpb.RunRecord)
	if run == nil {
		run = &wandbpb.RunRecord{}
	}
	run.RunId = c.RunID
	if !c.Online {
		return run
	}
	if c.Project != "" { // else the client was killed before anybody could know
		run.Entity, run.Project = c.Entity, c.Project
	}
	run.Resume, run.BranchPoint, run.Forked = "", nil, false
	if c.Late {
		run.Writer = &wandbpb.Writer{Id: run.GetWriter().GetId(), Order: run.GetWriter().GetOrder(), Secondary: true}
		return run
	}
	run.Writer = &wandbpb.Writer{Id: run.GetWriter().GetId(), Order: run.GetWriter().GetOrder(), Label: c.Label, Shared: true, Secondary: true}
	return run
}

// besideClient says that the run is sent by another client, and that we, who
// have seen how the program ended, say that last.
func besideClient(dir *runlog.Dir) bool {
	c := dir.Client()
	return c != nil && c.Online
}
