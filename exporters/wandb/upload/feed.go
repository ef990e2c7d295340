package upload

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/internal/console"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/internal/filestream"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// feed turns records into what the server is to be told. The reader adds to it
// under mu; whoever sends takes from it.
type feed struct {
	mu sync.Mutex

	state     *runlog.State
	rows      rowMaker
	stats     statsMaker
	screen    *console.Screen
	missing   []runlog.Trimmed
	headCut   int64     // of the log\'s header
	cut       int64     // lines of console text that the log had before; the screen does not know of them
	shown     time.Time // of the newest console text
	label     string    // of this writer
	summaries summaries
	second    bool // config, summary and the end of the run are another writer's
	ends      bool // but for the end, which is ours to say

	batch   *filestream.Batch
	spans   []span           // what batch holds
	mark    Mark             // behind batch; its Sources are what was read
	acked   map[string]int64 // per log, what the server had at the start
	read    int64            // bytes of the logs that were read
	limit   int              // bytes of lines that a batch holds, about
	cost    int              // bytes of console text since the last take, about
	sealed  bool             // nothing more may join batch
	urgent  bool             // batch should not wait for its turn
	changes changes
	cleared struct{ tags, notes bool } // by a run record, at any time

	resend   bool // console text counts as new though it was acknowledged
	ended    bool // everything was read, and nothing more comes
	exit     *wandbpb.RunExitRecord
	offered  offered
	replayed bool          // what the server had was read
	pace     chan struct{} // size one: there is something to send
	space    chan struct{} // size one: batch was taken
	handlers handlers
}

// changes says what differs from what the server was told.
type changes struct {
	summary, config, params bool
}

// offered counts what the logs held so far, acknowledged or not.
type offered struct {
	rows, samples, texts int64
}

// handlers take what does not go through the file stream. They are called with
// the feed locked and must not block. Origin is the same text every time the
// record is read.
type handlers struct {
	files    func(*wandbpb.FilesRecord)
	alert    func(origin string, a *wandbpb.AlertRecord)
	artifact func(origin string, a *wandbpb.ArtifactRecord)
}

// full says that batch should be sent before anything is added.
func (f *feed) full() bool {
	return f.sealed || f.batch.History.Bytes()+f.batch.Events.Bytes()+f.cost >= f.limit
}

// take folds one record of a log in.
func (f *feed) take(name string, rec *record) {
	if f.misses(name, rec) {
		return
	}
	acknowledged := rec.num <= f.acked[name]
	if rec.part == nil {
		if rec.num <= f.mark.Sources[name] { // a part whose folded copy was read before
			return
		}
		if name != "" && rec.kind == kindHistory && !slices.Contains(f.mark.Live, name) {
			f.mark.Live = append(f.mark.Live, name)
		}
		rec.asLogged = name != ""
	} else { // a folded record: the part itself may have been read
		part := string(rec.part)
		if rec.partNum <= f.mark.Sources[part] {
			f.advance(name, rec.num, acknowledged)
			return
		}
		acknowledged = acknowledged || rec.partNum <= f.acked[part]
		rec.asLogged = slices.Contains(f.mark.Live, part) // a writer's rows have one shape
		f.mark.Sources[part] = rec.partNum
	}
	f.apply(name, rec, acknowledged)
	if rec.isData() {
		f.advance(name, rec.num, acknowledged)
	}
}

// advance notes that batch reaches to record num of a log.
func (f *feed) advance(name string, num int64, acknowledged bool) {
	f.mark.Sources[name] = num
	if acknowledged {
		return
	}
	if n := len(f.spans); n > 0 && f.spans[n-1].Source == name {
		f.spans[n-1].To = num
		return
	}
	f.spans = append(f.spans, span{name, num})
}

func (f *feed) apply(name string, rec *record, acknowledged bool) {
	switch rec.kind {
	case kindHistory:
		f.labelRow(writerOf(name, rec))
		f.rows.part = rec.asLogged
		f.history(rec.body, acknowledged)
	case kindStats:
		f.sample(rec.body, acknowledged)
	case kindOutputRaw:
		f.output(name, rec.body, acknowledged)
	case kindOutputLine:
		f.logged(name, rec.body, acknowledged)
	case kindPreempting:
		if !acknowledged {
			f.batch.Preempting, f.urgent = true, true
		}
	case kindSummary:
		f.changes.summary = true
		if !f.summaries.add(rec.body) {
			f.settleSummary()
			f.message(name, rec)
		}
	default:
		f.message(name, rec)
	}
}

// history adds a row, or counts why it cannot be sent.
func (f *feed) history(body []byte, acknowledged bool) {
	f.offered.rows++
	if acknowledged {
		return
	}
	line := f.rows.make(body)
	if line == nil || len(line) > filestream.MaxLine {
		f.mark.Dropped.Rows++
		return
	}
	f.mark.LastStep, f.mark.Moved = f.rows.lastStep, f.rows.moved
	if f.mark.Skip.History > 0 {
		f.mark.Skip.History--
		return
	}
	f.batch.History.Append(line)
}

