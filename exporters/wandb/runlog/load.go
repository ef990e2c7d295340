package runlog

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

// Run is a whole run in memory, with the parts of other writers merged in by
// time. Text is "" and lists are nil where the log has nothing. For long runs
// see [Walk].
type Run struct {
	ID, Entity, Project, Name, Notes, Group, JobType string
	SweepID, Host                                    string
	Tags                                             []string
	Start                                            time.Time // zero if the log does not say

	Config      map[string]any          // without the _wandb block
	Metrics     []*wandbpb.MetricRecord // definitions, as in the log
	Summary     map[string]any
	History     []HistoryRow
	Stats       []Sample // system metrics
	Console     []ConsoleText
	Files       []string                   // relative to the run's files directory
	Environment *wandbpb.EnvironmentRecord // nil if there was none
	Telemetry   *wandbpb.TelemetryRecord   // nil if there was none
	Alerts      []*wandbpb.AlertRecord

	Exit    *Exit  // nil: the log has no exit record
	Crashed bool   // no exit record, or one whose status nobody knows; a living run looks the same
	Records int64  // read from the log and its parts
	Damage  Damage // what could not be read
}

// HistoryRow is one step. Values has what the program logged, nested as it
// was logged, without _step, _runtime and _timestamp.
type HistoryRow struct {
	Writer    string  // "" for the run's own log
	Step      int64   // from 0
	Runtime   float64 // seconds since the run began
	Timestamp float64 // seconds since 1970
	Values    map[string]any
}

// Sample is one record of system metrics; keys have no "system." prefix.
type Sample struct {
	Writer string         // "" for the run's own log
	Time   time.Time      // of the newest reading in it
	Values map[string]any // numbers
}

// ConsoleText is what the program printed, as it came.
type ConsoleText struct {
	Time   time.Time // when it was read
	Stderr bool      // else standard output
	Text   string    // with its line end, secrets masked by who wrote the log
}

// Exit is how the program ended.
type Exit struct {
	Code    int           // 128+n after signal n; without meaning unless Known
	Signal  int           // that ended the program, 0 if none did
	Known   bool          // false: nobody saw the status
	Runtime time.Duration // whole seconds
}

func exitOf(r *wandbpb.RunExitRecord) Exit {
	return Exit{
		Code: int(r.GetExitCode()), Signal: int(r.GetSignal()), Known: !r.GetUnknown(),
		Runtime: time.Duration(r.GetRuntime()) * time.Second,
	}
}

// Load reads a run whole, with what its parts and open steps add. The summary
// of a crashed run is worked out as [Repair] would.
func Load(dir *Dir) (*Run, error) { return load(dir, true) }

// LoadQuiet is Load without the console, which may be larger than memory: for
// what a program printed see [Walk].
func LoadQuiet(dir *Dir) (*Run, error) { return load(dir, false) }