func (f *feed) sample(body []byte, acknowledged bool) {
	f.offered.samples++
	if acknowledged {
		return
	}
	line := f.stats.make(body)
	if line == nil || len(line) > filestream.MaxLine {
		f.mark.Dropped.Samples++
		return
	}
	if f.mark.Skip.Events > 0 {
		f.mark.Skip.Events--
		return
	}
	f.batch.Events.Append(line)
}

// settleLines bounds what the screen holds of text that the server has.
const settleLines = 4096

// output shows console text on the screen.
func (f *feed) output(name string, body []byte, acknowledged bool) {
	f.offered.texts++
	if !slices.Contains(f.mark.Screens, name) {
		f.mark.Screens = append(f.mark.Screens, name)
	}
	const outType, outTime, outLine, stdout = 1, 2, 3, 1
	var text []byte
	var at time.Time
	eachField(body, func(num protowire.Number, v []byte) {
		switch num {
		case outTime:
			at = time.Unix(timestampParts(v))
		case outLine:
			text = v
		}
	})
	isStdout := false
	for b := body; len(b) > 0; {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			break
		}
		b = b[n:]
		if num == outType && typ == protowire.VarintType {
			v, _ := protowire.ConsumeVarint(b)
			isStdout = v == stdout
		}
		if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
			break
		}
		b = b[n:]
	}
	f.shown = at
	f.screen.Write(!isStdout, at, string(text))
	f.showed(text, acknowledged)
}

// logged shows lines that a program wrote to the console page alone. They have
// no time of their own and get that of the console text before them.
func (f *feed) logged(name string, body []byte, acknowledged bool) {
	f.offered.texts++
	if !slices.Contains(f.mark.Screens, name) {
		f.mark.Screens = append(f.mark.Screens, name)
	}
	const lineText = 1
	var text []byte
	eachField(body, func(num protowire.Number, v []byte) {
		if num == lineText {
			text = v
		}
	})
	at := f.shown
	if at.IsZero() {
		at = f.state.Run.GetStartTime().AsTime()
	}
	f.screen.Line(at, string(text))
	f.showed(text, acknowledged)
}

// showed counts what a request needs for text on the screen, or settles it.
func (f *feed) showed(text []byte, acknowledged bool) {
	if acknowledged && !f.resend {
		if lines, _ := f.screen.Pending(); lines >= settleLines {
			f.screen.Settle()
		}
		return
	}
	f.cost += 1 + len(text) + consoleLine*bytes.Count(text, []byte{'\n'})
}

// consoleLine is about what a request needs for a console line beside its text.
const consoleLine = 40

// message folds in records that are rare enough to be decoded.
func (f *feed) message(name string, rec *record) {
	msg := new(wandbpb.Record)
	if proto.Unmarshal(rec.payload, msg) != nil {
		return
	}
	f.meet(name, msg.GetRun().GetWriter())
	if run := msg.GetRun(); run != nil && name != "" { // of a part: the names are its main writer's to give
		msg.RecordType = &wandbpb.Record_Config{Config: run.GetConfig()}
	}
	for _, what := range msg.GetRun().GetCleared() {
		f.cleared.tags = f.cleared.tags || what == "tags"
		f.cleared.notes = f.cleared.notes || what == "notes"
	}
	f.rows.shiftSummary(msg.GetSummary())
	if name == "" || msg.GetHeader() == nil && msg.GetExit() == nil {
		_ = f.state.Apply(msg) // a value that is not JSON is left out
	}
	switch r := msg.GetRecordType().(type) {
	case *wandbpb.Record_Run:
		f.changes.params, f.changes.config = true, true
	case *wandbpb.Record_Config, *wandbpb.Record_Metric, *wandbpb.Record_Telemetry:
		f.changes.config = true
	case *wandbpb.Record_Environment:
		f.changes.config = true // what it says of program and host goes along
	case *wandbpb.Record_Files:
		f.handlers.files(r.Files)
	case *wandbpb.Record_Alert:
		f.handlers.alert(originOf(name, rec), r.Alert)
	case *wandbpb.Record_Artifact:
		f.handlers.artifact(originOf(name, rec), r.Artifact)
	case *wandbpb.Record_Exit:
		if name == "" || f.exit == nil || f.exit.GetUnknown() {
			f.exit = r.Exit
		}
	}
}

// add takes a record when there is room in batch.
func (f *feed) add(ctx context.Context, s *source, rec *record) error {
	for {
		f.mu.Lock()
		if !f.full() {
			f.take(s.name, rec)
			f.mu.Unlock()
			return nil
		}
		f.mu.Unlock()
		signal(f.pace)
		select {
		case <-f.space:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// hasExit says whether an exit record was read.
func (f *feed) hasExit() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.exit != nil
}

// signal wakes a loop without waiting for it.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