func load(dir *Dir, console bool) (*Run, error) {
	run := &Run{ID: dir.RunID}
	state, exit, damage, err := Survey(dir, func(writer string, rec *wandbpb.Record) error {
		run.Records++
		if console || rec.GetOutputRaw() == nil {
			run.add(writer, rec)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	run.Damage = damage
	run.take(state)
	if exit != nil {
		e := exitOf(exit)
		run.Exit = &e
	}
	run.Crashed = run.Exit == nil || !run.Exit.Known
	return run, nil
}

// Survey walks through a run as [Walk] does and adds up what its writers say:
// names, config, summary, and the exit record that knows most, nil when there is
// none. What the client whose run it is says of its end counts where nobody else
// knows. visit may be told of each record; its error ends the walk.
func Survey(dir *Dir, visit func(writer string, rec *wandbpb.Record) error) (*State, *wandbpb.RunExitRecord, Damage, error) {
	state := NewState()
	var exit, clients *wandbpb.RunExitRecord
	damage, err := Walk(dir, func(writer string, rec *wandbpb.Record) error {
		if e := rec.GetExit(); e != nil && writer == ClientWriter {
			clients = proto.Clone(e).(*wandbpb.RunExitRecord)
		} else if e != nil && (exit == nil || exit.GetUnknown()) {
			exit = proto.Clone(e).(*wandbpb.RunExitRecord)
		}
		if !isOf(writer, rec) {
			_ = state.Apply(rec) // a value that is not JSON is left out
		}
		return visit(writer, rec)
	})
	if exit.GetUnknown() && clients != nil {
		exit = clients
	}
	return state, exit, damage, err
}

// isOf says that a record tells of its writer, or of its own end, and not of the
// run.
func isOf(writer string, rec *wandbpb.Record) bool {
	if writer == ClientWriter {
		return rec.GetExit() != nil
	}
	return writer != "" && (rec.GetHeader() != nil || rec.GetRun() != nil)
}

func (run *Run) add(writer string, rec *wandbpb.Record) {
	if row, ok := RowOf(writer, rec); ok {
		run.History = append(run.History, row)
		return
	}
	if sample, ok := SampleOf(writer, rec); ok {
		run.Stats = append(run.Stats, sample)
		return
	}
	switch r := rec.GetRecordType().(type) {
	case *wandbpb.Record_OutputRaw:
		run.Console = append(run.Console, ConsoleText{
			Time: timeOf(r.OutputRaw.GetTimestamp()), Text: r.OutputRaw.GetLine(),
			Stderr: r.OutputRaw.GetOutputType() == wandbpb.OutputRawRecord_STDERR,
		})
	case *wandbpb.Record_Files:
		for _, f := range r.Files.GetFiles() {
			run.Files = append(run.Files, f.GetPath())
		}
	case *wandbpb.Record_Alert:
		run.Alerts = append(run.Alerts, r.Alert)
	}
}

// take moves what the state has into the run.
func (run *Run) take(s *State) {
	r := s.Run
	if r.GetRunId() != "" {
		run.ID = r.GetRunId()
	}
	run.Entity, run.Project, run.Name, run.Notes = r.GetEntity(), r.GetProject(), r.GetDisplayName(), r.GetNotes()
	run.Group, run.JobType, run.Tags = r.GetRunGroup(), r.GetJobType(), r.GetTags()
	run.SweepID, run.Host = r.GetSweepId(), r.GetHost()
	run.Start = timeOf(r.GetStartTime())
	run.Config, run.Metrics, run.Summary = s.Config(), s.Metrics(), s.Summary()
	delete(run.Config, "_wandb")
	run.Environment, run.Telemetry = s.Environment, s.Telemetry
}

// RowOf decodes a history record, as [Walk] shows it; false for any other.
func RowOf(writer string, rec *wandbpb.Record) (HistoryRow, bool) {
	h := rec.GetHistory()
	if h == nil {
		return HistoryRow{}, false
	}
	return historyRow(writer, h), true
}

// SampleOf decodes a stats record, as [Walk] shows it; false for any other.
func SampleOf(writer string, rec *wandbpb.Record) (Sample, bool) {
	st := rec.GetStats()
	if st == nil {
		return Sample{}, false
	}
	sample := Sample{Writer: writer, Time: timeOf(st.GetTimestamp()), Values: make(map[string]any, len(st.GetItem()))}
	for _, it := range st.GetItem() {
		sample.Values[it.GetKey()] = decoded(it.GetValueJson())
	}
	return sample, true
}

// RowOfKeys is RowOf for those of the row's values whose path want takes; the
// others are not decoded. False also for a row that has none of them. want may
// not keep the path.
func RowOfKeys(writer string, rec *wandbpb.Record, want func(path []string) bool) (HistoryRow, bool) {
	h := rec.GetHistory()
	if h == nil {
		return HistoryRow{}, false
	}
	row := HistoryRow{Writer: writer, Step: stepOf(h), Values: map[string]any{}}
	some := false
	for _, item := range h.GetItem() {
		if path := itemPath(item); row.own(path, item) || !want(path) {
			continue
		}
		row.set(itemPath(item), decoded(item.GetValueJson()))
		some = true
	}
	return row, some
}

func historyRow(writer string, h *wandbpb.HistoryRecord) HistoryRow {
	row := HistoryRow{Writer: writer, Step: stepOf(h), Values: map[string]any{}}
	for _, item := range h.GetItem() {
		if path := itemPath(item); !row.own(path, item) {
			row.set(path, decoded(item.GetValueJson()))
		}
	}
	return row
}

// own takes the values that every row has.
func (row *HistoryRow) own(path []string, item *wandbpb.HistoryItem) bool {
	if len(path) != 1 {
		return false
	}
	switch path[0] {
	case "_step":
	case "_runtime":
		row.Runtime = asFloat(decoded(item.GetValueJson()))
	case "_timestamp":
		row.Timestamp = asFloat(decoded(item.GetValueJson()))
	default:
		return false
	}
	return true
}

func (row *HistoryRow) set(path []string, v any) {
	at := row.Values
	for _, part := range path[:len(path)-1] {
		at = child(at, part)
	}
	at[path[len(path)-1]] = v
}

// decoded reads a JSON value; what is none is shown as the text it is.
func decoded(text string) any {
	v, err := xjson.Decode([]byte(text))
	if err != nil {
		return text
	}
	return v
}

func asFloat(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

func timeOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
